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
from csirtlab.evidence.intents import Connect, Doing, Note, Remark, Wish
from csirtlab.evidence.measures import instant
from csirtlab.evidence.model import FactValue, Paper, Plan, TcpFlow
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.http import Fetch, body_of, browser_of
from csirtlab.evidence.protocols.tcp import tcp_segments
from csirtlab.evidence.sampling import SECOND, between, chance, heavy, nanoseconds, noise, pick, shuffled, whole

_EXHIBITS = ("exhibits/exhibit-a.pcap", "exhibits/exhibit-b.pcap", "exhibits/exhibit-c.pcap")
_PLACES = ("evidence safe", "forensic workstation", "transport bag", "safe of the prosecutor's office", "archive room")
_REPORTS = "/reportes/"  # the page on which they are listed, open since the morning
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _seize(doing: Doing) -> Iterator[Remark]:
    rng = doing.rng
    true, short, altered = shuffled(rng, _EXHIBITS)
    lost, changed = doing.draw_whole("lost"), doing.draw_whole("altered")
    yield Paper(true, original)
    yield Paper(short, partial(with_losses, count=lost))
    yield Paper(altered, partial(with_alterations, count=changed))
    entries = doing.draw_whole("entries")
    broken = whole(rng, 3, entries - 1)
    rows = list(_entries(doing, entries, broken))
    yield Paper("custody.csv", partial(_custody_log, rows=rows))
    for name, value in (
        ("true_copy", true.rsplit("/", 1)[1]), ("lost", lost), ("altered", changed), ("broken_entry", broken),
    ):  # fmt: skip
        yield Note(doing.action.id, name, value)


def _entries(doing: Doing, count: int, broken: int) -> Iterator[tuple[int, int, str, str, str]]:
    """Yield number, time, giver, receiver and place; at ``broken`` the giver is not who received it before."""
    rng = doing.rng
    people = shuffled(rng, doing.action.lists["people"])
    at_ns = doing.cast.end_ns + nanoseconds(between(rng, 400, 3000))
    holder = people[0]
    for number in range(1, count + 1):
        giver = pick(rng, [name for name in people if name != holder]) if number == broken else holder
        receiver = pick(rng, [name for name in people if name != giver])
        yield number, at_ns, giver, receiver, pick(rng, _PLACES)
        holder = receiver
        at_ns += nanoseconds(heavy(rng, 900, 90_000))


def _custody_log(plan: Plan, rows: list[tuple[int, int, str, str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("entry", "time_utc", "handed_over_by", "received_by", "place", "sha256"))
    digest = original_hash(plan)
    for number, at_ns, giver, receiver, place in rows:
        when = (_EPOCH + dt.timedelta(seconds=at_ns // 1_000_000_000)).strftime("%Y-%m-%d %H:%M:%S")
        writer.writerow((number, when, giver, receiver, place, digest if number == 1 else ""))
    return text.getvalue().encode()


def _export(doing: Doing) -> Iterator[Wish]:
    def exported() -> Report:
        target, size = f"/reportes/exportar?{_which(doing)}", doing.draw_heavy("response_bytes")
        if chance(doing.rng, 0.7):
            return Report(f"{target}&formato=csv", "text/csv; charset=UTF-8", _table(doing.rng, size))
        body = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + noise(doing.rng, size) + b"\n%%EOF\n"
        return Report(f"{target}&formato=pdf", "application/pdf", body)

    yield from _one_by_one(doing, exported)


def _table(rng: Random, size: int) -> bytes:
    """Return about ``size`` bytes of a table of random digits."""
    lines = ["registro;fecha;importe"]
    length = 0
    while length < size:
        date = f"{whole(rng, 2019, 2025)}-{whole(rng, 1, 12):02}-{whole(rng, 1, 28):02}"
        lines.append(f"{whole(rng, 100_000, 999_999)};{date};{whole(rng, 1, 99_999)},{whole(rng, 0, 99):02}")
        length += len(lines[-1]) + 2
    return "\r\n".join((*lines, "")).encode()


def _read_reports(doing: Doing) -> Iterator[Wish]:
    def read() -> Report:
        page = body_of(doing.rng, Fetch("", doing.draw_heavy("response_bytes"), "text/html", 0, 0), "Reportes")
        return Report(f"/reportes/ver?{_which(doing)}", "text/html; charset=UTF-8", page)

    yield from _one_by_one(doing, read)


class Report(NamedTuple):
    """One report of the application: how it is asked for, and the answer."""

    target: str
    kind: str
    body: bytes


def _which(doing: Doing) -> str:
    return f"anio={whole(doing.rng, 2019, 2025)}&lote={whole(doing.rng, 1, 400)}"


def _one_by_one(doing: Doing, next_report: Callable[[], Report]) -> Iterator[Wish]:
    """Yield a connection for each of the action's ``times`` reports, with ``gap_s`` between them."""
    rng, server = doing.rng, doing.servers[0]
    site = f"{server.name.lower()}.{doing.cast.site_domain}"
    at_ns = doing.cast.begin_ns + nanoseconds(between(rng, *doing.action.starts_min) * 60)
    for _ in range(doing.draw_whole("times")):
        report = next_report()
        think, pause = nanoseconds(heavy(rng, 0.004, 0.3)), nanoseconds(0.001)
        hit = Hit("GET", report.target, 200, report.body, think, pause, kind=report.kind, referrer=_REPORTS)
        closing = Closing(Ending.CLIENT_FIN, nanoseconds(heavy(rng, 0.01, 4)))
        visit = SiteVisit(site, server, doing.host.address, browser_of(doing.host), (hit,), closing)
        yield Connect(at_ns, doing.host, server, 80, visit, doing.action.id)
        at_ns += nanoseconds(doing.draw("gap_s"))


def _first_export(plan: Plan, action: Action) -> dt.datetime:
    """Return when the first segment of the first report passed."""
    flow = next(flow for flow in plan.flows if isinstance(flow, TcpFlow) and flow.label == action.id)
    answer = next(part for part in tcp_segments(plan, flow) if part.sender is flow.server and part.payload)
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
    lost = plan.notes[action.id, "lost"]
    assert isinstance(lost, int)
    # Every flow is a packet at least: mostly there is nothing to count.
    if len(plan.flows) < lost * _PACKETS_LEFT and sum(1 for _ in packets(plan)) < lost * _PACKETS_LEFT:
        yield f'the recording has too few packets for "{action.id}" to lose {lost}'


DOERS: Mapping[str, Callable[[Doing], Iterator[Wish | Remark]]] = {
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
