"""Sprays whose end the recording does not hold, or that somebody else could be taken for."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.model import Plan, TcpFlow
from csirtlab.evidence.protocols.ssh import SshLogin
from csirtlab.evidence.protocols.tcp import turn_times
from csirtlab.evidence.sampling import SECOND

_TO_THE_END = 30 * SECOND  # the last guess is over, answer and all, before the recording is


def _spray(scenario: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    mine = [flow.start_ns for flow in plan.flows if isinstance(flow, TcpFlow) and flow.label == action.id]
    if not mine or max(mine) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'
    if not any(_falls(plan, flow, action) for flow in plan.flows if isinstance(flow, TcpFlow)):
        yield f'the recording ends before "{action.id}" gets in'
    others = {plan.notes.get((other.id, "account")) for other in scenario.actions if other.verb == "log-in"}
    accounts = plan.notes[action.id, "accounts"]
    if isinstance(accounts, frozenset) and accounts & others:
        yield f'"{action.id}" tries an account that logs in by right'


def _falls(plan: Plan, flow: TcpFlow, action: Action) -> bool:
    """Say whether a connection is the guess that was right, and the server's word on it in the recording."""
    login = flow.dialogue
    if flow.label != action.id or not isinstance(login, SshLogin) or not login.accepted:
        return False
    return login.account == plan.notes[action.id, "fallen"] and max(turn_times(plan, flow)) < plan.end_ns


CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"spray": _spray}
