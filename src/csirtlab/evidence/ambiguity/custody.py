"""Exports that the recording cuts off or that a cheap guess finds, and copies that would lose more than there is."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.capture import packets
from csirtlab.evidence.model import Plan, TcpFlow
from csirtlab.evidence.sampling import SECOND, nanoseconds

_PACKETS_LEFT = 2  # of so many packets a copy loses one at most
_TO_THE_END = 5 * SECOND  # the last report has been delivered


def _export(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    connections = [flow for flow in plan.flows if isinstance(flow, TcpFlow)]
    mine = [flow for flow in connections if flow.label == action.id]
    # What lies beyond the end is not in the plan any more: whether another one was to come, only the gaps tell.
    to_the_end = max(_TO_THE_END, nanoseconds(action.ranges["gap_s"][1]))
    if not mine or mine[-1].start_ns > plan.end_ns - to_the_end:
        yield f'"{action.id}" is still going on when the recording ends'
    elif connections[0].client is mine[0].client:
        yield f'the host of "{action.id}" opens the first connection of the capture'


def _seize(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    lost = plan.notes[action.id, "lost"]
    assert isinstance(lost, int)
    # Every flow is a packet at least: mostly there is nothing to count.
    if len(plan.flows) < lost * _PACKETS_LEFT and sum(1 for _ in packets(plan)) < lost * _PACKETS_LEFT:
        yield f'the recording has too few packets for "{action.id}" to lose {lost}'


CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"export": _export, "seize": _seize}
