"""What tampering did to a process, as the masters that poll it could see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from csirtlab.content.scenarios import Action
from csirtlab.evidence.applications.plants import READ_HOLDING, READ_INPUT, WRITES, Loop, ModbusSession, controller_of
from csirtlab.evidence.measures.seen import instant
from csirtlab.evidence.model import FactValue, Host, Plan, TcpFlow
from csirtlab.evidence.protocols.tcp import tcp_segments

_FUNCTION, _VALUES = 7, 9  # where they stand in a message


@dataclass(frozen=True)
class Course:
    """What was read of one loop, and when the tampering began."""

    first_write_ns: int
    before: int
    measured: tuple[int, ...]  # from the first write on

    @property
    def extreme(self) -> int:
        """Return the measured value that is furthest from the setpoint before."""
        return max(self.measured, key=lambda value: abs(value - self.before))


def course(plan: Plan, action: Action) -> Course:
    """Return what happened to the loop that ``action`` writes.

    Raises:
        ValueError: The recording does not hold enough of it.
    """
    target = plan.cast[action.target or ""]
    register = plan.notes[action.id, "register"]
    loop = next(loop for loop in controller_of(target.mac).loops if loop.setpoint == register)
    source = plan.cast[action.source]
    first_write, setpoints, measured = plan.end_ns, [], []
    for flow in plan.flows:
        if not isinstance(flow, TcpFlow) or flow.server is not target or not isinstance(flow.dialogue, ModbusSession):
            continue
        for part in tcp_segments(plan, flow):
            if not part.payload or not plan.begin_ns <= part.at_ns < plan.end_ns:
                continue
            function = part.payload[_FUNCTION]
            if part.sender is source and function in WRITES:
                first_write = min(first_write, part.at_ns)
            elif part.sender is target and function == READ_HOLDING:
                setpoints.append((part.at_ns, _value(target, loop.setpoint, part.payload, loop)))
            elif part.sender is target and function == READ_INPUT:
                measured.append((part.at_ns, _value(target, loop.measured, part.payload, loop)))
    earlier = [(at_ns, value) for at_ns, value in setpoints if at_ns < first_write]
    after = tuple(value for at_ns, value in sorted(measured) if at_ns > first_write)
    if not earlier or not after:
        raise ValueError(f"the recording shows nothing before or after {action.id}")
    return Course(first_write, max(earlier)[1], after)


def _value(target: Host, register: int, message: bytes, loop: Loop) -> int:
    controller = controller_of(target.mac)
    first = controller.first_setpoint if register == loop.setpoint else controller.first_measured
    place = _VALUES + 2 * (register - first)
    return int.from_bytes(message[place : place + 2])


MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("tamper", "first_write"): lambda plan, action: instant(course(plan, action).first_write_ns),
    ("tamper", "value_before"): lambda plan, action: course(plan, action).before,
    ("tamper", "extreme"): lambda plan, action: course(plan, action).extreme,
}
