"""A worm that goes from device to device over telnet. What it makes them fetch does nothing."""

import datetime as dt
import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.applications.devices import WGET, Download
from csirtlab.evidence.intents import ActionContext, ArpProbe, Connect, Intent, Output, RecordedFact
from csirtlab.evidence.measures import instant
from csirtlab.evidence.model import FactValue, Host, Plan, Reply, SynProbe, TcpFlow
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.protocols.telnet import PORTS, TelnetSession
from csirtlab.evidence.sampling import (
    SECOND,
    between,
    bits,
    bounded_pareto,
    chance,
    nanoseconds,
    noise,
    pick,
    shuffled,
    whole,
)
from csirtlab.evidence.seeds import stream

_HTTP = 80
_PAUSES_S = (0.15, 1.5)  # of a program that types
_ROUND_TRIPS = 18  # until the order to fetch is given
_SUFFIXES = ("", "1", "12", "123", "1234", "!", "01", "99", "2020")
_PAIRS = 9


@dataclass(frozen=True, slots=True)
class _Worm:
    """What one worm carries."""

    context: ActionContext
    loader: Host
    right: tuple[str, str]  # account, password
    wrong: tuple[tuple[str, str], ...]
    file: str
    content: bytes
    software: str  # of the loader's web server

    def guess(self, at_ns: int, source: Host, device: Host, pair: tuple[str, str]) -> Connect:
        """Return a login that is refused."""
        closing = Closing(Ending.CLIENT_FIN, nanoseconds(bounded_pareto(self.context.rng, 0.001, 0.6)))
        session = TelnetSession("telnet-guess-wrong", device.name.lower(), *pair, _PAUSES_S, closing)
        return Connect(at_ns, source, device, _port(device), session, self.context.action.id, by_name=False)

    def guesses(self, at_ns: int, source: Host, device: Host, count: int) -> list[Connect]:
        """Return some logins in a row that are refused."""
        found = []
        for pair in shuffled(self.context.rng, self.wrong)[:count]:
            found.append(self.guess(at_ns, source, device, pair))
            at_ns += nanoseconds(between(self.context.rng, 5, 9))
        return found

    def break_in(self, at_ns: int, source: Host, device: Host) -> tuple[list[Intent], int]:
        """Return what it takes to infect a device, and when the file has arrived there."""
        rng, loader, label = self.context.rng, self.loader, self.context.action.id
        intents: list[Intent] = [*self.guesses(at_ns, source, device, self.context.draw_whole("tries"))]
        at_ns = intents[-1].at_ns + nanoseconds(between(rng, 5, 9))
        trip_ns = 0 if source.inside else source.link.rtt_ns
        fetch = at_ns + nanoseconds(between(rng, 6, 9)) + _ROUND_TRIPS * trip_ns
        asks = fetch + nanoseconds(bounded_pareto(rng, 0.03, 0.2))
        fetched = asks + nanoseconds(between(rng, 0.2, 0.6)) + 10 * loader.link.rtt_ns
        closing = Closing(Ending.CLIENT_FIN, nanoseconds(bounded_pareto(rng, 0.2, 8)))
        session = TelnetSession(
            "telnet-guess-right", device.name.lower(), *self.right, _PAUSES_S, closing, loader.address, self.file,
            fetch, fetched, trip_ns,
        )  # fmt: skip
        intents.append(Connect(at_ns, source, device, _port(device), session, label, by_name=False))
        file = Download(
            loader.address, f"/{self.file}", WGET, loader, self.software, "application/octet-stream", self.content,
            nanoseconds(bounded_pareto(rng, 0.0005, 0.02)), Closing(Ending.SERVER_FIN, nanoseconds(0.0005)),
        )  # fmt: skip
        intents.append(Connect(asks, device, loader, _HTTP, file, label, by_name=False))
        return intents, fetched


def _port(device: Host) -> int:
    """Return where a device has telnet; it is the device's, not the worm's."""
    return PORTS[1] if chance(stream(device.mac, "telnet port"), 0.3) else PORTS[0]


def _telnet_worm(context: ActionContext) -> Iterator[Intent | Output]:
    rng, bot, first = context.rng, context.host, context.others("first")[0]
    worm = _hatch(context)
    at_ns = context.topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    others = [
        host for host in context.topology.inside if host not in context.servers and host is not context.topology.router
    ]
    for host in shuffled(rng, others)[: context.draw_whole("knocks")]:
        if _has_telnet(host):
            yield from worm.guesses(at_ns, bot, host, 1)
        else:
            yield from _knocks(context, at_ns, bot, host)
        at_ns += nanoseconds(context.draw("gap_s"))
    intents, arrived = worm.break_in(at_ns, bot, first)
    yield from intents
    infected = {first.address: arrived}
    yield from _spread(worm, first, arrived, infected)
    account, password = worm.right
    yield RecordedFact(context.action.id, "devices", frozenset(infected))
    yield RecordedFact(context.action.id, "arrivals", tuple(infected.items()))
    yield RecordedFact(context.action.id, "pair", f"{account}:{password}")


