"""Drafts of a plan in which a question would have two answers, or a cheap guess the right one."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.measures import starts
from csirtlab.evidence.model import Plan, TcpFlow

_FEWEST_CALLS = 20
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
    for look in scenario.look_alikes:
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
