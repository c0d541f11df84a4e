"""What a case holds, piece by piece, each with the action that it comes from: material to try rules on.

Sigma rules see the rows of a log, in the field names of Sigma's taxonomy; YARA rules see payloads.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from csirtlab.evidence.model import Exchange, Plan, TcpFlow
from csirtlab.evidence.protocols.tcp import simulated

RAW = "raw"
"""The column with the whole line, in which a rule's keywords are looked for."""

MOST_STREAM = 64 * 1024  # bytes of one connection that a rule sees

_FORMATS: Mapping[str, re.Pattern[str]] = {
    # nginx, "combined"; names of Sigma's category webserver
    "access.log": re.compile(
        r'(?P<c_ip>\S+) - (?P<cs_username>\S+) \[[^]]*\] "(?P<cs_method>\S+) (?P<cs_uri>(?P<cs_uri_stem>[^ ?]+)'
        r'(?:\?(?P<cs_uri_query>\S*))?) \S+" (?P<sc_status>\d+) (?P<sc_bytes>\d+) "(?P<cs_referer>[^"]*)" '
        r'"(?P<cs_user_agent>[^"]*)"'
    ),
    # BIND 9, category queries; names of Sigma's category dns
    "queries.log": re.compile(
        r"\S+ \S+ queries: info: client \S+ (?P<src_ip>[^#]+)#\d+ \(\S+\): "
        r"query: (?P<query>\S+) IN (?P<record_type>\S+)"
    ),
    "auth.log": re.compile(r"\S+ (?P<host>\S+) (?P<process>[^[: ]+)(?:\[\d+\])?: (?P<message>.*)"),
}
_WITH_HYPHENS = ("access.log",)
_NUMBERS = ("sc-status", "sc-bytes")

Row = dict[str, str | int]


def log_fields(name: str) -> tuple[str, ...]:
    """Return the fields of a log in the order of the line; KeyError for one that is not read by fields."""
    return tuple(_field(name, group) for group in _FORMATS[name].groupindex)


def log_rows(plan: Plan, name: str) -> Iterator[tuple[str, Row]]:
    """Yield each line of a log as fields, with the action that it comes from; an odd line has RAW alone."""
    for label, text in _labelled_lines(plan, name):
        yield label, {RAW: text, **_parsed(name, text)}


def _parsed(name: str, text: str) -> Row:
    fields = _FORMATS[name].match(text)
    row: Row = {}
    for group, value in (fields.groupdict() if fields else {}).items():
        field = _field(name, group)
        if value is not None:
            row[field] = int(value) if field in _NUMBERS else value
    return row


def _field(name: str, group: str) -> str:
    return group.replace("_", "-") if name in _WITH_HYPHENS else group


def _labelled_lines(plan: Plan, name: str) -> list[tuple[str, str]]:
    for artifact in plan.artifacts:
        if artifact.name == name and artifact.labelled is not None:
            return artifact.labelled(plan)
    lines: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for record in plan.records:  # of no action
        if record.file == name:
            lines[record.at_ns].append(("", record.text))
    for flow in plan.flows:
        if isinstance(flow, TcpFlow) and flow.dialogue.keeps_records:
            records = simulated(plan, flow).records
        else:
            records = flow.records if isinstance(flow, Exchange) else ()
        for record in records:
            if record.file == name:
                lines[record.at_ns].append((flow.label, record.text))
    return [line for at_ns in sorted(lines) for line in lines[at_ns]]


def client_streams(plan: Plan) -> Iterator[tuple[str, bytes]]:
    """Yield the beginning of what each TCP client sent, with the action that it comes from."""
    for flow in plan.flows:
        if not isinstance(flow, TcpFlow):
            continue
        parts: dict[int, bytes] = {}
        first: int | None = None
        for segment in simulated(plan, flow).segments:
            if segment.sender is flow.client and segment.sender_port == flow.client_port and segment.payload:
                first = segment.sequence if first is None else first
                parts.setdefault((segment.sequence - first) % 2**32, segment.payload)
        if parts:
            yield flow.label, b"".join(parts[place] for place in sorted(parts))[:MOST_STREAM]
