"""Seed to plan: everything that a case holds, as values, before any byte is written."""

from collections.abc import Iterator
from random import Random

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.errors import EvidenceError
from csirtlab.evidence.intents import ActionContext, Intent, Log, Output, RecordedFact
from csirtlab.evidence.measures import host_volumes, traffic
from csirtlab.evidence.model import Datagram, Exchange, FileArtifact, Flow, Plan, TcpFlow
from csirtlab.evidence.network import simulate
from csirtlab.evidence.sampling import SECOND
from csirtlab.evidence.seeds import stream
from csirtlab.evidence.subjects import ACTIONS, CHECKS, INTENT_STEPS, PLAN_STEPS
from csirtlab.evidence.topology import Topology, draw_topology

_ATTEMPTS = 30
_DHCP_SERVER = 67
_VOLUME_APART = 1.08  # how much larger the largest must be
_CUT_OFF = 2 * SECOND


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
    topology = draw_topology(scenario, stream(own_seed, "cast"))
    wanted = [
        intent
        for action in scenario.actions
        for intent in intents_of(topology, action, stream(own_seed, "action", action.id))
    ]
    intents = [intent for intent in wanted if not isinstance(intent, RecordedFact | FileArtifact)]
    for prepare in INTENT_STEPS.values():
        intents = prepare(intents)
    listed = {group.name for group in scenario.groups if group.is_listed}
    flows = simulate(topology, intents, stream(own_seed, "network"))
    plan = Plan(
        seed=own_seed,
        begin_ns=topology.begin_ns,
        end_ns=topology.end_ns,
        site_domain=topology.site_domain,
        hosts=tuple(host for host in topology.inside if host.group in listed),
        named_hosts=dict(topology.named_hosts),
        flows=tuple(flow for flow in flows if _passes(flow, topology)),
        records=tuple(intent.record for intent in wanted if isinstance(intent, Log)),
        recorded_facts={
            (intent.label, intent.name): intent.value for intent in wanted if isinstance(intent, RecordedFact)
        },
        artifacts=tuple(intent for intent in wanted if isinstance(intent, FileArtifact)),
    )
    for complete in PLAN_STEPS.values():
        plan = complete(plan)
    return plan


def _passes(flow: Flow, topology: Topology) -> bool:
    """Say whether the sensor sees some of it: a connection may have been open before."""
    return flow.start_ns < topology.end_ns and (flow.start_ns >= topology.begin_ns or isinstance(flow, TcpFlow))


def intents_of(topology: Topology, action: Action, rng: Random) -> Iterator[Intent | Output]:
    """Yield what ``action`` makes its hosts want from the network, and what it puts out besides."""
    servers = topology.services.get(action.target or "") or topology.groups.get(action.target or "", ())
    for host in topology.groups.get(action.source) or topology.services[action.source]:
        yield from ACTIONS[action.verb](ActionContext(topology, action, host, servers, rng))


def ambiguities(scenario: Scenario, plan: Plan) -> list[str]:
    """Return what is ambiguous in ``plan``, in words; empty when nothing is."""
    return list(_ambiguities(scenario, plan))


def _ambiguities(scenario: Scenario, plan: Plan) -> Iterator[str]:
    for action in scenario.incident:
        if action.verb in CHECKS:
            yield from CHECKS[action.verb](scenario, plan, action)
    yield from _volumes(scenario, plan)
    yield from _last_moment(scenario, plan)
    yield from _nameless(scenario, plan)


def _volumes(scenario: Scenario, plan: Plan) -> Iterator[str]:
    """Whoever is asked for as the largest must be so by a margin, however one counts the bytes."""
    asked = {fact.measure for fact in scenario.facts if fact.subject == "capture"}
    if not asked & {"top_host", "top_pair"}:
        return
    volumes = traffic(plan)
    for name, counts in (
        ("top_host", list(host_volumes(plan, volumes).values())),
        ("top_pair", list(volumes.values())),
    ):
        first, second = sorted(counts, reverse=True)[:2]
        if name in asked and second * _VOLUME_APART > first:
            yield f"two are nearly the {name.replace('_', ' ')}"


def _last_moment(scenario: Scenario, plan: Plan) -> Iterator[str]:
    """Whose server names are asked for opens nothing that the end of the recording cuts off."""
    for fact in scenario.facts:
        if fact.measure == "server_names":
            host = plan.named_hosts[fact.subject]
            late = [
                flow
                for flow in plan.flows
                if isinstance(flow, TcpFlow) and flow.client is host and flow.start_ns > plan.end_ns - _CUT_OFF
            ]
            if late:
                yield f'"{fact.subject}" opens a connection in the last moment'


def _nameless(scenario: Scenario, plan: Plan) -> Iterator[str]:
    """A host that no list names must say its name itself, when it renews its lease."""
    for fact in scenario.facts:
        host = plan.named_hosts.get(fact.subject)
        if fact.measure != "name" or host is None or not host.inside or host in plan.hosts:
            continue
        says = [
            part
            for flow in plan.flows
            if isinstance(flow, Exchange)
            for part in flow.parts
            if isinstance(part, Datagram) and part.sender is host and part.target_port == _DHCP_SERVER
        ]
        if not any(part.at_ns < plan.end_ns for part in says):
            yield f'"{fact.subject}" never says its name'
