"""What a custody log and copies tell, found with hashes, by counting and by comparing."""

import csv
import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.tshark import Frame, at_ns, instant, nanoseconds, see

_LOG_TIME = "%d/%b/%Y:%H:%M:%S %z"
_ASKS = "/reportes/exportar"


def _exhibits(view: CaptureView) -> list[Path]:
    return sorted((view.folder / "exhibits").iterdir())


def _capture(view: CaptureView) -> bytes:
    return (view.folder / "capture.pcap").read_bytes()


def _true_copy(view: CaptureView) -> str:
    (true,) = (path.name for path in _exhibits(view) if path.read_bytes() == _capture(view))
    return true


def _lost(view: CaptureView) -> int:
    shorter = min(_exhibits(view), key=lambda path: path.stat().st_size)
    return len(view.frames) - len(see(shorter, ("frame.number",)))


def _altered(view: CaptureView) -> int:
    whole = _capture(view)
    (other,) = (
        content
        for content in (path.read_bytes() for path in _exhibits(view))
        if len(content) == len(whole) and content != whole
    )
    return sum(mine != theirs for mine, theirs in zip(whole, other, strict=True))


def _broken_entry(view: CaptureView) -> int:
    with (view.folder / "custody.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (broken,) = (
        int(later["entry"]) for earlier, later in pairwise(rows) if earlier["received_by"] != later["handed_over_by"]
    )
    return broken


def _offset(view: CaptureView) -> float:
    """Compare the whole seconds of the server's Date with those in which the answer passed."""
    seconds: Counter[int] = Counter()
    for frame in (frame for frame in view.frames if _ASKS in frame["http.response_for.uri"]):
        said = dt.datetime.strptime(frame["http.date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
        seconds[int(said.timestamp()) - nanoseconds(frame["frame.time_epoch"]) // 10**9] += 1
    return float(seconds.most_common(1)[0][0])


def _export(view: CaptureView) -> Frame:
    return next(frame for frame in view.frames if _ASKS in frame["http.request.uri"])


def _first_export(view: CaptureView) -> dt.datetime:
    asked = _export(view)
    answered = next(
        frame
        for frame in view.frames
        if frame["tcp.stream"] == asked["tcp.stream"] and frame["ip.src"] != asked["ip.src"] and int(frame["tcp.len"])
    )
    return instant(at_ns(answered))


def _logged_export(view: CaptureView) -> dt.datetime:
    line = next(line for line in view.lines("access.log") if _ASKS in line)
    return dt.datetime.strptime(line.split("[")[1].split("]")[0], _LOG_TIME).astimezone(dt.UTC)


def _most_reports(view: CaptureView) -> str:
    asking = (frame["ip.src"] for frame in view.frames if "/reportes/" in frame["http.request.uri"])
    return Counter(asking).most_common(1)[0][0]


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "custody.original_hash": lambda view: hashlib.sha256(_capture(view)).hexdigest(),
    "custody.true_copy": _true_copy,
    "custody.lost": _lost,
    "custody.altered": _altered,
    "custody.broken_entry": _broken_entry,
    "clock.offset": _offset,
    "clock.error": lambda view: abs(_offset(view)),
    "export.host": lambda view: _export(view)["ip.src"],
    "export.first": _first_export,
}

GUESSES: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "logged-export.time": _logged_export,
    "most-reports.host": _most_reports,
}
