"""Evidence that is taken, copied and handed on; and what it is about."""

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random
from typing import NamedTuple

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.applications.capture_copies import original, original_hash, with_alterations, with_losses
from csirtlab.evidence.applications.websites import Hit, SiteVisit
from csirtlab.evidence.capture import packets
from csirtlab.evidence.intents import ActionContext, Connect, Intent, Output, RecordedFact
from csirtlab.evidence.measures import instant
from csirtlab.evidence.model import FactValue, FileArtifact, Plan, TcpFlow
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.http import Fetch, body_of, browser_of
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.sampling import (
    SECOND,
    between,
    bounded_pareto,
    chance,
    nanoseconds,
    noise,
    pick,
    shuffled,
    whole,
)

_COPIES = ("exhibits/exhibit-a.pcap", "exhibits/exhibit-b.pcap", "exhibits/exhibit-c.pcap")
_PLACES = ("evidence safe", "forensic workstation", "transport bag", "safe of the prosecutor's office", "archive room")
_REPORTS = "/reportes/"  # the page on which they are listed, open since the morning
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _seize(context: ActionContext) -> Iterator[Output]:
    rng = context.rng
    true, short, altered = shuffled(rng, _COPIES)
    lost, changed = context.draw_whole("lost"), context.draw_whole("altered")
    yield FileArtifact(true, original)
    yield FileArtifact(short, partial(with_losses, count=lost))
    yield FileArtifact(altered, partial(with_alterations, count=changed))
    entries = context.draw_whole("entries")
    broken = whole(rng, 3, entries - 1)
    rows = list(_entries(context, entries, broken))
    yield FileArtifact("custody.csv", partial(_custody_log, rows=rows))
    for name, value in (
        ("true_copy", true.rsplit("/", 1)[1]), ("lost", lost), ("altered", changed), ("broken_entry", broken),
    ):  # fmt: skip
        yield RecordedFact(context.action.id, name, value)


def _entries(context: ActionContext, count: int, broken: int) -> Iterator[tuple[int, int, str, str, str]]:
    """Yield number, time, giver, receiver and place; at ``broken`` the giver is not who received it before."""
    rng = context.rng
    people = shuffled(rng, context.action.lists["people"])
    at_ns = context.topology.end_ns + nanoseconds(between(rng, 400, 3000))
    holder = people[0]
    for number in range(1, count + 1):
        giver = pick(rng, [name for name in people if name != holder]) if number == broken else holder
        receiver = pick(rng, [name for name in people if name != giver])
        yield number, at_ns, giver, receiver, pick(rng, _PLACES)
        holder = receiver
        at_ns += nanoseconds(bounded_pareto(rng, 900, 90_000))


