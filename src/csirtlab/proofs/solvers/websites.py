"""Who broke into a web site, found in its access log and in what the capture holds of the answers."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.tshark import see

_LINE = re.compile(
    r'(?P<source>\S+) - - \[(?P<at>[^\]]+)\] "(?P<method>\w+) (?P<target>\S+) [^"]+" (?P<status>\d+) \d+ "[^"]*" '
    r'"(?P<agent>[^"]*)"'
)


class _Line(NamedTuple):
    at: dt.datetime
    source: str
    target: str
    status: str
    agent: str

    @property
    def values(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))


def _lines(view: CaptureView) -> list[_Line]:
    matches = (_LINE.fullmatch(line) for line in view.lines("access.log"))
    return [
        _Line(
            dt.datetime.strptime(line["at"], "%d/%b/%Y:%H:%M:%S %z").astimezone(dt.UTC),
            line["source"], line["target"], line["status"], line["agent"],
        )
        for line in matches
        if line
    ]  # fmt: skip


def _worked(view: CaptureView) -> list[_Line]:
    return [
        line
        for line in _lines(view)
        if line.status == "200" and any("UNION SELECT" in value for value in line.values.values())
    ]


def _source(view: CaptureView) -> str:
    return _worked(view)[0].source


def _injected(line: _Line) -> tuple[str, str]:
    return next((name, value) for name, value in line.values.items() if "UNION SELECT" in value)


def _rows(view: CaptureView) -> int:
    """Count the rows in the answers to the injections that worked."""
    keep = f'http.response.code == 200 and ip.dst == {_source(view)} and http.file_data contains "<tr><td>"'
    return sum(
        bytes.fromhex(frame["http.file_data"].replace(":", "")).count(b"<tr>")
        if re.fullmatch(r"[0-9a-f:]+", frame["http.file_data"])
        else frame["http.file_data"].count("<tr>")
        for frame in see(view.folder / "capture.pcap", ("http.file_data",), keep)
    )


def _orders(view: CaptureView) -> list[_Line]:
    source = _source(view)
    return [line for line in _lines(view) if line.source == source and line.target.startswith("/uploads/")]


def _missing(view: CaptureView) -> list[tuple[str, int]]:
    return Counter(line.source for line in _lines(view) if line.status == "404").most_common()


def _agent(view: CaptureView) -> str:
    source = _source(view)
    agents = Counter(line.agent for line in _lines(view) if line.source == source and line.status == "404")
    return agents.most_common(1)[0][0]


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "intrusion.source": _source,
    "intrusion.first_success": lambda view: _worked(view)[0].at,
    "intrusion.parameter": lambda view: _injected(_worked(view)[0])[0],
    "intrusion.tables": lambda view: frozenset(
        _injected(line)[1].split(" FROM ")[1].split()[0] for line in _worked(view)
    ),
    "intrusion.rows": _rows,
    "intrusion.shell_path": lambda view: urlsplit(_orders(view)[0].target).path,
    "intrusion.commands": lambda view: tuple(line.values["c"] for line in _orders(view)),
    "path-scan.agent": _agent,
    "auditor.source": lambda view: next(source for source, _ in _missing(view) if source != _source(view)),
}

GUESSES: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "most-requests.source": lambda view: Counter(line.source for line in _lines(view)).most_common(1)[0][0],
    "most-missing.source": lambda view: _missing(view)[0][0],
    "first-quote.time": lambda view: next(line.at for line in _lines(view) if "%27" in line.target),
}
