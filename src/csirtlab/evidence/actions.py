"""The verbs of scenarios: what each makes its hosts wish for, and when.

One function per verb, all of the same form: the cast, the action as the scenario says it, a stream
of its own -> wishes in any order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from csirtlab.content.scenarios import Action
from csirtlab.evidence.cast import Cast
from csirtlab.evidence.dialogues import Closing, Ending
from csirtlab.evidence.dice import SECOND, bell, between, chance, heavy, nanoseconds, pick, shuffled, whole
from csirtlab.evidence.http import AGENTS, UPDATERS, Fetch, HttpSession
from csirtlab.evidence.model import Host
from csirtlab.evidence.tls import Request, TlsSession, farewell
from csirtlab.evidence.wishes import Announce, Announcement, AskName, AskTime, Connect, Wish

_HOUR = 3600 * SECOND
_BROWSER_PROBES = 45 * SECOND  # Chrome's TCP keep-alive


@dataclass(frozen=True, slots=True)
class _Doing:
    """An action of one host."""

    cast: Cast
    action: Action
    host: Host
    servers: tuple[Host, ...]
    rng: Random

    def draw(self, parameter: str) -> float:
        return between(self.rng, *self.action.ranges[parameter])

    def draw_heavy(self, parameter: str) -> int:
        return int(heavy(self.rng, *self.action.ranges[parameter]))

    def times(self, per_hour: float) -> list[int]:
        """Return instants all over the window, ``per_hour`` on average."""
        length = self.cast.end_ns - self.cast.begin_ns
        expected = per_hour * length / _HOUR
        count = int(expected) + (1 if chance(self.rng, expected - int(expected)) else 0)
        return sorted(self.cast.begin_ns + int(length * self.rng.random()) for _ in range(count))


def wishes_of(cast: Cast, action: Action, rng: Random) -> Iterator[Wish]:
    """Yield what ``action`` makes its hosts wish for."""
    servers = cast.services.get(action.target or "") or cast.groups.get(action.target or "", ())
    for host in cast.groups[action.source]:
        yield from DOERS[action.verb](_Doing(cast, action, host, servers, rng))


def _browse(doing: _Doing) -> Iterator[Wish]:
    rng = doing.rng
    # People return to the same few sites; the first ones of the list are everybody's.
    favourites = [*doing.servers[:8], *shuffled(rng, doing.servers)[:12]]
    seen: set[str] = set()
    for sitting in doing.times(doing.draw("sessions_per_hour")):
        at_ns = sitting
        for _ in range(whole(rng, *_whole_range(doing, "pages"))):
            site = pick(rng, favourites)
            yield _visit(doing, site, at_ns, whole(rng, 1, 4), resumed=site.name in seen)
            seen.add(site.name)
            for _ in range(whole(rng, *_whole_range(doing, "third_parties"))):
                other = pick(rng, doing.servers)
                later = at_ns + nanoseconds(heavy(rng, 0.12, 2.5))
                yield _visit(doing, other, later, whole(rng, 1, 2), resumed=other.name in seen)
                seen.add(other.name)
            at_ns += nanoseconds(heavy(rng, 5, 140))


def _visit(doing: _Doing, server: Host, at_ns: int, count: int, *, resumed: bool) -> Connect:
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
    session = TlsSession(server.name, _tls_of(doing), resumed and chance(rng, 0.7), requests, _browser_closing(rng))
    return Connect(at_ns, doing.host, server, 443, session, doing.action.id)


def _browser_closing(rng: Random) -> Closing:
    bye = farewell(rng)
    share = rng.random()
    if share < 0.3:
        return Closing(Ending.SERVER_FIN, pick(rng, (60, 65, 75)) * SECOND, _BROWSER_PROBES, bye)
    if share < 0.4:
        return Closing(Ending.SERVER_FIN_CLIENT_RESET, nanoseconds(heavy(rng, 3, 30)), 0, bye)
    if share < 0.52:
        return Closing(Ending.CLIENT_RESET, nanoseconds(heavy(rng, 0.05, 40)))
    if share < 0.62:
        return Closing(Ending.OPEN, nanoseconds(heavy(rng, 60, 700)), _BROWSER_PROBES)
    return Closing(Ending.CLIENT_FIN, nanoseconds(heavy(rng, 0.3, 115)), _BROWSER_PROBES, bye)


def _chat(doing: _Doing) -> Iterator[Wish]:
    rng = doing.rng
    server = pick(rng, doing.servers)
    length = doing.cast.end_ns - doing.cast.begin_ns
    bursts = whole(rng, *_whole_range(doing, "bursts"))
    starts = [doing.cast.begin_ns + int(length * rng.random()) for _ in range(bursts)]
    known = False
    for number in range(whole(rng, *_whole_range(doing, "connections"))):
        at_ns = starts[number] if number < bursts else pick(rng, starts)
        at_ns += nanoseconds(heavy(rng, 0.2, 120))
        request = Request(
            int(doing.draw("request_bytes")), doing.draw_heavy("response_bytes"), nanoseconds(heavy(rng, 0.004, 0.3)), 0
        )
        closing = _browser_closing(rng) if chance(rng, 0.25) else _short_closing(rng, server_closes=False)
        session = TlsSession(server.name, _tls_of(doing), known and chance(rng, 0.85), (request,), closing)
        known = True
        yield Connect(at_ns, doing.host, server, 443, session, doing.action.id)


def _short_closing(rng: Random, *, server_closes: bool) -> Closing:
    ending = Ending.SERVER_FIN if server_closes else Ending.CLIENT_FIN
    return Closing(ending, nanoseconds(heavy(rng, 0.0008, 0.6)), 0, farewell(rng))


def _tls_of(doing: _Doing) -> str:
    """Return whose TLS the action speaks on this host; only Windows has one that all its programs share."""
    client = doing.action.client or "library"
    return "library" if client == "system" and doing.host.stack.family != "windows" else client


def _intranet(doing: _Doing) -> Iterator[Wish]:
    rng, server = doing.rng, doing.servers[0]
    name = f"{server.name.lower()}.{doing.cast.site_domain}"
    agent = pick(rng, AGENTS[doing.host.stack.family])
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
        session = HttpSession(name, agent, tuple(fetches), server.clock_ns, server.way.rtt_ns // 2, closing)
        yield Connect(at_ns, doing.host, server, 80, session, doing.action.id)


_SECTIONS = ("noticias", "tramites", "directorio", "formularios", "circulares", "agenda", "normativa")


def _update(doing: _Doing) -> Iterator[Wish]:
    rng, family = doing.rng, doing.host.stack.family
    times = whole(rng, *_whole_range(doing, "times"))
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


def _clock(doing: _Doing) -> Iterator[Wish]:
    rng = doing.rng
    interval = doing.draw("interval_s")
    if doing.host.stack.family != "windows":
        interval = 1 << (int(interval).bit_length() - 1)  # powers of two (RFC 5905, 7.3)
    poll = max(4, int(interval).bit_length() - 1)
    server = pick(rng, doing.servers)
    at_ns = doing.cast.begin_ns + int(interval * rng.random() * SECOND)
    while at_ns < doing.cast.end_ns:
        yield AskTime(at_ns, doing.host, server, poll, doing.action.id)
        at_ns += nanoseconds(interval * between(rng, 0.995, 1.012))


def _stray_lookups(doing: _Doing) -> Iterator[Wish]:
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


def _announce(doing: _Doing) -> Iterator[Wish]:
    rng = doing.rng
    kinds = [Announcement.MDNS, Announcement.MDNS, Announcement.DHCP]
    if doing.host.stack.family == "windows":
        kinds += [Announcement.NETBIOS, Announcement.NETBIOS, Announcement.SSDP]
    renewed = False
    for at_ns in doing.times(doing.draw("times_per_hour")):
        kind = pick(rng, kinds)
        if kind is Announcement.DHCP and renewed:
            continue  # a lease lasts longer than this window
        renewed = renewed or kind is Announcement.DHCP
        yield Announce(at_ns, doing.host, kind, doing.action.id)


def _check_in(doing: _Doing) -> Iterator[Wish]:
    yield from _periodic(doing, 0)


def _beacon(doing: _Doing) -> Iterator[Wish]:
    yield from _periodic(doing, whole(doing.rng, *_whole_range(doing, "tasks")))


def _periodic(doing: _Doing, tasks: int) -> Iterator[Wish]:
    rng, action, server = doing.rng, doing.action, doing.servers[0]
    low, high = action.ranges["interval_s"]
    # Uniform in the rate, so that the number of calls differs from case to case as much as it can.
    interval = 1 / between(rng, 1 / high, 1 / low)
    jitter = doing.draw("jitter")
    asked, answered = int(doing.draw("request_bytes")), int(doing.draw("response_bytes"))
    server_closes = chance(rng, 0.4)
    starts: list[int] = []
    was_there = action.starts_min == (0, 0)
    offset = interval * rng.random() if was_there else between(rng, *action.starts_min) * 60
    at_ns = doing.cast.begin_ns + nanoseconds(offset)
    # The last call is over, answer and all, before the recording ends.
    while at_ns < doing.cast.end_ns - 25 * SECOND:
        starts.append(at_ns)
        at_ns += nanoseconds(interval * between(rng, 1 - jitter, 1 + jitter))
    busy = set(shuffled(rng, range(2, len(starts) - 1))[:tasks]) if tasks else set()
    for number, start in enumerate(starts):
        requests = [Request(asked + whole(rng, 0, 40), answered + whole(rng, 0, 60), _server_think(rng), 0)]
        if number in busy:
            requests = [*_tasking(doing, requests[0])]
        resumed = number > 0 and chance(rng, 0.8)
        closing = _short_closing(rng, server_closes=server_closes)
        session = TlsSession(server.name, _tls_of(doing), resumed, tuple(requests), closing)
        yield Connect(start, doing.host, server, 443, session, action.id)


def _tasking(doing: _Doing, first: Request) -> Iterator[Request]:
    """Yield a call that gets a task, and the calls that send its result in the same connection."""
    rng = doing.rng
    yield Request(first.request_bytes, doing.draw_heavy("task_bytes"), first.think_ns, 0)
    left = int(doing.draw("result_bytes"))
    while left > 0:
        part = min(left, whole(rng, 1500, 9000))
        pause = nanoseconds(heavy(rng, 0.15, 2.2))
        yield Request(part + 180, whole(rng, 120, 260), _server_think(rng), pause)
        left -= part


def _server_think(rng: Random) -> int:
    return nanoseconds(heavy(rng, 0.003, 0.25))


def _whole_range(doing: _Doing, parameter: str) -> tuple[int, int]:
    low, high = doing.action.ranges[parameter]
    return int(low), int(high)


DOERS: dict[str, Callable[[_Doing], Iterator[Wish]]] = {
    "announce": _announce,
    "beacon": _beacon,
    "browse": _browse,
    "chat": _chat,
    "check-in": _check_in,
    "clock": _clock,
    "intranet": _intranet,
    "stray-lookups": _stray_lookups,
    "update": _update,
}
"""The behaviour of each verb of ``csirtlab.content.vocabulary``."""
