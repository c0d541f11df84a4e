"""When the first device asked for the worm's file, as it passes the sensor."""

import datetime as dt
from collections.abc import Callable, Mapping

from csirtlab.content.scenarios import Action
from csirtlab.evidence.applications.devices import Download
from csirtlab.evidence.measures.seen import instant
from csirtlab.evidence.model import FactValue, Plan, TcpFlow
from csirtlab.evidence.protocols.tcp import tcp_segments


def arrivals(plan: Plan, label: str) -> dict[str, int]:
    """Return when the worm's file had arrived on each device, by the device's address."""
    found = plan.notes[label, "arrivals"]
    assert isinstance(found, tuple)
    return dict(found)  # type: ignore[arg-type]  # pairs, as the worm's action notes them


def _first_fetch(plan: Plan, action: Action) -> dt.datetime:
    flow = next(
        flow
        for flow in plan.flows
        if isinstance(flow, TcpFlow) and flow.label == action.id and isinstance(flow.dialogue, Download)
    )
    return instant(next(part.at_ns for part in tcp_segments(plan, flow) if part.sender is flow.client and part.payload))


MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {("telnet-worm", "first_fetch"): _first_fetch}
