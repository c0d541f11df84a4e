"""Beacons that would be found by a cheap guess, or mistaken for what resembles them."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.measures.seen import starts
from csirtlab.evidence.model import Plan, TcpFlow

_FEWEST_CALLS = 20
_STEADINESS_APART = 3.0  # how many times steadier the look-alike must be


def variation(times_ns: list[int]) -> float:
    """Return the coefficient of variation of the gaps between times: 0 is clockwork, 1 is chance."""
    gaps = [later - earlier for earlier, later in pairwise(times_ns)]
    mean = sum(gaps) / len(gaps)
    return math.sqrt(sum((gap - mean) * (gap - mean) for gap in gaps) / len(gaps)) / mean


def _beacon(scenario: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    connections = [flow for flow in plan.flows if isinstance(flow, TcpFlow)]
    pairs = Counter((flow.client.address, flow.server.address) for flow in connections)
    mine = [flow for flow in connections if flow.label == action.id]
    if not mine:
        yield f'"{action.id}" never calls'
        return
    pair = (mine[0].client.address, mine[0].server.address)
    others = [flow for flow in connections if flow.server is mine[0].server and flow.label != action.id]
    if others:
        yield f'others than "{action.id}" talk to its server'
    if max((count for other, count in pairs.items() if other != pair), default=0) <= pairs[pair]:
        yield f'"{action.id}" is the pair with the most connections'
    if connections[0] is mine[0]:
        yield f'"{action.id}" is the first connection of the capture'
    clients = Counter(flow.client.address for flow in connections)
    if clients.most_common(1)[0][0] == pair[0]:
        yield f'the host of "{action.id}" opens the most connections'
    for other in scenario.look_alikes:
        if other.resembles == action.id:
            yield from _look_alike(plan, other.action.id, action.id)


def _look_alike(plan: Plan, calm_id: str, wild_id: str) -> Iterator[str]:
    calm, wild = starts(plan, calm_id), starts(plan, wild_id)
    if len(calm) < _FEWEST_CALLS or len(wild) < _FEWEST_CALLS:
        yield f'"{calm_id}" or "{wild_id}" calls fewer than {_FEWEST_CALLS} times'
    elif variation(calm) * _STEADINESS_APART > variation(wild):
        yield f'"{calm_id}" is hardly steadier than "{wild_id}"'


CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"beacon": _beacon}
