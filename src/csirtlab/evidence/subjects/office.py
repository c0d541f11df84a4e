"""An ordinary day: reading, chatting, updating, asking for names and for the time."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.evidence.intents import Announce, Announcement, AskName, AskTime, Connect, Doing, Remark, Wish
from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.http import UPDATERS, Fetch, HttpSession, browser_of, language_of
from csirtlab.evidence.protocols.smb import FileShare
from csirtlab.evidence.protocols.tls import Request, TlsSession, browser_closing, short_closing
from csirtlab.evidence.sampling import SECOND, bell, between, chance, heavy, nanoseconds, pick, shuffled, whole


def _browse(doing: Doing) -> Iterator[Wish]:
    rng = doing.rng
    # People return to the same few sites; the first ones of the list are everybody's.
    favourites = [*doing.servers[:8], *shuffled(rng, doing.servers)[:12]]
    seen: set[str] = set()
    # Nobody is at work for an hour without opening a page.
    sittings = doing.times(doing.draw("sessions_per_hour")) or [
        doing.cast.begin_ns + int((doing.cast.end_ns - doing.cast.begin_ns) * rng.random())
    ]
    for sitting in sittings:
        at_ns = sitting
        for _ in range(doing.draw_whole("pages")):
            site = pick(rng, favourites)
            yield _visit(doing, site, at_ns, whole(rng, 1, 4), resumed=site.name in seen)
            seen.add(site.name)
            for _ in range(doing.draw_whole("third_parties")):
                other = pick(rng, doing.servers)
                later = at_ns + nanoseconds(heavy(rng, 0.12, 2.5))
                yield _visit(doing, other, later, whole(rng, 1, 2), resumed=other.name in seen)
                seen.add(other.name)
            at_ns += nanoseconds(heavy(rng, 5, 140))


def _visit(doing: Doing, server: Host, at_ns: int, count: int, *, resumed: bool) -> Connect:
    rng = doing.rng
    requests = tuple(
        Request(
            int(bell(rng, 60, 900)),
            doing.draw_heavy("response_bytes"),
            nanoseconds(heavy(rng, 0.002, 0.4)),
            nanoseconds(heavy(rng, 0.02, 4)),
        )
        for _ in range(count)
    )
    session = TlsSession(server.name, doing.tls_client, resumed and chance(rng, 0.7), requests, browser_closing(rng))
    return Connect(at_ns, doing.host, server, 443, session, doing.action.id)


def _chat(doing: Doing) -> Iterator[Wish]:
    rng = doing.rng
    server = pick(rng, doing.servers)
    length = doing.cast.end_ns - doing.cast.begin_ns
    bursts = doing.draw_whole("bursts")
    starts = [doing.cast.begin_ns + int(length * rng.random()) for _ in range(bursts)]
    known = False
    for number in range(doing.draw_whole("connections")):
        at_ns = starts[number] if number < bursts else pick(rng, starts)
        at_ns += nanoseconds(heavy(rng, 0.2, 120))
        request = Request(
            int(doing.draw("request_bytes")), doing.draw_heavy("response_bytes"), nanoseconds(heavy(rng, 0.004, 0.3)), 0
        )
        closing = browser_closing(rng) if chance(rng, 0.25) else short_closing(rng, server_closes=False)
        session = TlsSession(server.name, doing.tls_client, known and chance(rng, 0.85), (request,), closing)
        known = True
        yield Connect(at_ns, doing.host, server, 443, session, doing.action.id)


def _intranet(doing: Doing) -> Iterator[Wish]:
    rng, server = doing.rng, doing.servers[0]
    name = f"{server.name.lower()}.{doing.cast.site_domain}"
    agent, language = browser_of(doing.host), language_of(doing.host.address)
    for at_ns in doing.times(doing.draw("pages_per_hour")):
        fetches = [
            Fetch(
                f"/{pick(rng, _SECTIONS)}/{whole(rng, 100, 9999)}",
                doing.draw_heavy("response_bytes"),
                "text/html; charset=utf-8",
                nanoseconds(heavy(rng, 0.001, 0.2)),
                0,
            )
        ]
        fetches += [
            Fetch(
                f"/static/{whole(rng, 16**5, 16**6 - 1):x}.css",
                doing.draw_heavy("response_bytes"),
                "text/css",
                nanoseconds(heavy(rng, 0.0004, 0.02)),
                nanoseconds(heavy(rng, 0.004, 0.1)),
            )
            for _ in range(whole(rng, 0, 2))
        ]
        ending = pick(rng, (Ending.SERVER_FIN, Ending.SERVER_FIN, Ending.CLIENT_FIN, Ending.CLIENT_RESET))
        closing = Closing(ending, nanoseconds(between(rng, 4.9, 5.1) if ending is Ending.SERVER_FIN else 2))
        way = server.way.rtt_ns // 2
        session = HttpSession(name, agent, tuple(fetches), server.clock_ns, way, closing, language)
        yield Connect(at_ns, doing.host, server, 80, session, doing.action.id)


_SECTIONS = ("noticias", "tramites", "directorio", "formularios", "circulares", "agenda", "normativa")


def _update(doing: Doing) -> Iterator[Wish]:
    rng, family = doing.rng, doing.host.stack.family
    times = doing.draw_whole("times")
    server = pick(rng, doing.servers)
    length = doing.cast.end_ns - doing.cast.begin_ns
    for _ in range(times):
        fetches = tuple(
            Fetch(
                f"/{pick(rng, _FOLDERS)}/{whole(rng, 16**7, 16**8 - 1):x}.{pick(rng, _SUFFIXES[family])}",
                doing.draw_heavy("response_bytes"),
                "application/octet-stream",
                nanoseconds(heavy(rng, 0.0006, 0.05)),
                nanoseconds(heavy(rng, 0.002, 0.4)),
            )
            for _ in range(whole(rng, 1, 3))
        )
        closing = Closing(pick(rng, (Ending.CLIENT_FIN, Ending.SERVER_FIN)), nanoseconds(heavy(rng, 0.5, 30)))
        way = server.way.rtt_ns // 2
        session = HttpSession(server.name, UPDATERS[family], fetches, server.clock_ns, way, closing)
        at_ns = doing.cast.begin_ns + int(length * rng.random())
        yield Connect(at_ns, doing.host, server, 80, session, doing.action.id)


_FOLDERS = ("pool", "d", "content", "v9")
_SUFFIXES = {"windows": ("cab", "psf", "exe"), "linux": ("deb", "xz"), "macos": ("pkg", "zip")}


def _clock(doing: Doing) -> Iterator[Wish]:
    rng = doing.rng
    interval = 1 << (int(doing.draw("interval_s")).bit_length() - 1)  # powers of two (RFC 5905, 7.3)
    poll = max(4, int(interval).bit_length() - 1)
    server = pick(rng, doing.servers)
    at_ns = doing.cast.begin_ns + int(interval * rng.random() * SECOND)
    while at_ns < doing.cast.end_ns:
        yield AskTime(at_ns, doing.host, server, poll, doing.action.id)
        at_ns += nanoseconds(interval * between(rng, 0.995, 1.012))


def _share_files(doing: Doing) -> Iterator[Wish]:
    rng, server = doing.rng, doing.servers[0]
    account = pick(rng, doing.action.lists["accounts"])
    domain = doing.cast.site_domain.split(".")[0].upper()[:15]  # NetBIOS names have 15 characters
    for at_ns in doing.times(doing.draw("sessions_per_hour")):
        sizes = [doing.draw_heavy("file_bytes") for _ in range(doing.draw_whole("files"))]
        stored = sum(chance(rng, doing.draw("stored")) for _ in sizes)
        yield Connect(
            at_ns,
            doing.host,
            server,
            _SMB,
            FileShare(
                server,
                doing.host.name,
                domain,
                account,
                tuple(sizes[stored:]),
                tuple(sizes[:stored]),
                tuple(nanoseconds(heavy(rng, 0.8, 90)) for _ in sizes),
                Closing(pick(rng, (Ending.CLIENT_FIN, Ending.CLIENT_RESET)), nanoseconds(heavy(rng, 0.001, 40))),
            ),
            doing.action.id,
        )


_SMB = 445


def _stray_lookups(doing: Doing) -> Iterator[Wish]:
    rng, site = doing.rng, doing.cast.site_domain
    outside = [server for servers in doing.cast.services.values() if len(servers) > 4 for server in servers]
    for at_ns in doing.times(doing.draw("times_per_hour")):
        share = rng.random()
        if share < 0.4 or not outside:
            name = f"{pick(rng, ('wpad', 'isatap', 'srv-old', 'files', 'print01', 'proxy', 'sharepoint'))}.{site}"
        elif share < 0.7:
            name = f"{pick(rng, outside).name}.{site}"  # the resolver's search list
        else:
            right = pick(rng, outside).name
            at = whole(rng, 1, len(right.split(".")[0]) - 2)
            name = right[:at] + right[at + 1] + right[at] + right[at + 2 :]
        if all(name != server.name for server in outside):
            yield AskName(at_ns, doing.host, name, doing.action.id)


def _announce(doing: Doing) -> Iterator[Wish]:
    rng = doing.rng
    kinds = [Announcement.MDNS, Announcement.MDNS, Announcement.DHCP, Announcement.GROUPS]
    if doing.host.stack.family == "windows":
        kinds += [Announcement.NETBIOS, Announcement.NETBIOS, Announcement.SSDP, Announcement.DHCPV6]
    elif doing.host.stack.family != "printer":
        kinds.append(Announcement.ROUTER)
    renewed = False
    for at_ns in doing.times(doing.draw("times_per_hour")):
        kind = pick(rng, kinds)
        if kind is Announcement.DHCP and renewed:
            continue  # a lease lasts longer than this window
        renewed = renewed or kind is Announcement.DHCP
        yield Announce(at_ns, doing.host, kind, doing.action.id)


DOERS: Mapping[str, Callable[[Doing], Iterator[Wish | Remark]]] = {
    "announce": _announce,
    "browse": _browse,
    "chat": _chat,
    "clock": _clock,
    "intranet": _intranet,
    "share-files": _share_files,
    "stray-lookups": _stray_lookups,
    "update": _update,
}
