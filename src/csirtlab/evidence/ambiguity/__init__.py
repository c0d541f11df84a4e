"""Drafts of a plan in which a question would have two answers, or a cheap guess the right one.

What concerns the actions of one verb stands in the module of its subject.
"""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.ambiguity import calling, custody, logins, mailing, plants, scanning, tunnelling, websites, worms
from csirtlab.evidence.measures.seen import host_volumes, traffic
from csirtlab.evidence.model import Datagram, Exchange, Plan, TcpFlow
from csirtlab.evidence.sampling import SECOND

_DHCP_SERVER = 67
_VOLUME_APART = 1.08  # how much larger the largest must be
_CUT_OFF = 2 * SECOND

_SUBJECTS = (calling, logins, scanning, tunnelling, websites, custody, mailing, worms, plants)

CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {
    verb: check for subject in _SUBJECTS for verb, check in subject.CHECKS.items()
}
"""What to check of an incident's action, by its verb."""


def ambiguities(scenario: Scenario, plan: Plan) -> list[str]:
    """Return what is ambiguous in ``plan``, in words; empty when nothing is."""
    return list(_find(scenario, plan))


def _find(scenario: Scenario, plan: Plan) -> Iterator[str]:
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
            host = plan.cast[fact.subject]
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
        host = plan.cast.get(fact.subject)
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
