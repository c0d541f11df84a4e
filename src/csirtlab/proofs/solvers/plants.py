"""Who writes to a plant's controllers, found by reading Modbus/TCP byte by byte, with the list of tags beside it."""

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.sensor import Sight, at_ns, instant

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


def _messages(sight: Sight) -> list[_Message]:
    return sight.once("modbus messages", lambda: _read(sight))


def _read(sight: Sight) -> list[_Message]:
    found = []
    for frame in sight.machine_talk:
        if _PORT not in (frame["tcp.srcport"], frame["tcp.dstport"]):
            continue
        payload = bytes.fromhex(frame["tcp.payload"].replace(":", ""))
        found.append(
            _Message(
                at_ns(frame), frame["tcp.stream"], frame["tcp.dstport"] == _PORT, frame["ip.src"], frame["ip.dst"],
                int.from_bytes(payload[:2]), payload[7], payload[8:],
            )
        )  # fmt: skip
    return found


def _writes(sight: Sight) -> list[_Message]:
    return [message for message in _messages(sight) if message.is_request and message.function in _WRITES]


def _is_device(sight: Sight, address: str) -> bool:
    roles = {row["address"]: row["role"] for row in sight.assets}
    return "camera" in roles.get(address, "")


def _master(sight: Sight) -> str:
    (master,) = {message.source for message in _writes(sight) if _is_device(sight, message.source)}
    return master


def _operator(sight: Sight) -> str:
    (operator,) = {message.source for message in _writes(sight) if not _is_device(sight, message.source)}
    return operator


def _rogue_writes(sight: Sight) -> list[_Message]:
    master = _master(sight)
    return [message for message in _writes(sight) if message.source == master]


def _register_writes(sight: Sight) -> list[_Message]:
    return [message for message in _rogue_writes(sight) if message.function in (6, 16)]


def _only(values: set[FactValue]) -> FactValue:
    (value,) = values
    return value


def _target(sight: Sight) -> str:
    (target,) = {message.target for message in _rogue_writes(sight)}
    return target


def _functions(sight: Sight) -> frozenset[str]:
    master = _master(sight)
    return frozenset(
        str(message.function) for message in _messages(sight) if message.is_request and message.source == master
    )


def _readings(sight: Sight, function: int, register: int) -> list[tuple[int, int]]:
    """Return when and what the target answered to whoever read ``register``."""
    target = _target(sight)
    asked: dict[tuple[str, int], int] = {}
    readings = []
    for message in _messages(sight):
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


def _before(sight: Sight) -> int:
    register, first = _register_writes(sight)[0].register, _rogue_writes(sight)[0].at_ns
    return max(reading for reading in _readings(sight, 3, register) if reading[0] < first)[1]


def _extreme(sight: Sight) -> int:
    register, first, before = _register_writes(sight)[0].register, _rogue_writes(sight)[0].at_ns, _before(sight)
    (name,) = [row["hostname"] for row in sight.assets if row["address"] == _target(sight)]
    tags = [row for row in csv.DictReader(sight.lines("tags.csv")) if row["plc"] == name]
    (tag,) = [row["tag"] for row in tags if (row["table"], row["register"]) == ("holding", str(register))]
    (measured,) = [row["register"] for row in tags if row["tag"] == tag.replace(".SP", ".PV")]
    after = [value for at, value in _readings(sight, 4, int(measured)) if at > first]
    return max(after, key=lambda value: abs(value - before))


SOLVERS: Mapping[str, Callable[[Sight], FactValue]] = {
    "rogue.master": _master,
    "rogue.target": _target,
    "rogue.functions": _functions,
    "rogue.register": lambda sight: _only({message.register for message in _register_writes(sight)}),
    "rogue.value": lambda sight: _only({message.value for message in _register_writes(sight)}),
    "rogue.first_write": lambda sight: instant(_rogue_writes(sight)[0].at_ns),
    "rogue.value_before": _before,
    "rogue.extreme": _extreme,
    "operator.master": _operator,
}

GUESSES: Mapping[str, Callable[[Sight], FactValue]] = {
    "most-writes.source": lambda sight: Counter(message.source for message in _writes(sight)).most_common(1)[0][0],
    "first-write.source": lambda sight: _writes(sight)[0].source,
    "first-write.register": lambda sight: _writes(sight)[0].register,
    "largest-write.value": lambda sight: max(
        message.value for message in _writes(sight) if message.function in (6, 16)
    ),
    "most-written.target": lambda sight: Counter(message.target for message in _writes(sight)).most_common(1)[0][0],
}
