"""Intrusions that the recording cuts off."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.model import Plan, TcpFlow
from csirtlab.evidence.protocols.tcp import turn_times
from csirtlab.evidence.sampling import SECOND

_TO_THE_END = 20 * SECOND


def _over(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    mine = [flow for flow in plan.flows if isinstance(flow, TcpFlow) and flow.label == action.id]
    if not mine or max(turn_times(plan, mine[-1])) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'


CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {
    "path-scan": _over,
    "web-intrusion": _over,
}
