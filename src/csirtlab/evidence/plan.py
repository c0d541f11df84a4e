"""Seed to plan: everything that a case holds, as values, before any byte is written."""

from csirtlab.content.scenarios import Scenario
from csirtlab.errors import EvidenceError
from csirtlab.evidence.actions import wishes_of
from csirtlab.evidence.ambiguity import ambiguities
from csirtlab.evidence.applications.auth_log import with_auth_log
from csirtlab.evidence.applications.plants import share_processes
from csirtlab.evidence.intents import Log, Note
from csirtlab.evidence.model import Flow, Paper, Plan, TcpFlow
from csirtlab.evidence.network import carry_out
from csirtlab.evidence.seeds import stream
from csirtlab.evidence.topology import Cast, draw_cast

_ATTEMPTS = 30


def make_plan(scenario: Scenario, seed: bytes) -> Plan:
    """Return the plan of the case that ``seed`` gives; the same for the same scenario and seed.

    A draft in which a question would have two answers is drawn again, from the seed's next stream.

    Raises:
        EvidenceError: No draft is without ambiguity.
    """
    problems: list[str] = []
    for attempt in range(_ATTEMPTS):
        plan = draft(scenario, seed, attempt)
        problems = ambiguities(scenario, plan)
        if not problems:
            return plan
    raise EvidenceError(
        f"{scenario.path}: {_ATTEMPTS} drafts in a row were ambiguous; the last one: {'; '.join(problems)}. "
        "Move the ranges of the incident and its look-alikes apart."
    )


def draft(scenario: Scenario, seed: bytes, attempt: int) -> Plan:
    """Return one draft of a plan, ambiguous or not."""
    root = stream(seed, scenario.name, str(scenario.version), str(attempt))
    own_seed = root.random().hex().encode() + seed
    cast = draw_cast(scenario, stream(own_seed, "cast"))
    wanted = [
        wish for action in scenario.actions for wish in wishes_of(cast, action, stream(own_seed, "action", action.id))
    ]
    wishes = [wish for wish in wanted if not isinstance(wish, Note | Paper)]
    listed = {group.name for group in scenario.groups if group.is_listed}
    flows = carry_out(cast, share_processes(wishes), stream(own_seed, "network"))
    plan = Plan(
        seed=own_seed,
        begin_ns=cast.begin_ns,
        end_ns=cast.end_ns,
        site_domain=cast.site_domain,
        hosts=tuple(host for host in cast.inside if host.group in listed),
        cast=dict(cast.parts),
        flows=tuple(flow for flow in flows if _passes(flow, cast)),
        records=tuple(wish.record for wish in wanted if isinstance(wish, Log)),
        notes={(wish.label, wish.name): wish.value for wish in wanted if isinstance(wish, Note)},
        papers=tuple(wish for wish in wanted if isinstance(wish, Paper)),
    )
    return with_auth_log(plan)


def _passes(flow: Flow, cast: Cast) -> bool:
    """Say whether the sensor sees some of it: a connection may have been open before."""
    return flow.start_ns < cast.end_ns and (flow.start_ns >= cast.begin_ns or isinstance(flow, TcpFlow))
