"""The logs of a case: what programs wrote, in the order of the clock, one file a log."""

from collections import defaultdict
from collections.abc import Iterator

from csirtlab.evidence.model import Exchange, Plan, TcpFlow
from csirtlab.evidence.protocols.records import Record
from csirtlab.evidence.protocols.tcp import tcp_records


def records(plan: Plan) -> Iterator[Record]:
    """Yield every line of every log, in any order."""
    yield from plan.records
    for flow in plan.flows:
        if isinstance(flow, TcpFlow) and flow.dialogue.keeps_records:
            yield from tcp_records(plan, flow)
        elif isinstance(flow, Exchange):
            yield from flow.records


def log_files(plan: Plan) -> dict[str, bytes]:
    """Return the logs by file name; lines of the same instant stay in the order in which they were written."""
    files: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records(plan):
        files[record.file].append(record)
    return {
        name: "".join(f"{record.text}\n" for record in sorted(lines, key=lambda record: record.at_ns)).encode()
        for name, lines in sorted(files.items())
    }
