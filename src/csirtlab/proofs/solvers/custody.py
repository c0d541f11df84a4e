"""What a custody log and copies tell, found with hashes, by counting and by comparing."""

import csv
import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.sensor import Frame, Sight, at_ns, instant, nanoseconds, see

_LOG_TIME = "%d/%b/%Y:%H:%M:%S %z"
_ASKS = "/reportes/exportar"


def _exhibits(sight: Sight) -> list[Path]:
    return sorted((sight.folder / "exhibits").iterdir())


def _capture(sight: Sight) -> bytes:
    return (sight.folder / "capture.pcap").read_bytes()


def _true_copy(sight: Sight) -> str:
    (true,) = (path.name for path in _exhibits(sight) if path.read_bytes() == _capture(sight))
    return true


def _lost(sight: Sight) -> int:
    shorter = min(_exhibits(sight), key=lambda path: path.stat().st_size)
    return len(sight.frames) - len(see(shorter, ("frame.number",)))


def _altered(sight: Sight) -> int:
    whole = _capture(sight)
    (other,) = (
        content
        for content in (path.read_bytes() for path in _exhibits(sight))
        if len(content) == len(whole) and content != whole
    )
    return sum(mine != theirs for mine, theirs in zip(whole, other, strict=True))


def _broken_entry(sight: Sight) -> int:
    with (sight.folder / "custody.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (broken,) = (
        int(later["entry"]) for earlier, later in pairwise(rows) if earlier["received_by"] != later["handed_over_by"]
    )
    return broken


def _offset(sight: Sight) -> float:
    """Compare the whole seconds of the server's Date with those in which the answer passed."""
    seconds: Counter[int] = Counter()
    for frame in (frame for frame in sight.frames if _ASKS in frame["http.response_for.uri"]):
        said = dt.datetime.strptime(frame["http.date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
        seconds[int(said.timestamp()) - nanoseconds(frame["frame.time_epoch"]) // 10**9] += 1
    return float(seconds.most_common(1)[0][0])


def _export(sight: Sight) -> Frame:
    return next(frame for frame in sight.frames if _ASKS in frame["http.request.uri"])


def _first_export(sight: Sight) -> dt.datetime:
    asked = _export(sight)
    answered = next(
        frame
        for frame in sight.frames
        if frame["tcp.stream"] == asked["tcp.stream"] and frame["ip.src"] != asked["ip.src"] and int(frame["tcp.len"])
    )
    return instant(at_ns(answered))


def _logged_export(sight: Sight) -> dt.datetime:
    line = next(line for line in sight.lines("access.log") if _ASKS in line)
    return dt.datetime.strptime(line.split("[")[1].split("]")[0], _LOG_TIME).astimezone(dt.UTC)


def _most_reports(sight: Sight) -> str:
    asking = (frame["ip.src"] for frame in sight.frames if "/reportes/" in frame["http.request.uri"])
    return Counter(asking).most_common(1)[0][0]


SOLVERS: Mapping[str, Callable[[Sight], FactValue]] = {
    "custody.original_hash": lambda sight: hashlib.sha256(_capture(sight)).hexdigest(),
    "custody.true_copy": _true_copy,
    "custody.lost": _lost,
    "custody.altered": _altered,
    "custody.broken_entry": _broken_entry,
    "clock.offset": _offset,
    "clock.error": lambda sight: abs(_offset(sight)),
    "export.host": lambda sight: _export(sight)["ip.src"],
    "export.first": _first_export,
}

GUESSES: Mapping[str, Callable[[Sight], FactValue]] = {
    "logged-export.time": _logged_export,
    "most-reports.host": _most_reports,
}
