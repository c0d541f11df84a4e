"""Measures of a plan that facts can be made of, as somebody who sees only the capture would take them."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from csirtlab.content.scenarios import Fact, Scenario
from csirtlab.evidence.dice import SECOND
from csirtlab.evidence.model import Exchange, FactValue, Plan, Segment, TcpFlow
from csirtlab.evidence.tcp import tcp_segments

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def measure(scenario: Scenario, plan: Plan, fact: Fact) -> FactValue:
    """Return the value of ``fact`` in this case."""
    if fact.subject in plan.cast:
        host = plan.cast[fact.subject]
        return host.address if fact.measure == "address" else host.name
    action = next(action for action in scenario.actions if action.id == fact.subject)
    return ACTION_MEASURES[fact.measure](plan, fact.subject, action.target or "")


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


def _segments(plan: Plan, label: str) -> Iterator[tuple[TcpFlow, list[Segment]]]:
    for flow in plan.flows:
        if isinstance(flow, TcpFlow) and flow.label == label:
            yield flow, [segment for segment in tcp_segments(plan, flow) if segment.at_ns < plan.end_ns]


def _bytes(plan: Plan, label: str, *, sent_by_client: bool) -> int:
    """Return the payload bytes that one side sent; what is sent again counts once."""
    total = 0
    for flow, segments in _segments(plan, label):
        sender = flow.client if sent_by_client else flow.server
        # Every first transmission and every repetition of a segment begin at the same number.
        sent = {segment.sequence: len(segment.payload) for segment in segments if segment.sender is sender}
        total += sum(sent.values())
    return total


def _first_lookup(plan: Plan, target: str) -> dt.datetime:
    name = plan.cast[target].name
    return instant(min(flow.start_ns for flow in plan.flows if isinstance(flow, Exchange) and flow.asks_for == name))


ACTION_MEASURES: Mapping[str, Callable[[Plan, str, str], FactValue]] = {
    "first_start": lambda plan, label, _: instant(starts(plan, label)[0]),
    "last_start": lambda plan, label, _: instant(starts(plan, label)[-1]),
    "median_gap": lambda plan, label, _: median_gap_s(starts(plan, label)),
    "count": lambda plan, label, _: len(starts(plan, label)),
    "bytes_out": lambda plan, label, _: _bytes(plan, label, sent_by_client=True),
    "bytes_in": lambda plan, label, _: _bytes(plan, label, sent_by_client=False),
    "first_lookup": lambda plan, _, target: _first_lookup(plan, target),
}
