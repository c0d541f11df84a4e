"""What a spray did, as the server's log tells it."""

import datetime as dt
from collections.abc import Callable, Mapping

from csirtlab.content.scenarios import Action
from csirtlab.evidence.measures.seen import instant
from csirtlab.evidence.model import FactValue, Plan, TcpFlow
from csirtlab.evidence.protocols.ssh import SshLogin
from csirtlab.evidence.protocols.tcp import tcp_records


def _fall_time(plan: Plan, action: Action) -> dt.datetime:
    """Return when the server wrote that it accepted the guess, on its own clock."""
    for flow in plan.flows:
        if isinstance(flow, TcpFlow) and flow.label == action.id and isinstance(flow.dialogue, SshLogin):
            for record in tcp_records(plan, flow):
                if "Accepted" in record.text:
                    return instant(record.at_ns + flow.server.clock_ns)
    raise LookupError(f"nothing falls to {action.id}")


MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {("spray", "fall_time"): _fall_time}
