"""What of a lure only the finished plan tells: when it came in, and when somebody first followed it."""

import datetime as dt
from collections.abc import Callable, Mapping

from csirtlab.content.scenarios import Action
from csirtlab.evidence.applications.mta import arrived_ns
from csirtlab.evidence.applications.proxy import ProxiedVisits
from csirtlab.evidence.measures.seen import instant
from csirtlab.evidence.model import FactValue, Plan, TcpFlow
from csirtlab.evidence.protocols.smtp import Handover
from csirtlab.evidence.protocols.tcp import tcp_records
from csirtlab.evidence.sampling import SECOND


def _first_delivery(plan: Plan, action: Action) -> dt.datetime:
    """Return the second in which the server says it took the first letter."""
    arrived = [
        arrived_ns(plan, flow.dialogue) + flow.server.clock_ns
        for flow in plan.flows
        if isinstance(flow, TcpFlow)
        and flow.label == action.id
        and isinstance(flow.dialogue, Handover)
        and not flow.dialogue.is_refused
    ]
    return instant(min(arrived) // SECOND * SECOND)


def _first_click(plan: Plan, action: Action) -> dt.datetime:
    """Return when the proxy was first asked for a link by a person, to the millisecond that its log tells."""
    checker = plan.cast[action.others["checker"]]
    asked = []
    for flow in plan.flows:
        if not isinstance(flow, TcpFlow) or flow.label != action.id or flow.client is checker:
            continue
        if isinstance(flow.dialogue, ProxiedVisits):
            ended, took = tcp_records(plan, flow)[0].text.split()[:2]
            asked.append(int(ended.replace(".", "")) - int(took))
    return instant(min(asked) * 1_000_000)


MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("lure", "first_click"): _first_click,
    ("lure", "first_delivery"): _first_delivery,
}
