"""Lures that a cheap guess would find, or whose end the recording does not hold."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.applications.proxy import ProxiedVisits
from csirtlab.evidence.model import Plan, TcpFlow
from csirtlab.evidence.protocols.smtp import Handover
from csirtlab.evidence.protocols.tcp import turn_times
from csirtlab.evidence.sampling import SECOND

_TO_THE_END = 5 * SECOND


def _lure(scenario: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    flows = [flow for flow in plan.flows if isinstance(flow, TcpFlow)]
    mine = [flow for flow in flows if flow.label == action.id]
    if not mine or max(max(turn_times(plan, flow)) for flow in mine) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'
    recipients, clicked = plan.notes[action.id, "recipients"], plan.notes[action.id, "clicked"]
    if recipients == clicked:
        yield f'everybody who gets "{action.id}" follows it'
    posts = {other.id for other in scenario.actions if other.verb == "list-post"}
    others = {
        to
        for flow in flows
        if flow.label in posts and isinstance(flow.dialogue, Handover)
        for to in flow.dialogue.recipients
    }
    if posts and isinstance(recipients, frozenset) and others <= recipients:
        yield f'a list writes only to those who get "{action.id}"'
    files = [
        (flow.start_ns, flow.label, flow.client)
        for flow in flows
        if isinstance(flow.dialogue, ProxiedVisits)
        and any(visit.method == "GET" and "zip" in visit.kind for visit in flow.dialogue.visits)
    ]
    if min(files, default=(0, "", None))[1] == action.id:
        yield f'the first archive that anybody fetches is that of "{action.id}"'
    if {client for _, _, client in files} == {client for _, label, client in files if label == action.id}:
        yield f'nobody fetches an archive but that of "{action.id}"'


CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"lure": _lure}