def _hatch(context: ActionContext) -> _Worm:
    rng, lists = context.rng, context.action.lists
    pairs: list[tuple[str, str]] = []
    while len(pairs) < _PAIRS:
        pair = (pick(rng, lists["accounts"]), f"{pick(rng, lists['passwords'])}{pick(rng, _SUFFIXES)}")
        if pair not in pairs:
            pairs.append(pair)
    content = b"exercise: this file does nothing\n" + noise(rng, context.draw_whole("file_bytes"))
    file = f"{pick(rng, lists['files'])}{bits(rng, 16):04x}"
    software = pick(rng, ("Apache/2.4.66 (Debian)", "nginx", "lighttpd/1.4.69"))
    return _Worm(context, context.others("loader")[0], pairs[0], tuple(pairs[1:]), file, content, software)


def _spread(worm: _Worm, first: Host, arrived: int, infected: dict[str, int]) -> Iterator[Intent]:
    """Yield what the devices do that have the file: each asks for all addresses of its network, one after the other."""
    context, rng = worm.context, worm.context.rng
    inside = {host.address: host for host in context.topology.inside}
    waiting: list[tuple[int, str, list[str], float]] = []

    def look_around(device: Host, at_ns: int) -> None:
        start = at_ns + nanoseconds(context.draw("rest_s"))
        heapq.heappush(waiting, (start, device.address, _addresses(context, device), context.draw("scan_gap_s")))

    look_around(first, arrived)
    while waiting:
        at_ns, source, left, gap = heapq.heappop(waiting)
        if at_ns > context.topology.end_ns or not left:
            continue
        scanner, address = inside[source], left.pop()
        heapq.heappush(waiting, (at_ns + nanoseconds(gap * bounded_pareto(rng, 0.4, 4)), source, left, gap))
        host = inside.get(address)
        if host is None:
            yield ArpProbe(at_ns, scanner, address, context.action.id)
        elif host in context.servers and address not in infected:
            intents, infected[address] = worm.break_in(at_ns, scanner, host)
            yield from intents
            look_around(host, infected[address])
        elif _has_telnet(host) and host not in context.servers:
            yield from worm.guesses(at_ns, scanner, host, whole(rng, 1, 2))
        else:
            yield from _knocks(context, at_ns, scanner, host)


def _addresses(context: ActionContext, device: Host) -> list[str]:
    net = device.address.rsplit(".", 1)[0]
    addresses = [f"{net}.{number}" for number in range(1, 255)]
    return shuffled(context.rng, [address for address in addresses if address != device.address])


def _has_telnet(host: Host) -> bool:
    return "camera" in host.role or "recorder" in host.role


def _knocks(context: ActionContext, at_ns: int, source: Host, host: Host) -> Iterator[SynProbe]:
    """Yield SYNs that open nothing: a device that has the worm lets no other in."""
    for port in PORTS if chance(context.rng, 0.3) else PORTS[:1]:
        reply = Reply.NONE if host.stack.family == "windows" else Reply.CLOSED
        yield SynProbe(at_ns, source, host, port, reply, context.action.id, "connect")
        at_ns += nanoseconds(bounded_pareto(context.rng, 0.02, 0.9))


def arrivals(plan: Plan, label: str) -> dict[str, int]:
    """Return when the worm's file had arrived on each device, by the device's address."""
    pairs = plan.recorded_facts[label, "arrivals"]
    assert isinstance(pairs, tuple)
    return dict(pairs)  # type: ignore[arg-type]  # pairs, as the worm's action records them


def _first_fetch(plan: Plan, action: Action) -> dt.datetime:
    flow = next(
        flow
        for flow in plan.flows
        if isinstance(flow, TcpFlow) and flow.label == action.id and isinstance(flow.dialogue, Download)
    )
    return instant(
        next(part.at_ns for part in simulated(plan, flow).segments if part.sender is flow.client and part.payload)
    )


_TO_THE_END = 90 * SECOND


def _telnet_worm_ambiguities(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    if max(arrivals(plan, action.id).values()) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" still reaches devices when the recording ends'


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {"telnet-worm": _telnet_worm}
MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {("telnet-worm", "first_fetch"): _first_fetch}
CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"telnet-worm": _telnet_worm_ambiguities}
