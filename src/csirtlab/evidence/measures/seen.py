"""What somebody who sees only the capture would count and time: the ground on which measures stand."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from csirtlab.evidence.capture import frame_length, packets
from csirtlab.evidence.model import Exchange, Host, Plan, Segment, TcpFlow
from csirtlab.evidence.protocols.tcp import tcp_segments
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
            yield flow, [segment for segment in tcp_segments(plan, flow) if segment.at_ns < plan.end_ns]


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
    """Return when the name of a service of the cast was asked for first."""
    name = plan.cast[target].name
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
