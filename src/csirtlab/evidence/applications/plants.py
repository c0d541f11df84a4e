"""Controllers of a plant and what masters say to them over Modbus/TCP.

A controller has loops: a setpoint in a holding register, the value measured in an input register, which follows the
setpoint with a lag; and coils that say which motors run. Everything of a controller comes from its Ethernet address,
so that whoever speaks to it knows the same one; what one master writes, all masters read.
Source: MODBUS Application Protocol V1.1b3; the messages are recorded from pymodbus.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import ClassVar, NamedTuple

from csirtlab.evidence.intents import Connect, Intent
from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Turn, Watch
from csirtlab.evidence.protocols.recordings import RecordedTurn, recording
from csirtlab.evidence.sampling import SECOND, between, bounded_pareto, chance, pick, shuffled, whole
from csirtlab.evidence.seeds import stream

MODBUS = 502
READ_COILS, READ_HOLDING, READ_INPUT, WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS, IDENTIFY = 1, 3, 4, 5, 6, 16, 43
WRITES = (WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS)
_ON = 0xFF00
_WOBBLES = 211  # seconds until the small movements of a measured value come again

# What is controlled, its letter in a tag (ISA-5.1), unit, value of one count, and where setpoints usually lie.
_QUANTITIES = (
    ("tank level", "L", "%", 0.1, (300, 800)),
    ("discharge pressure", "P", "bar", 0.01, (250, 620)),
    ("chlorine dose", "A", "mg/l", 0.001, (400, 1500)),
    ("outlet flow", "F", "m3/h", 0.1, (700, 2600)),
    ("acidity", "A", "pH", 0.001, (6800, 8200)),
    ("pump speed", "S", "rpm", 0.1, (9000, 14600)),
    ("dosing flow", "F", "l/h", 0.01, (3000, 9000)),
)  # fmt: skip
_PRODUCTS = (
    ("Kondor Automation", "KA-2210", "V3.{minor}"), ("Valdivia Controls", "VC-400E", "2.{minor}.1"),
    ("Nordhav Elektronik", "NE 750-8{minor}", "FW{minor}"), ("Altiplano Sistemas", "ASX-12", "v1.{minor}"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loop:
    """A quantity that a controller holds at its setpoint."""

    tag: str
    quantity: str
    unit: str
    scale: float  # what one count is worth
    setpoint: int  # holding register
    measured: int  # input register
    low: int  # the setpoints that operators may choose, in counts
    high: int
    start: int  # the setpoint when the recording begins
    lag_s: float
    wobble: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Controller:
    """A PLC: its loops, whose registers follow one another, and its coils."""

    unit: int
    names: tuple[str, str, str]  # vendor, product, revision
    loops: tuple[Loop, ...]
    first_coil: int
    coils: tuple[bool, ...]
    reply_s: tuple[float, float]

    @property
    def first_setpoint(self) -> int:
        """Return the first holding register."""
        return self.loops[0].setpoint

    @property
    def first_measured(self) -> int:
        """Return the first input register."""
        return self.loops[0].measured


@cache
def controller_of(mac: bytes) -> Controller:
    """Return the controller behind an Ethernet address."""
    rng = stream(mac, "controller")
    first_setpoint, first_measured = 10 * whole(rng, 0, 190), 10 * whole(rng, 0, 190)
    area = 100 * whole(rng, 1, 9)
    loops = []
    for number, quantity in enumerate(shuffled(rng, _QUANTITIES)[: whole(rng, 3, 5)]):
        name, letter, unit, scale, (lowest, highest) = quantity
        span = highest - lowest
        low, high = lowest + int(span * between(rng, 0, 0.2)), highest - int(span * between(rng, 0, 0.2))
        start = whole(rng, low + (high - low) // 4, high - (high - low) // 4)
        loops.append(
            Loop(
                f"{letter}IC-{area + number + 1}", name, unit, scale, first_setpoint + number, first_measured + number,
                low, high, start, between(rng, 25, 110), tuple(_wobble(rng, max(2, (high - low) // 60))),
            )
        )  # fmt: skip
    vendor, product, revision = pick(rng, _PRODUCTS)
    minor = f"{whole(rng, 1, 88):02}"
    least = between(rng, 0.002, 0.02)
    return Controller(
        unit=pick(rng, (1, 1, 1, 255, 2)),
        names=(vendor, product.format(minor=minor), revision.format(minor=minor)),
        loops=tuple(loops),
        first_coil=8 * whole(rng, 0, 40),
        coils=tuple(chance(rng, 0.6) for _ in range(whole(rng, 4, 8))),
        reply_s=(least, least * between(rng, 3, 9)),
    )


def _wobble(rng: Random, most: int) -> Iterator[int]:
    value = 0
    for _ in range(_WOBBLES):
        value = max(-most, min(most, value + whole(rng, -1 - most // 6, 1 + most // 6)))
        yield value


class Change(NamedTuple):
    """A value that somebody writes."""

    at_ns: int
    is_coil: bool
    address: int
    value: int


class Order(NamedTuple):
    """One request of a master."""

    function: int
    address: int = 0
    quantity: int = 1
    values: tuple[int, ...] = ()  # of a write
    due_ns: int = 0  # 0: as soon as the answer before it is there

    def changes(self) -> Iterator[Change]:
        """Yield what it changes."""
        if self.function in WRITES:
            for number, value in enumerate(self.values):
                yield Change(self.due_ns, self.function == WRITE_COIL, self.address + number, value)


@dataclass(frozen=True, slots=True)
class ModbusSession:
    """A master's connection to a controller: requests, each with its answer."""

    server: Host
    opened_ns: int
    orders: tuple[Order, ...]
    transaction: int  # number of the first
    closing: Closing
    changes: tuple[Change, ...] = ()  # of everybody, in their order
    keeps_records: ClassVar[bool] = False

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield requests and answers; what is read is the state of the controller when it answers."""
        controller, watch = controller_of(self.server.mac), Watch(self.opened_ns)
        unit = bytes([controller.unit])
        for number, order in enumerate(self.orders):
            asked, answered = _functions()[order.function]
            values: dict[str, bytes] = {
                "transaction": ((self.transaction + number) & 0xFFFF).to_bytes(2), "unit": unit,
                "address": order.address.to_bytes(2), "count": order.quantity.to_bytes(2),
                "bytes": bytes([2 * len(order.values)]), "values": _packed(order),
            }  # fmt: skip
            pause = watch.until(order.due_ns) if order.due_ns else int(bounded_pareto(rng, 300_000, 12_000_000))
            yield Turn(True, _with_length(asked, rng, values), pause)

            def answer(
                at_ns: int, order: Order = order, values: dict[str, bytes] = values, turn: RecordedTurn = answered
            ) -> bytes:
                watch.at_ns = at_ns
                return _with_length(turn, rng, values | self._read(controller, order, at_ns))

            yield Turn(False, answer, int(bounded_pareto(rng, *controller.reply_s) * SECOND))

    def _read(self, controller: Controller, order: Order, at_ns: int) -> dict[str, bytes]:
        match order.function:
            case 1:
                first = order.address - controller.first_coil
                bits = self._coils(controller, at_ns)[first : first + order.quantity]
                number = sum(bit << place for place, bit in enumerate(bits))
                content = number.to_bytes((order.quantity + 7) // 8, "little")
            case 3 | 4:
                loops = controller.loops[: order.quantity]
                find = self._setpoint if order.function == READ_HOLDING else self._measured
                content = b"".join(find(loop, at_ns).to_bytes(2) for loop in loops)
            case 43:
                texts = [name.encode() for name in controller.names]
                return {"objects": b"".join(bytes([at, len(text)]) + text for at, text in enumerate(texts))}
            case _:
                return {}
        return {"bytes": bytes([len(content)]), "values": content}

    def _coils(self, controller: Controller, at_ns: int) -> list[bool]:
        coils = list(controller.coils)
        for change in self.changes:
            if change.is_coil and change.at_ns <= at_ns:
                coils[change.address - controller.first_coil] = bool(change.value)
        return coils

    def _mine(self, loop: Loop, at_ns: int) -> list[Change]:
        return [
            change
            for change in self.changes
            if not change.is_coil and change.address == loop.setpoint and change.at_ns <= at_ns
        ]

    def _setpoint(self, loop: Loop, at_ns: int) -> int:
        changes = self._mine(loop, at_ns)
        return changes[-1].value if changes else loop.start

    def _measured(self, loop: Loop, at_ns: int) -> int:
        value, target, since = float(loop.start), loop.start, 0
        for change in self._mine(loop, at_ns):
            value, target, since = _approach(value, target, change.at_ns - since, loop), change.value, change.at_ns
        value = _approach(value, target, at_ns - since, loop)
        return max(0, int(value) + loop.wobble[at_ns // SECOND % _WOBBLES])


def _approach(value: float, target: int, elapsed_ns: int, loop: Loop) -> float:
    """Return where ``value`` is after a time, on its way to ``target``: a lag, without the C library's exp."""
    x = elapsed_ns / SECOND / loop.lag_s
    return target + (value - target) / (1 + x + x * x / 2 + x * x * x / 6)


