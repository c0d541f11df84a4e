"""Who writes to a plant's controllers, found by reading Modbus/TCP byte by byte, with the list of tags beside it."""

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.tshark import at_ns, instant

_PORT = "502"
_WRITES = (5, 6, 15, 16)


class _Message(NamedTuple):
    at_ns: int
    stream: str
    is_request: bool
    source: str
    target: str
    transaction: int
    function: int
    body: bytes  # behind the function code

    @property
    def register(self) -> int:
        return int.from_bytes(self.body[:2])

    @property
    def value(self) -> int:
        """The first value of a write: behind address, and for 16 behind count and number of bytes too."""
        start = 5 if self.function == 16 else 2
        return int.from_bytes(self.body[start : start + 2])


def _messages(view: CaptureView) -> list[_Message]:
    return view.once("modbus messages", lambda: _read(view))


def _read(view: CaptureView) -> list[_Message]:
    readings = []
    for frame in view.machine_frames:
        if _PORT not in (frame["tcp.srcport"], frame["tcp.dstport"]):
            continue
        payload = bytes.fromhex(frame["tcp.payload"].replace(":", ""))
        readings.append(
            _Message(
                at_ns(frame), frame["tcp.stream"], frame["tcp.dstport"] == _PORT, frame["ip.src"], frame["ip.dst"],
                int.from_bytes(payload[:2]), payload[7], payload[8:],
            )
        )  # fmt: skip
    return readings


def _writes(view: CaptureView) -> list[_Message]:
    return [message for message in _messages(view) if message.is_request and message.function in _WRITES]


def _is_device(view: CaptureView, address: str) -> bool:
    roles = {row["address"]: row["role"] for row in view.assets}
    return "camera" in roles.get(address, "")


def _master(view: CaptureView) -> str:
    (master,) = {message.source for message in _writes(view) if _is_device(view, message.source)}
    return master


def _operator(view: CaptureView) -> str:
    (operator,) = {message.source for message in _writes(view) if not _is_device(view, message.source)}
    return operator


def _rogue_writes(view: CaptureView) -> list[_Message]:
    master = _master(view)
    return [message for message in _writes(view) if message.source == master]


def _register_writes(view: CaptureView) -> list[_Message]:
    return [message for message in _rogue_writes(view) if message.function in (6, 16)]


def _only(values: set[FactValue]) -> FactValue:
    (value,) = values
    return value


def _target(view: CaptureView) -> str:
    (target,) = {message.target for message in _rogue_writes(view)}
    return target


def _functions(view: CaptureView) -> frozenset[str]:
    master = _master(view)
    return frozenset(
        str(message.function) for message in _messages(view) if message.is_request and message.source == master
    )


def _readings(view: CaptureView, function: int, register: int) -> list[tuple[int, int]]:
    """Return when and what the target answered to whoever read ``register``."""
    target = _target(view)
    asked: dict[tuple[str, int], int] = {}
    readings = []
    for message in _messages(view):
        key = (message.stream, message.transaction)
        if message.function != function:
            continue
        if message.is_request and message.target == target:
            asked[key] = message.register
        elif message.source == target and key in asked:
            place = 1 + 2 * (register - asked[key])
            if 1 <= place < len(message.body):
                readings.append((message.at_ns, int.from_bytes(message.body[place : place + 2])))
    return readings


def _before(view: CaptureView) -> int:
    register, first = _register_writes(view)[0].register, _rogue_writes(view)[0].at_ns
    return max(reading for reading in _readings(view, 3, register) if reading[0] < first)[1]


def _extreme(view: CaptureView) -> int:
    register, first, before = _register_writes(view)[0].register, _rogue_writes(view)[0].at_ns, _before(view)
    (name,) = [row["hostname"] for row in view.assets if row["address"] == _target(view)]
    tags = [row for row in csv.DictReader(view.lines("tags.csv")) if row["plc"] == name]
    (tag,) = [row["tag"] for row in tags if (row["table"], row["register"]) == ("holding", str(register))]
    (measured,) = [row["register"] for row in tags if row["tag"] == tag.replace(".SP", ".PV")]
    after = [value for at, value in _readings(view, 4, int(measured)) if at > first]
    return max(after, key=lambda value: abs(value - before))


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "rogue.master": _master,
    "rogue.target": _target,
    "rogue.functions": _functions,
    "rogue.register": lambda view: _only({message.register for message in _register_writes(view)}),
    "rogue.value": lambda view: _only({message.value for message in _register_writes(view)}),
    "rogue.first_write": lambda view: instant(_rogue_writes(view)[0].at_ns),
    "rogue.value_before": _before,
    "rogue.extreme": _extreme,
    "operator.master": _operator,
}

GUESSES: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "most-writes.source": lambda view: Counter(message.source for message in _writes(view)).most_common(1)[0][0],
    "first-write.source": lambda view: _writes(view)[0].source,
    "first-write.register": lambda view: _writes(view)[0].register,
    "largest-write.value": lambda view: max(message.value for message in _writes(view) if message.function in (6, 16)),
    "most-written.target": lambda view: Counter(message.target for message in _writes(view)).most_common(1)[0][0],
}
