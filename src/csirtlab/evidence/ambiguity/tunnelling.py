"""Tunnels that the recording cuts off."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.model import Exchange, Plan
from csirtlab.evidence.sampling import SECOND

_TO_THE_END = 20 * SECOND


def _tunnel(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    asked = [flow.start_ns for flow in plan.flows if isinstance(flow, Exchange) and flow.label == action.id]
    # What lies beyond the end is not in the plan any more: a tunnel that stops this near it may have been cut.
    if not asked or max(asked) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'


CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"tunnel": _tunnel}
