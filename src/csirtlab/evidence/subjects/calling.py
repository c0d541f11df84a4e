"""Programs that call home: implants, and harmless software that reports to its maker."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from random import Random

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.intents import ActionContext, Connect, Intent, Output
from csirtlab.evidence.measures import starts
from csirtlab.evidence.model import Plan, TcpFlow
from csirtlab.evidence.protocols.tls import Request, TlsSession, short_closing
from csirtlab.evidence.sampling import SECOND, between, bounded_pareto, chance, nanoseconds, shuffled, whole


def _check_in(context: ActionContext) -> Iterator[Intent]:
    yield from _periodic(context, 0)


def _beacon(context: ActionContext) -> Iterator[Intent]:
    yield from _periodic(context, context.draw_whole("tasks"))


def _periodic(context: ActionContext, tasks: int) -> Iterator[Intent]:
    rng, action, server = context.rng, context.action, context.servers[0]
    low, high = action.ranges["interval_s"]
    # Uniform in the rate, so that the number of calls differs from case to case as much as it can.
    interval = 1 / between(rng, 1 / high, 1 / low)
    jitter = context.draw("jitter")
    asked, answered = int(context.draw("request_bytes")), int(context.draw("response_bytes"))
    server_closes = chance(rng, 0.4)
    starts: list[int] = []
    was_there = action.starts_min == (0, 0)
    offset = interval * rng.random() if was_there else between(rng, *action.starts_min) * 60
    at_ns = context.topology.begin_ns + nanoseconds(offset)
    # The last call is over, answer and all, before the recording ends.
    while at_ns < context.topology.end_ns - 25 * SECOND:
        starts.append(at_ns)
        at_ns += nanoseconds(interval * between(rng, 1 - jitter, 1 + jitter))
    busy = set(shuffled(rng, range(2, len(starts) - 1))[:tasks]) if tasks else set()
    for number, start in enumerate(starts):
        requests = [Request(asked + whole(rng, 0, 40), answered + whole(rng, 0, 60), _server_think(rng), 0)]
        if number in busy:
            requests = [*_tasking(context, requests[0])]
        resumed = number > 0 and chance(rng, 0.8)
        closing = short_closing(rng, server_closes=server_closes)
        session = TlsSession(server.name, context.tls_client, resumed, tuple(requests), closing)
        yield Connect(start, context.host, server, 443, session, action.id)


def _tasking(context: ActionContext, first: Request) -> Iterator[Request]:
    """Yield a call that gets a task, and the calls that send its result in the same connection."""
    rng = context.rng
    yield Request(first.request_bytes, context.draw_pareto("task_bytes"), first.think_ns, 0)
    left = int(context.draw("result_bytes"))
    while left > 0:
        part = min(left, whole(rng, 1500, 9000))
        pause = nanoseconds(bounded_pareto(rng, 0.15, 2.2))
        yield Request(part + 180, whole(rng, 120, 260), _server_think(rng), pause)
        left -= part


def _server_think(rng: Random) -> int:
    return nanoseconds(bounded_pareto(rng, 0.003, 0.25))


_FEWEST_CALLS = 20
_STEADINESS_APART = 3.0  # how many times steadier the look-alike must be


def variation(times_ns: list[int]) -> float:
    """Return the coefficient of variation of the gaps between times: 0 is clockwork, 1 is chance."""
    gaps = [later - earlier for earlier, later in pairwise(times_ns)]
    mean = sum(gaps) / len(gaps)
    return math.sqrt(sum((gap - mean) * (gap - mean) for gap in gaps) / len(gaps)) / mean


def _beacon_ambiguities(scenario: Scenario, plan: Plan, action: Action) -> Iterator[str]:
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


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {"beacon": _beacon, "check-in": _check_in}
CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"beacon": _beacon_ambiguities}