def share_processes(intents: Sequence[Intent]) -> list[Intent]:
    """Return ``intents`` with every Modbus session told what all of them write to its controller."""
    sessions = [
        intent.dialogue
        for intent in intents
        if isinstance(intent, Connect) and isinstance(intent.dialogue, ModbusSession)
    ]
    if not sessions:
        return list(intents)
    changes: dict[str, list[Change]] = {}
    for session in sessions:
        mine = changes.setdefault(session.server.address, [])
        mine.extend(change for order in session.orders for change in order.changes())
    ordered = {address: tuple(sorted(found)) for address, found in changes.items()}
    return [
        replace(intent, dialogue=replace(intent.dialogue, changes=ordered[intent.server.address]))
        if isinstance(intent, Connect) and isinstance(intent.dialogue, ModbusSession)
        else intent
        for intent in intents
    ]


@cache
def _functions() -> dict[int, tuple[RecordedTurn, RecordedTurn]]:
    """Return the recorded request and answer of each function."""
    by_function: dict[int, list[RecordedTurn]] = {}
    for turn in recording("modbus-functions").turns:
        by_function.setdefault(int(turn.mark.removeprefix("function ")), []).append(turn)
    return {function: (asked, answered) for function, (asked, answered) in by_function.items()}


def _packed(order: Order) -> bytes:
    if order.function == WRITE_COIL:
        return (_ON if order.values[0] else 0).to_bytes(2)
    return b"".join(value.to_bytes(2) for value in order.values)


def _with_length(turn: RecordedTurn, rng: Random, values: dict[str, bytes]) -> bytes:
    """Fill a turn; its header counts the bytes behind the length."""
    message = turn.payload(rng, values | {"length": b"\x00\x00"})
    return message[:4] + (len(message) - 6).to_bytes(2) + message[6:]
