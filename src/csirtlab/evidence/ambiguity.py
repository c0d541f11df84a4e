"""Drafts of a plan in which a question would have two answers, or a cheap guess the right one."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.dice import SECOND
from csirtlab.evidence.measures import host_volumes, starts, traffic
from csirtlab.evidence.model import Datagram, Exchange, Plan, TcpFlow

_DHCP_SERVER = 67
_FEWEST_CALLS = 20
_VOLUME_APART = 1.08  # how much larger the largest must be
_CUT_OFF = 2 * SECOND
_STEADINESS_APART = 3.0  # how many times steadier the look-alike must be


def ambiguities(scenario: Scenario, plan: Plan) -> list[str]:
    """Return what is ambiguous in ``plan``, in words; empty when nothing is."""
    return list(_find(scenario, plan))


def variation(times_ns: list[int]) -> float:
    """Return the coefficient of variation of the gaps between times: 0 is clockwork, 1 is chance."""
    gaps = [later - earlier for earlier, later in pairwise(times_ns)]
    mean = sum(gaps) / len(gaps)
    return math.sqrt(sum((gap - mean) * (gap - mean) for gap in gaps) / len(gaps)) / mean


def _find(scenario: Scenario, plan: Plan) -> Iterator[str]:
    connections = [flow for flow in plan.flows if isinstance(flow, TcpFlow)]
    pairs = Counter((flow.client.address, flow.server.address) for flow in connections)
    for action in scenario.incident:
        if action.verb == "beacon":
            yield from _beacon(action, connections, pairs)
    yield from _volumes(scenario, plan)
    yield from _last_moment(scenario, plan)
    yield from _nameless(scenario, plan)
    beacons = {action.id for action in scenario.incident if action.verb == "beacon"}
    for look in scenario.look_alikes:
        if look.resembles not in beacons:
            continue
        calm, wild = starts(plan, look.action.id), starts(plan, look.resembles)
        if len(calm) < _FEWEST_CALLS or len(wild) < _FEWEST_CALLS:
            yield f'"{look.action.id}" or "{look.resembles}" calls fewer than {_FEWEST_CALLS} times'
        elif variation(calm) * _STEADINESS_APART > variation(wild):
            yield f'"{look.action.id}" is hardly steadier than "{look.resembles}"'


def _beacon(action: Action, connections: list[TcpFlow], pairs: Counter[tuple[str, str]]) -> Iterator[str]:
    mine = [flow for flow in connections if flow.label == action.id]
    if not mine:
        yield f'"{action.id}" never calls'
        return
    pair = (mine[0].client.address, mine[0].server.address)
    others = [flow for flow in connections if flow.server is mine[0].server and flow.label != action.id]
    if others:
        yield f'others than "{action.id}" talk to its server'
    if max(count for other, count in pairs.items() if other != pair) <= pairs[pair]:
        yield f'"{action.id}" is the pair with the most connections'
    if connections[0] is mine[0]:
        yield f'"{action.id}" is the first connection of the capture'
    clients = Counter(flow.client.address for flow in connections)
    if clients.most_common(1)[0][0] == pair[0]:
        yield f'the host of "{action.id}" opens the most connections'


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
