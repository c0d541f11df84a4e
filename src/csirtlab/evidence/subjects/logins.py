"""Logging in over SSH: people with an account, and somebody who guesses passwords."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from random import Random

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.applications.auth_log import with_auth_log
from csirtlab.evidence.intents import ActionContext, Connect, Intent, Output, RecordedFact
from csirtlab.evidence.measures import instant
from csirtlab.evidence.model import FactValue, Plan, TcpFlow
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.ssh import SshLogin
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.sampling import SECOND, between, bounded_pareto, chance, nanoseconds, pick, shuffled, whole

_SSH = 22
_APART = 200 * SECOND  # a person finishes one session before the next
_OFTEN_TRIED = ("admin", "root", "test", "oracle", "backup", "ubuntu", "postgres", "soporte", "nagios", "ftpuser")


def _account(context: ActionContext, rng: Random) -> str:
    """Return an account as organisations name them: a letter of the first name, the surname."""
    return (
        pick(rng, context.action.lists["first_names"])[0].lower() + pick(rng, context.action.lists["surnames"]).lower()
    )


def _spray(context: ActionContext) -> Iterator[Intent | Output]:
    rng = context.rng
    count = context.draw_whole("accounts")
    known = [_account(context, rng) for _ in range(max(2, int(count * context.draw("known"))))]
    accounts = shuffled(rng, sorted({*known, *shuffled(rng, _OFTEN_TRIED)[: max(1, count - len(known))]}))
    rounds = context.draw_whole("rounds")
    falls_in = rounds - 1 - whole(rng, 0, 1)
    fallen = pick(rng, sorted(set(known)))
    at_ns = context.topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    for number in range(rounds):
        for account in accounts:
            falls = account == fallen and number == falls_in
            if account == fallen and number > falls_in:
                continue  # why guess what one knows
            yield _connect(context, at_ns, account, account in known, "guess-right" if falls else "guess-wrong")
            at_ns += nanoseconds(context.draw("gap_s"))
        at_ns += nanoseconds(bounded_pareto(rng, 4, 60))
    yield RecordedFact(context.action.id, "accounts", frozenset(accounts))
    yield RecordedFact(context.action.id, "fallen", fallen)


def _log_in(context: ActionContext) -> Iterator[Intent | Output]:
    rng = context.rng
    account = _account(context, rng)
    mistakes = context.draw_whole("mistakes")
    for at_ns in _spread(context, context.draw_whole("times")):
        if chance(rng, context.draw("by_key")):
            yield _connect(context, at_ns, account, True, "key-session")
            continue
        start = at_ns
        for _ in range(mistakes):
            yield _connect(context, start, account, True, "mistyped")
            start += nanoseconds(bounded_pareto(rng, 14, 50))
        yield _connect(context, start, account, True, "password-session")
    yield RecordedFact(context.action.id, "account", account)


def _spread(context: ActionContext, count: int) -> list[int]:
    """Return instants all over the window, far enough apart for a session, and early enough for the last to end."""
    length = (context.topology.end_ns - context.topology.begin_ns) * 0.8
    first = context.topology.begin_ns + int(length * 0.04)
    instants: list[int] = []
    for at_ns in sorted(first + int(length * context.rng.random()) for _ in range(count)):
        instants.append(max(at_ns, instants[-1] + _APART if instants else 0))
    return instants


def _connect(context: ActionContext, at_ns: int, account: str, exists: bool, what: str) -> Connect:
    rng, server = context.rng, context.servers[0]
    is_guess = what.startswith("guess")
    accepted = {"key-session": "publickey", "password-session": "password", "guess-right": "password"}.get(what, "")
    closing = Closing(Ending.CLIENT_FIN, nanoseconds(bounded_pareto(rng, 0.0004, 0.05)))
    if what in ("key-session", "password-session"):
        closing = Closing(Ending.CLIENT_FIN, nanoseconds(bounded_pareto(rng, 0.001, 0.2)))
    login = SshLogin(
        f"ssh-{what}", server, context.host.address, account, exists, accepted,
        not is_guess and what != "key-session", closing,
    )  # fmt: skip
    return Connect(at_ns, context.host, server, _SSH, login, context.action.id, by_name=not is_guess)


def _fall_time(plan: Plan, action: Action) -> dt.datetime:
    """Return when the server wrote that it accepted the guess, on its own clock."""
    for flow in plan.flows:
        if isinstance(flow, TcpFlow) and flow.label == action.id and isinstance(flow.dialogue, SshLogin):
            for record in simulated(plan, flow).records:
                if "Accepted" in record.text:
                    return instant(record.at_ns + flow.server.clock_ns)
    raise LookupError(f"nothing falls to {action.id}")


_TO_THE_END = 30 * SECOND  # the last guess is over, answer and all, before the recording is


def _spray_ambiguities(scenario: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    mine = [flow.start_ns for flow in plan.flows if isinstance(flow, TcpFlow) and flow.label == action.id]
    if not mine or max(mine) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'
    if not any(_falls(plan, flow, action) for flow in plan.flows if isinstance(flow, TcpFlow)):
        yield f'the recording ends before "{action.id}" gets in'
    others = {plan.recorded_facts.get((other.id, "account")) for other in scenario.actions if other.verb == "log-in"}
    accounts = plan.recorded_facts[action.id, "accounts"]
    if isinstance(accounts, frozenset) and accounts & others:
        yield f'"{action.id}" tries an account that logs in by right'


def _falls(plan: Plan, flow: TcpFlow, action: Action) -> bool:
    """Say whether a connection is the guess that was right, and the server's word on it in the recording."""
    login = flow.dialogue
    if flow.label != action.id or not isinstance(login, SshLogin) or not login.accepted:
        return False
    return (
        login.account == plan.recorded_facts[action.id, "fallen"]
        and max(simulated(plan, flow).turn_times) < plan.end_ns
    )


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {"log-in": _log_in, "spray": _spray}
MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {("spray", "fall_time"): _fall_time}
CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"spray": _spray_ambiguities}
PLAN_STEPS: Mapping[str, Callable[[Plan], Plan]] = {"auth.log": with_auth_log}
