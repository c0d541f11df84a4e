"""A router that exports what passed it."""

import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from csirtlab.evidence.capture import packets
from csirtlab.evidence.intents import ActionContext, Intent, Output
from csirtlab.evidence.model import FileArtifact, Plan, Segment
from csirtlab.evidence.sampling import SECOND

_COLUMNS = "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt"
_LETTERS = "CEUAPRSF"  # from CWR down to FIN
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = 1_000_000

Key = tuple[str, str, int, int, bool]


@dataclass(slots=True)
class _Record:
    first_ns: int
    last_ns: int = 0
    count: int = 0
    length: int = 0
    flags: int = 0


def flow_list(plan: Plan, *, active_s: int, inactive_s: int) -> bytes:
    """Return the flow records of a plan as CSV, in the order of their starts.

    A record ends when its flow has been silent for ``inactive_s``, or has gone on for ``active_s``.
    """
    text = io.StringIO()
    text.write(f"{_COLUMNS}\n")
    records = _records(plan, active_s * SECOND, inactive_s * SECOND)
    for key, record in sorted(records, key=lambda row: (row[1].first_ns, row[0])):
        source, target, source_port, target_port, is_tcp = key
        took = (record.last_ns // _MILLISECOND - record.first_ns // _MILLISECOND) / 1000
        flags = _flags(record.flags) if is_tcp else "." * len(_LETTERS)
        text.write(
            f"{_time(record.first_ns)},{_time(record.last_ns)},{took:.3f},{source},{target},{source_port},"
            f"{target_port},{'TCP' if is_tcp else 'UDP'},{flags},{record.count},{record.length}\n"
        )
    return text.getvalue().encode()


def _records(plan: Plan, active_ns: int, inactive_ns: int) -> Iterator[tuple[Key, _Record]]:
    open_records: dict[Key, _Record] = {}
    for packet in packets(plan):
        if not isinstance(packet, Segment):
            continue
        is_tcp = packet.options is not None
        key = (packet.sender.address, packet.target, packet.sender_port, packet.target_port, is_tcp)
        record = open_records.get(key)
        if record and (packet.at_ns - record.last_ns > inactive_ns or packet.at_ns - record.first_ns > active_ns):
            yield key, record
            record = None
        if record is None:
            record = open_records[key] = _Record(packet.at_ns)
        record.last_ns = packet.at_ns
        record.count += 1
        record.length += 20 + (20 + len(packet.options) if packet.options is not None else 8) + len(packet.payload)
        record.flags |= packet.flags
    yield from open_records.items()


def _time(at_ns: int) -> str:
    when = _EPOCH + dt.timedelta(milliseconds=at_ns // _MILLISECOND)
    return when.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


def _flags(flags: int) -> str:
    return "".join(letter if flags >> (7 - place) & 1 else "." for place, letter in enumerate(_LETTERS))


def _export_flows(context: ActionContext) -> Iterator[Output]:
    active_s, inactive_s = context.draw_whole("active_s"), context.draw_whole("inactive_s")
    yield FileArtifact("flows.csv", partial(flow_list, active_s=active_s, inactive_s=inactive_s))


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {"export-flows": _export_flows}
