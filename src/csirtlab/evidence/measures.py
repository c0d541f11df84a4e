"""Measures of a plan, as somebody who sees only the evidence would count and time them: facts, and grounds of facts."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from csirtlab.evidence.capture import frame_length, packets
from csirtlab.evidence.model import Exchange, FactValue, Host, Plan, Segment, TcpFlow
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.protocols.tls import TlsSession
from csirtlab.evidence.sampling import SECOND

Pair = tuple[str, str]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def starts(plan: Plan, label: str) -> list[int]:
    """Return when the connections of an action start, ascending, in nanoseconds."""
    return [flow.start_ns for flow in plan.flows if isinstance(flow, TcpFlow) and flow.label == label]


def median_gap_s(times_ns: list[int]) -> float:
    """Return the median of the gaps between consecutive times, in seconds."""
    gaps = sorted(later - earlier for earlier, later in pairwise(times_ns))
    middle = len(gaps) // 2
    doubled = 2 * gaps[middle] if len(gaps) % 2 else gaps[middle - 1] + gaps[middle]
    return doubled / (2 * SECOND)


def instant(at_ns: int) -> dt.datetime:
    """Return a time as an aware datetime, cut to microseconds."""
    return _EPOCH + dt.timedelta(microseconds=at_ns // 1000)


def connections(plan: Plan, label: str) -> Iterator[tuple[TcpFlow, list[Segment]]]:
    """Yield the connections of an action, each with what the sensor saw of it."""
    for flow in plan.flows:
        if isinstance(flow, TcpFlow) and flow.label == label:
            yield flow, [segment for segment in simulated(plan, flow).segments if segment.at_ns < plan.end_ns]


def bytes_of(plan: Plan, label: str, *, sent_by_client: bool) -> int:
    """Return the payload bytes that one side sent; what is sent again counts once."""
    total = 0
    for flow, segments in connections(plan, label):
        sender = flow.client if sent_by_client else flow.server
        # Every first transmission and every repetition of a segment begin at the same number.
        sent = {segment.sequence: len(segment.payload) for segment in segments if segment.sender is sender}
        total += sum(sent.values())
    return total


def first_lookup(plan: Plan, target: str) -> dt.datetime:
    """Return when the name of a named service was asked for first."""
    name = plan.named_hosts[target].name
    return instant(min(flow.start_ns for flow in plan.flows if isinstance(flow, Exchange) and flow.asks_for == name))


def traffic(plan: Plan) -> Counter[Pair]:
    """Return the bytes of the IP packets, as frames, that each two addresses exchange."""
    volumes: Counter[Pair] = Counter()
    for packet in packets(plan):
        if isinstance(packet, Segment):
            first, second = sorted((packet.sender.address, packet.target))
            volumes[first, second] += frame_length(packet)
    return volumes


def host_volumes(plan: Plan, volumes: Counter[Pair]) -> Counter[str]:
    """Return the bytes that each listed host sends and receives."""
    names = {host.address: host.name for host in plan.hosts}
    totals: Counter[str] = Counter()
    for pair, count in volumes.items():
        for address in pair:
            if address in names:
                totals[names[address]] += count
    return totals


def length_s(plan: Plan) -> float:
    """Return the seconds from the first frame to the last."""
    times = [packet.at_ns for packet in packets(plan)]
    return (times[-1] - times[0]) / SECOND


def windows_hosts(plan: Plan) -> frozenset[str]:
    """Return the addresses of the Windows hosts that open connections."""
    openers = {flow.client for flow in plan.flows if isinstance(flow, TcpFlow)}
    return frozenset(host.address for host in openers if host.inside and host.stack.family == "windows")


def server_names(plan: Plan, host: Host) -> frozenset[str]:
    """Return the names in the ClientHellos of a host."""
    return frozenset(
        flow.dialogue.server_name
        for flow in plan.flows
        if isinstance(flow, TcpFlow) and flow.client is host and isinstance(flow.dialogue, TlsSession)
    )


HOST_MEASURES: Mapping[str, Callable[[Plan, Host], FactValue]] = {
    "address": lambda _, host: host.address,
    "name": lambda _, host: host.name,
    "mac": lambda _, host: host.mac.hex(":"),
    "clock_offset": lambda _, host: host.clock_ns / 1e9,
    "clock_error": lambda _, host: abs(host.clock_ns) / 1e9,
    "server_names": server_names,
}
CAPTURE_MEASURES: Mapping[str, Callable[[Plan], FactValue]] = {
    "frames": lambda plan: sum(1 for _ in packets(plan)),
    "length": length_s,
    "top_host": lambda plan: host_volumes(plan, traffic(plan)).most_common(1)[0][0],
    "top_pair": lambda plan: frozenset(traffic(plan).most_common(1)[0][0]),
    "windows_hosts": windows_hosts,
}
ACTION_MEASURES: Mapping[str, Callable[[Plan, str, str], FactValue]] = {
    "first_start": lambda plan, label, _: instant(starts(plan, label)[0]),
    "last_start": lambda plan, label, _: instant(starts(plan, label)[-1]),
    "median_gap": lambda plan, label, _: median_gap_s(starts(plan, label)),
    "count": lambda plan, label, _: len(starts(plan, label)),
    "bytes_out": lambda plan, label, _: bytes_of(plan, label, sent_by_client=True),
    "bytes_in": lambda plan, label, _: bytes_of(plan, label, sent_by_client=False),
    "first_lookup": lambda plan, _, target: first_lookup(plan, target),
}
