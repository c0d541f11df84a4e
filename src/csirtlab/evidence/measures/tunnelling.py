"""What of a tunnel only the finished plan tells: which questions the recording holds."""

import datetime as dt
from collections.abc import Callable, Mapping

from csirtlab.content.scenarios import Action
from csirtlab.evidence.measures.seen import instant
from csirtlab.evidence.model import Exchange, FactValue, Plan


def _queries(plan: Plan, action: Action) -> list[Exchange]:
    return [flow for flow in plan.flows if isinstance(flow, Exchange) and flow.label == action.id]


def _first_query(plan: Plan, action: Action) -> dt.datetime:
    return instant(min(query.start_ns for query in _queries(plan, action)))


MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("tunnel", "first_query"): _first_query,
    ("tunnel", "queries"): lambda plan, action: len(_queries(plan, action)),
}
