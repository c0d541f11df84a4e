"""Measures of a plan that facts can be made of, as somebody who sees only the evidence would take them.

Measures that only one verb has stand in the module of its subject.
"""

from collections.abc import Callable, Mapping

from csirtlab.content.scenarios import Action, Fact, Scenario
from csirtlab.errors import EvidenceError
from csirtlab.evidence.capture import packets
from csirtlab.evidence.measures import custody, logins, mailing, plants, tunnelling, websites, worms
from csirtlab.evidence.measures.seen import (
    bytes_of,
    first_lookup,
    host_volumes,
    instant,
    length_s,
    median_gap_s,
    server_names,
    starts,
    traffic,
    windows_hosts,
)
from csirtlab.evidence.model import FactValue, Host, Plan


def measure(scenario: Scenario, plan: Plan, fact: Fact) -> FactValue:
    """Return the value of ``fact`` in this case.

    Raises:
        EvidenceError: It has none: what it measures did not happen.
    """
    try:
        return _taken(scenario, plan, fact)
    except (LookupError, ValueError, StopIteration, ZeroDivisionError) as error:
        raise EvidenceError(
            f'{scenario.path}:{fact.line}: "{fact.name}" has no value in this case: "{fact.subject}" did too little '
            f'for "{fact.measure}" ({type(error).__name__}: {error}). Ask for another measure, or let it do more.'
        ) from error


def _taken(scenario: Scenario, plan: Plan, fact: Fact) -> FactValue:
    if fact.subject == "capture":
        return CAPTURE_MEASURES[fact.measure](plan)
    if fact.subject in plan.cast:
        return HOST_MEASURES[fact.measure](plan, plan.cast[fact.subject])
    action = next(action for action in scenario.actions if action.id == fact.subject)
    if fact.measure in ACTION_MEASURES:
        return ACTION_MEASURES[fact.measure](plan, fact.subject, action.target or "")
    if own := VERB_MEASURES.get((action.verb, fact.measure)):
        return own(plan, action)
    return plan.notes[fact.subject, fact.measure]


VERB_MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    **custody.MEASURES,
    **logins.MEASURES,
    **mailing.MEASURES,
    **plants.MEASURES,
    **tunnelling.MEASURES,
    **websites.MEASURES,
    **worms.MEASURES,
}
"""What only a verb knows, taken from the finished plan; the rest of its ``facts`` are notes of its action."""
HOST_MEASURES: Mapping[str, Callable[[Plan, Host], FactValue]] = {
    "address": lambda _, host: host.address,
    "name": lambda _, host: host.name,
    "mac": lambda _, host: host.mac.hex(":"),
    "clock_offset": lambda _, host: host.clock_ns / 1e9,
    "clock_error": lambda _, host: abs(host.clock_ns) / 1e9,
    "server_names": server_names,
}
CAPTURE_MEASURES: Mapping[str, Callable[[Plan], FactValue]] = {
    "frames": lambda plan: sum(1 for _ in packets(plan)),
    "length": length_s,
    "top_host": lambda plan: host_volumes(plan, traffic(plan)).most_common(1)[0][0],
    "top_pair": lambda plan: frozenset(traffic(plan).most_common(1)[0][0]),
    "windows_hosts": windows_hosts,
}
ACTION_MEASURES: Mapping[str, Callable[[Plan, str, str], FactValue]] = {
    "first_start": lambda plan, label, _: instant(starts(plan, label)[0]),
    "last_start": lambda plan, label, _: instant(starts(plan, label)[-1]),
    "median_gap": lambda plan, label, _: median_gap_s(starts(plan, label)),
    "count": lambda plan, label, _: len(starts(plan, label)),
    "bytes_out": lambda plan, label, _: bytes_of(plan, label, sent_by_client=True),
    "bytes_in": lambda plan, label, _: bytes_of(plan, label, sent_by_client=False),
    "first_lookup": lambda plan, _, target: first_lookup(plan, target),
}
