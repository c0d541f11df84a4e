"""What of an intrusion only the server's log tells: when the first injection worked."""

import datetime as dt
from collections.abc import Callable, Mapping

from csirtlab.content.scenarios import Action
from csirtlab.evidence.applications.websites import ACCESS_LOG
from csirtlab.evidence.measures.seen import instant
from csirtlab.evidence.model import FactValue, Plan, TcpFlow
from csirtlab.evidence.protocols.tcp import tcp_records


def _first_success(plan: Plan, action: Action) -> dt.datetime:
    """Return the second that the access log has for the first UNION SELECT answered with 200."""
    for flow in plan.flows:
        if not isinstance(flow, TcpFlow) or flow.label != action.id:
            continue
        for record in tcp_records(plan, flow):
            if record.file == ACCESS_LOG and "UNION" in record.text and '" 200 ' in record.text:
                return instant(record.at_ns + flow.server.clock_ns).replace(microsecond=0)
    raise LookupError(f"nothing works for {action.id}")


MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("web-intrusion", "first_success"): _first_success,
}