def _custody_log(plan: Plan, rows: list[tuple[int, int, str, str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("entry", "time_utc", "handed_over_by", "received_by", "place", "sha256"))
    digest = original_hash(plan)
    for number, at_ns, giver, receiver, place in rows:
        when = (_EPOCH + dt.timedelta(seconds=at_ns // 1_000_000_000)).strftime("%Y-%m-%d %H:%M:%S")
        writer.writerow((number, when, giver, receiver, place, digest if number == 1 else ""))
    return text.getvalue().encode()


def _export(context: ActionContext) -> Iterator[Intent]:
    def exported() -> Report:
        target, size = f"/reportes/exportar?{_which(context)}", context.draw_pareto("response_bytes")
        if chance(context.rng, 0.7):
            return Report(f"{target}&formato=csv", "text/csv; charset=UTF-8", _table(context.rng, size))
        body = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + noise(context.rng, size) + b"\n%%EOF\n"
        return Report(f"{target}&formato=pdf", "application/pdf", body)

    yield from _one_by_one(context, exported)


def _table(rng: Random, size: int) -> bytes:
    """Return about ``size`` bytes of a table of random digits."""
    lines = ["registro;fecha;importe"]
    length = 0
    while length < size:
        date = f"{whole(rng, 2019, 2025)}-{whole(rng, 1, 12):02}-{whole(rng, 1, 28):02}"
        lines.append(f"{whole(rng, 100_000, 999_999)};{date};{whole(rng, 1, 99_999)},{whole(rng, 0, 99):02}")
        length += len(lines[-1]) + 2
    return "\r\n".join((*lines, "")).encode()


def _read_reports(context: ActionContext) -> Iterator[Intent]:
    def read() -> Report:
        page = body_of(context.rng, Fetch("", context.draw_pareto("response_bytes"), "text/html", 0, 0), "Reportes")
        return Report(f"/reportes/ver?{_which(context)}", "text/html; charset=UTF-8", page)

    yield from _one_by_one(context, read)


class Report(NamedTuple):
    """One report of the application: how it is asked for, and the answer."""

    target: str
    kind: str
    body: bytes


def _which(context: ActionContext) -> str:
    return f"anio={whole(context.rng, 2019, 2025)}&lote={whole(context.rng, 1, 400)}"


def _one_by_one(context: ActionContext, next_report: Callable[[], Report]) -> Iterator[Intent]:
    """Yield a connection for each of the action's ``times`` reports, with ``gap_s`` between them."""
    rng, server = context.rng, context.servers[0]
    site = f"{server.name.lower()}.{context.topology.site_domain}"
    at_ns = context.topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    for _ in range(context.draw_whole("times")):
        report = next_report()
        think, pause = nanoseconds(bounded_pareto(rng, 0.004, 0.3)), nanoseconds(0.001)
        hit = Hit("GET", report.target, 200, report.body, think, pause, kind=report.kind, referrer=_REPORTS)
        closing = Closing(Ending.CLIENT_FIN, nanoseconds(bounded_pareto(rng, 0.01, 4)))
        visit = SiteVisit(site, server, context.host.address, browser_of(context.host), (hit,), closing)
        yield Connect(at_ns, context.host, server, 80, visit, context.action.id)
        at_ns += nanoseconds(context.draw("gap_s"))


def _first_export(plan: Plan, action: Action) -> dt.datetime:
    """Return when the first segment of the first report passed."""
    flow = next(flow for flow in plan.flows if isinstance(flow, TcpFlow) and flow.label == action.id)
    answer = next(part for part in simulated(plan, flow).segments if part.sender is flow.server and part.payload)
    return instant(answer.at_ns)


_PACKETS_LEFT = 2  # of so many packets a copy loses one at most
_TO_THE_END = 5 * SECOND  # the last report has been delivered


def _export_ambiguities(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    connections = [flow for flow in plan.flows if isinstance(flow, TcpFlow)]
    mine = [flow for flow in connections if flow.label == action.id]
    # What lies beyond the end is not in the plan any more: whether another one was to come, only the gaps tell.
    to_the_end = max(_TO_THE_END, nanoseconds(action.ranges["gap_s"][1]))
    if not mine or mine[-1].start_ns > plan.end_ns - to_the_end:
        yield f'"{action.id}" is still going on when the recording ends'
    elif connections[0].client is mine[0].client:
        yield f'the host of "{action.id}" opens the first connection of the capture'


def _seize_ambiguities(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    lost = plan.recorded_facts[action.id, "lost"]
    assert isinstance(lost, int)
    # Every flow is a packet at least: mostly there is nothing to count.
    if len(plan.flows) < lost * _PACKETS_LEFT and sum(1 for _ in packets(plan)) < lost * _PACKETS_LEFT:
        yield f'the recording has too few packets for "{action.id}" to lose {lost}'


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {
    "export": _export,
    "read-reports": _read_reports,
    "seize": _seize,
}
MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("export", "first_export"): _first_export,
    ("seize", "original_hash"): lambda plan, _: original_hash(plan),
}
CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {
    "export": _export_ambiguities,
    "seize": _seize_ambiguities,
}
