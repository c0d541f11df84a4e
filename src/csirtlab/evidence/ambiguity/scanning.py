"""Scans that the recording cuts off."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.model import Knock, Plan
from csirtlab.evidence.sampling import SECOND

_TO_THE_END = 3 * SECOND


def _sweep(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    knocked = [flow for flow in plan.flows if isinstance(flow, Knock) and flow.label == action.id]
    hosts = plan.notes[action.id, "hosts"]
    if hosts != frozenset(knock.server.address for knock in knocked):
        yield f'"{action.id}" is still going on when the recording ends'


def _port_scan(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    knocked = [flow.at_ns for flow in plan.flows if isinstance(flow, Knock) and flow.label == action.id]
    if not knocked or max(knocked) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'


CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"port-scan": _port_scan, "sweep": _sweep}
