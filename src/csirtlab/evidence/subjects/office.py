"""An ordinary day: reading, chatting, updating, asking for names and for the time."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.evidence.intents import ActionContext, Announce, Announcement, AskName, AskTime, Connect, Intent, Output
from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.http import UPDATERS, Fetch, HttpSession, browser_of, language_of
from csirtlab.evidence.protocols.smb import FileShare
from csirtlab.evidence.protocols.tls import Request, TlsSession, browser_closing, short_closing
from csirtlab.evidence.sampling import (
    SECOND,
    between,
    bounded_pareto,
    chance,
    nanoseconds,
    normal,
    pick,
    shuffled,
    whole,
)


def _browse(context: ActionContext) -> Iterator[Intent]:
    rng = context.rng
    # People return to the same few sites; the first ones of the list are everybody's.
    favourites = [*context.servers[:8], *shuffled(rng, context.servers)[:12]]
    seen: set[str] = set()
    # Nobody is at work for an hour without opening a page.
    sittings = context.times(context.draw("sessions_per_hour")) or [
        context.topology.begin_ns + int((context.topology.end_ns - context.topology.begin_ns) * rng.random())
    ]
    for sitting in sittings:
        at_ns = sitting
        for _ in range(context.draw_whole("pages")):
            site = pick(rng, favourites)
            yield _visit(context, site, at_ns, whole(rng, 1, 4), resumed=site.name in seen)
            seen.add(site.name)
            for _ in range(context.draw_whole("third_parties")):
                other = pick(rng, context.servers)
                later = at_ns + nanoseconds(bounded_pareto(rng, 0.12, 2.5))
                yield _visit(context, other, later, whole(rng, 1, 2), resumed=other.name in seen)
                seen.add(other.name)
            at_ns += nanoseconds(bounded_pareto(rng, 5, 140))


def _visit(context: ActionContext, server: Host, at_ns: int, count: int, *, resumed: bool) -> Connect:
    rng = context.rng
    requests = tuple(
        Request(
            int(normal(rng, 60, 900)),
            context.draw_pareto("response_bytes"),
            nanoseconds(bounded_pareto(rng, 0.002, 0.4)),
            nanoseconds(bounded_pareto(rng, 0.02, 4)),
        )
        for _ in range(count)
    )
    session = TlsSession(server.name, context.tls_client, resumed and chance(rng, 0.7), requests, browser_closing(rng))
    return Connect(at_ns, context.host, server, 443, session, context.action.id)


def _chat(context: ActionContext) -> Iterator[Intent]:
    rng = context.rng
    server = pick(rng, context.servers)
    length = context.topology.end_ns - context.topology.begin_ns
    bursts = context.draw_whole("bursts")
    starts = [context.topology.begin_ns + int(length * rng.random()) for _ in range(bursts)]
    known = False
    for number in range(context.draw_whole("connections")):
        at_ns = starts[number] if number < bursts else pick(rng, starts)
        at_ns += nanoseconds(bounded_pareto(rng, 0.2, 120))
        request = Request(
            int(context.draw("request_bytes")),
            context.draw_pareto("response_bytes"),
            nanoseconds(bounded_pareto(rng, 0.004, 0.3)),
            0,
        )
        closing = browser_closing(rng) if chance(rng, 0.25) else short_closing(rng, server_closes=False)
        session = TlsSession(server.name, context.tls_client, known and chance(rng, 0.85), (request,), closing)
        known = True
        yield Connect(at_ns, context.host, server, 443, session, context.action.id)


def _intranet(context: ActionContext) -> Iterator[Intent]:
    rng, server = context.rng, context.servers[0]
    name = f"{server.name.lower()}.{context.topology.site_domain}"
    agent, language = browser_of(context.host), language_of(context.host.address)
    for at_ns in context.times(context.draw("pages_per_hour")):
        fetches = [
            Fetch(
                f"/{pick(rng, _SECTIONS)}/{whole(rng, 100, 9999)}",
                context.draw_pareto("response_bytes"),
                "text/html; charset=utf-8",
                nanoseconds(bounded_pareto(rng, 0.001, 0.2)),
                0,
            )
        ]
        fetches += [
            Fetch(
                f"/static/{whole(rng, 16**5, 16**6 - 1):x}.css",
                context.draw_pareto("response_bytes"),
                "text/css",
                nanoseconds(bounded_pareto(rng, 0.0004, 0.02)),
                nanoseconds(bounded_pareto(rng, 0.004, 0.1)),
            )
            for _ in range(whole(rng, 0, 2))
        ]
        ending = pick(rng, (Ending.SERVER_FIN, Ending.SERVER_FIN, Ending.CLIENT_FIN, Ending.CLIENT_RESET))
        closing = Closing(ending, nanoseconds(between(rng, 4.9, 5.1) if ending is Ending.SERVER_FIN else 2))
        trip_ns = server.link.rtt_ns // 2
        session = HttpSession(name, agent, tuple(fetches), server.clock_ns, trip_ns, closing, language)
        yield Connect(at_ns, context.host, server, 80, session, context.action.id)


_SECTIONS = ("noticias", "tramites", "directorio", "formularios", "circulares", "agenda", "normativa")


def _update(context: ActionContext) -> Iterator[Intent]:
    rng, family = context.rng, context.host.stack.family
    times = context.draw_whole("times")
    server = pick(rng, context.servers)
    length = context.topology.end_ns - context.topology.begin_ns
    for _ in range(times):
        fetches = tuple(
            Fetch(
                f"/{pick(rng, _FOLDERS)}/{whole(rng, 16**7, 16**8 - 1):x}.{pick(rng, _SUFFIXES[family])}",
                context.draw_pareto("response_bytes"),
                "application/octet-stream",
                nanoseconds(bounded_pareto(rng, 0.0006, 0.05)),
                nanoseconds(bounded_pareto(rng, 0.002, 0.4)),
            )
            for _ in range(whole(rng, 1, 3))
        )
        closing = Closing(pick(rng, (Ending.CLIENT_FIN, Ending.SERVER_FIN)), nanoseconds(bounded_pareto(rng, 0.5, 30)))
        trip_ns = server.link.rtt_ns // 2
        session = HttpSession(server.name, UPDATERS[family], fetches, server.clock_ns, trip_ns, closing)
        at_ns = context.topology.begin_ns + int(length * rng.random())
        yield Connect(at_ns, context.host, server, 80, session, context.action.id)


_FOLDERS = ("pool", "d", "content", "v9")
_SUFFIXES = {"windows": ("cab", "psf", "exe"), "linux": ("deb", "xz"), "macos": ("pkg", "zip")}


def _clock(context: ActionContext) -> Iterator[Intent]:
    rng = context.rng
    interval = 1 << (int(context.draw("interval_s")).bit_length() - 1)  # powers of two (RFC 5905, 7.3)
    poll = max(4, int(interval).bit_length() - 1)
    server = pick(rng, context.servers)
    at_ns = context.topology.begin_ns + int(interval * rng.random() * SECOND)
    while at_ns < context.topology.end_ns:
        yield AskTime(at_ns, context.host, server, poll, context.action.id)
        at_ns += nanoseconds(interval * between(rng, 0.995, 1.012))


def _share_files(context: ActionContext) -> Iterator[Intent]:
    rng, server = context.rng, context.servers[0]
    account = pick(rng, context.action.lists["accounts"])
    domain = context.topology.site_domain.split(".")[0].upper()[:15]  # NetBIOS names have 15 characters
    for at_ns in context.times(context.draw("sessions_per_hour")):
        sizes = [context.draw_pareto("file_bytes") for _ in range(context.draw_whole("files"))]
        stored = sum(chance(rng, context.draw("stored")) for _ in sizes)
        yield Connect(
            at_ns,
            context.host,
            server,
            _SMB,
            FileShare(
                server,
                context.host.name,
                domain,
                account,
                tuple(sizes[stored:]),
                tuple(sizes[:stored]),
                tuple(nanoseconds(bounded_pareto(rng, 0.8, 90)) for _ in sizes),
                Closing(
                    pick(rng, (Ending.CLIENT_FIN, Ending.CLIENT_RESET)), nanoseconds(bounded_pareto(rng, 0.001, 40))
                ),
            ),
            context.action.id,
        )


_SMB = 445


def _stray_lookups(context: ActionContext) -> Iterator[Intent]:
    rng, site = context.rng, context.topology.site_domain
    outside = [server for servers in context.topology.services.values() if len(servers) > 4 for server in servers]
    for at_ns in context.times(context.draw("times_per_hour")):
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
            yield AskName(at_ns, context.host, name, context.action.id)


def _announce(context: ActionContext) -> Iterator[Intent]:
    rng = context.rng
    kinds = [Announcement.MDNS, Announcement.MDNS, Announcement.DHCP, Announcement.GROUPS]
    if context.host.stack.family == "windows":
        kinds += [Announcement.NETBIOS, Announcement.NETBIOS, Announcement.SSDP, Announcement.DHCPV6]
    elif context.host.stack.family != "printer":
        kinds.append(Announcement.ROUTER)
    renewed = False
    for at_ns in context.times(context.draw("times_per_hour")):
        kind = pick(rng, kinds)
        if kind is Announcement.DHCP and renewed:
            continue  # a lease lasts longer than this window
        renewed = renewed or kind is Announcement.DHCP
        yield Announce(at_ns, context.host, kind, context.action.id)


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {
    "announce": _announce,
    "browse": _browse,
    "chat": _chat,
    "clock": _clock,
    "intranet": _intranet,
    "share-files": _share_files,
    "stray-lookups": _stray_lookups,
    "update": _update,
}
