"""Worms that the recording cuts off."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.measures.worms import arrivals
from csirtlab.evidence.model import Plan
from csirtlab.evidence.sampling import SECOND

_TO_THE_END = 90 * SECOND


def _telnet_worm(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    if max(arrivals(plan, action.id).values()) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" still reaches devices when the recording ends'


CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"telnet-worm": _telnet_worm}
