"""What of custody only the finished plan tells."""

import datetime as dt
from collections.abc import Callable, Mapping

from csirtlab.content.scenarios import Action
from csirtlab.evidence.applications.capture_copies import original_hash
from csirtlab.evidence.measures.seen import instant
from csirtlab.evidence.model import FactValue, Plan, TcpFlow
from csirtlab.evidence.protocols.tcp import tcp_segments


def _first_export(plan: Plan, action: Action) -> dt.datetime:
    """Return when the first segment of the first report passed."""
    flow = next(flow for flow in plan.flows if isinstance(flow, TcpFlow) and flow.label == action.id)
    answer = next(part for part in tcp_segments(plan, flow) if part.sender is flow.server and part.payload)
    return instant(answer.at_ns)


MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("export", "first_export"): _first_export,
    ("seize", "original_hash"): lambda plan, _: original_hash(plan),
}
