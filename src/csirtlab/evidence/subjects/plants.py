"""Masters of a plant's controllers: some by right, and one that is a camera."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.applications.plants import (
    IDENTIFY,
    MODBUS,
    READ_COILS,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    WRITES,
    Controller,
    Loop,
    ModbusSession,
    Order,
    controller_of,
    share_processes,
)
from csirtlab.evidence.intents import ActionContext, Connect, Intent, Output, RecordedFact
from csirtlab.evidence.measures import instant
from csirtlab.evidence.model import FactValue, FileArtifact, Host, Plan, Reply, SynProbe, TcpFlow
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.sampling import SECOND, between, bits, bounded_pareto, chance, nanoseconds, pick, shuffled, whole
from csirtlab.evidence.subjects.scanning import touch
from csirtlab.evidence.subjects.worms import arrivals

_OPEN = Closing(Ending.OPEN)
_AFTERWARDS = 5 * SECOND


def _reads(controller: Controller, what: str, due_ns: int = 0) -> Order:
    loops = len(controller.loops)
    match what:
        case "coils":
            return Order(READ_COILS, controller.first_coil, len(controller.coils), due_ns=due_ns)
        case "setpoints":
            return Order(READ_HOLDING, controller.first_setpoint, loops, due_ns=due_ns)
        case _:
            return Order(READ_INPUT, controller.first_measured, loops, due_ns=due_ns)


def _session(context: ActionContext, plc: Host, at_ns: int, orders: list[Order], closing: Closing) -> Connect:
    session = ModbusSession(plc, at_ns, tuple(orders), whole(context.rng, 1, 60_000), closing)
    return Connect(at_ns, context.host, plc, MODBUS, session, context.action.id, by_name=False)


def _poll_plant(context: ActionContext) -> Iterator[Intent]:
    rng, topology = context.rng, context.topology
    interval = nanoseconds(context.draw("interval_s"))
    for plc in context.servers:
        controller = controller_of(plc.mac)
        length = topology.end_ns - topology.begin_ns
        cuts = sorted(topology.begin_ns + int(length * rng.random()) for _ in range(context.draw_whole("reconnects")))
        opened = topology.begin_ns - nanoseconds(between(rng, 5, 60))
        for until in (*cuts, topology.end_ns + SECOND):
            orders: list[Order] = []
            due = opened + nanoseconds(bounded_pareto(rng, 0.05, 2))
            while due < until:
                first, *more = context.action.lists["reads"]
                orders += [_reads(controller, first, due), *(_reads(controller, what) for what in more)]
                # A timer of the master's system: some milliseconds late, now and then more.
                due += interval + nanoseconds(bounded_pareto(rng, 0.001, 0.12))
            if orders:
                closing = (
                    _OPEN
                    if until > topology.end_ns
                    else Closing(Ending.CLIENT_FIN, nanoseconds(bounded_pareto(rng, 0.1, 2)))
                )
                yield _session(context, plc, opened, orders, closing)
            opened = until + nanoseconds(between(rng, 4, 15))


def _operate_plant(context: ActionContext) -> Iterator[Intent]:
    rng, topology = context.rng, context.topology
    length = (topology.end_ns - topology.begin_ns) * 0.93
    for _ in range(context.draw_whole("sessions")):
        plc = pick(rng, context.servers)
        controller = controller_of(plc.mac)
        at_ns = topology.begin_ns + int(length * rng.random())
        due = at_ns + nanoseconds(bounded_pareto(rng, 0.2, 2))
        orders = [_reads(controller, what, due if what == "setpoints" else 0) for what in ("setpoints", "values")]
        for _ in range(context.draw_whole("writes")):
            due += nanoseconds(bounded_pareto(rng, 3, 40))
            orders.append(_allowed(context, controller, due))
            orders.append(
                _reads(controller, pick(rng, ("setpoints", "values")), due + nanoseconds(between(rng, 0.4, 2)))
            )
        closing = Closing(pick(rng, (Ending.CLIENT_FIN, Ending.CLIENT_RESET)), nanoseconds(bounded_pareto(rng, 1, 60)))
        yield _session(context, plc, at_ns, orders, closing)


def _allowed(context: ActionContext, controller: Controller, due_ns: int) -> Order:
    """Return a write that an operator may do."""
    rng = context.rng
    if chance(rng, 0.25):
        coil = controller.first_coil + whole(rng, 0, len(controller.coils) - 1)
        return Order(WRITE_COIL, coil, values=(whole(rng, 0, 1),), due_ns=due_ns)
    loop = pick(rng, controller.loops)
    value = whole(rng, loop.low, loop.high)
    if chance(rng, 0.4):
        return Order(WRITE_REGISTERS, loop.setpoint, values=(value,), due_ns=due_ns)
    return Order(WRITE_REGISTER, loop.setpoint, values=(value,), due_ns=due_ns)


def _tamper(context: ActionContext) -> Iterator[Intent | Output]:
    rng, target = context.rng, context.servers[0]
    at_ns = context.topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    plcs = context.others("controllers")
    for host in _found(context, plcs):
        if host in plcs:
            yield touch(context, at_ns, host, MODBUS)
        else:
            reply = Reply.NONE if host.stack.family == "windows" else Reply.CLOSED
            yield SynProbe(at_ns, context.host, host, MODBUS, reply, context.action.id, "connect")
        at_ns += nanoseconds(bounded_pareto(rng, 0.1, 3))
    looks = [what for what in ("coils", "setpoints", "values") if what == "setpoints" or chance(rng, 0.6)]
    for plc in shuffled(rng, plcs):
        controller = controller_of(plc.mac)
        at_ns += nanoseconds(bounded_pareto(rng, 1, 8))
        due = at_ns + nanoseconds(bounded_pareto(rng, 0.01, 0.3))
        orders = [Order(IDENTIFY, due_ns=due), *(_reads(controller, what) for what in looks)]
        yield _session(
            context, plc, at_ns, orders, Closing(Ending.CLIENT_FIN, nanoseconds(bounded_pareto(rng, 0.01, 1)))
        )
    at_ns += nanoseconds(context.draw("wait_s"))
    yield from _write(
        context, target, at_ns, {IDENTIFY, *(_reads(controller_of(target.mac), what).function for what in looks)}
    )


def _found(context: ActionContext, plcs: tuple[Host, ...]) -> list[Host]:
    """Return whose port it probes: all controllers, and some that are none."""
    others = [
        host
        for host in context.topology.inside
        if host not in plcs and host not in (context.host, context.topology.router)
    ]
    count = int(len(others) * context.draw("knocks"))
    return shuffled(context.rng, [*plcs, *shuffled(context.rng, others)[:count]])


def _write(context: ActionContext, target: Host, at_ns: int, functions: set[int]) -> Iterator[Intent | Output]:
    rng = context.rng
    controller = controller_of(target.mac)
    loop = pick(rng, controller.loops)
    value = _forbidden(context, loop)
    function = WRITE_REGISTER if chance(rng, 0.5) else WRITE_REGISTERS
    due = at_ns + nanoseconds(bounded_pareto(rng, 0.05, 1))
    orders = [_reads(controller, "setpoints", due)]
    for _ in range(context.draw_whole("writes")):
        due += nanoseconds(context.draw("gap_s"))
        orders.append(Order(function, loop.setpoint, values=(value,), due_ns=due))
    if chance(rng, 0.5):
        due += nanoseconds(context.draw("gap_s"))
        coil = controller.first_coil + whole(rng, 0, len(controller.coils) - 1)
        orders.append(Order(WRITE_COIL, coil, values=(0,), due_ns=due))
    yield _session(context, target, at_ns, orders, Closing(Ending.CLIENT_FIN, _AFTERWARDS + bits(rng, 33)))
    used = functions | {order.function for order in orders}
    for name, found in (
        ("functions", frozenset(map(str, used))), ("register", loop.setpoint), ("value", value),
    ):  # fmt: skip
        yield RecordedFact(context.action.id, name, found)


def _forbidden(context: ActionContext, loop: Loop) -> int:
    """Return a setpoint well above or below what is allowed."""
    span = loop.high - loop.low
    beyond = int(span * between(context.rng, 0.25, 0.9))
    below = loop.low - beyond
    return below if below > 0 and chance(context.rng, 0.5) else loop.high + beyond


def _list_tags(context: ActionContext) -> Iterator[Output]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("plc", "table", "register", "tag", "quantity", "unit", "scale", "low", "high"))
    for plc in context.servers:
        controller = controller_of(plc.mac)
        for loop in controller.loops:
            names = (loop.quantity, loop.unit, f"{loop.scale:g}")
            writer.writerow((plc.name, "holding", loop.setpoint, f"{loop.tag}.SP", *names, loop.low, loop.high))
            writer.writerow((plc.name, "input", loop.measured, f"{loop.tag}.PV", *names, "", ""))
        for number in range(len(controller.coils)):
            coil = controller.first_coil + number
            writer.writerow((plc.name, "coil", coil, f"M-{number + 1:02}.RUN", "motor runs", "", "", "", ""))
    yield FileArtifact("tags.csv", text.getvalue().encode())


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
    target = plan.named_hosts[action.target or ""]
    register = plan.recorded_facts[action.id, "register"]
    loop = next(loop for loop in controller_of(target.mac).loops if loop.setpoint == register)
    source = plan.named_hosts[action.source]
    first_write, setpoints, measured = plan.end_ns, [], []
    for flow in plan.flows:
        if not isinstance(flow, TcpFlow) or flow.server is not target or not isinstance(flow.dialogue, ModbusSession):
            continue
        for part in simulated(plan, flow).segments:
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


_TO_THE_END = 240 * SECOND  # the process needs time to follow
_APART = 20 * SECOND  # from any other write of that register
_SEEN = 0.2  # of the allowed setpoints' span: how far the process must move


def _tamper_ambiguities(scenario: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    target, register = plan.named_hosts[action.target or ""], plan.recorded_facts[action.id, "register"]
    sessions = [
        flow
        for flow in plan.flows
        if isinstance(flow, TcpFlow) and flow.server is target and isinstance(flow.dialogue, ModbusSession)
    ]
    writes: dict[bool, list[int]] = {True: [], False: []}  # the action's, others'
    for flow in sessions:
        assert isinstance(flow.dialogue, ModbusSession)
        for order in flow.dialogue.orders:
            if any(not change.is_coil and change.address == register for change in order.changes()):
                writes[flow.label == action.id].append(order.due_ns)
    if _is_largest(plan, action):
        yield f'"{action.id}" writes the largest value of all'
    if _first_written(plan) == register:
        yield f'the first write of all goes to the register of "{action.id}"'
    mine, others = writes[True], writes[False]
    if not mine or max(mine) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'
        return
    if any(at_ns > min(mine) - _APART for at_ns in others):
        yield f'others than "{action.id}" write its register, too'
        return
    begun, source = (
        min(flow.start_ns for flow in plan.flows if flow.label == action.id),
        plan.named_hosts[action.source],
    )
    for worm in (other for other in scenario.incident if other.verb == "telnet-worm"):
        if arrivals(plan, worm.id).get(source.address, plan.end_ns) > begun:
            yield f'"{action.id}" begins before "{worm.id}" has come to its device'
            return
    loop = next(loop for loop in controller_of(target.mac).loops if loop.setpoint == register)
    try:
        process = course(plan, action)
    except ValueError:
        yield f'nobody reads the register of "{action.id}" before it and what it does after it'
        return
    if abs(process.extreme - process.before) < _SEEN * (loop.high - loop.low):
        yield f'"{action.id}" does nothing that is seen'


def _first_written(plan: Plan) -> int:
    """Return the address that the first write of the recording names, whoever sends it; -1 where nobody writes."""
    writes = (
        (order.due_ns or flow.start_ns, order.address)
        for flow in plan.flows
        if isinstance(flow, TcpFlow) and isinstance(flow.dialogue, ModbusSession)
        for order in flow.dialogue.orders
        if order.function in WRITES
    )
    return min(writes, default=(0, -1))[1]


def _is_largest(plan: Plan, action: Action) -> bool:
    """Say whether nobody else writes as large a value to a register; then it would be found without looking."""
    others = [
        change.value
        for flow in plan.flows
        if isinstance(flow, TcpFlow) and isinstance(flow.dialogue, ModbusSession) and flow.label != action.id
        for order in flow.dialogue.orders
        for change in order.changes()
        if not change.is_coil
    ]
    value = plan.recorded_facts[action.id, "value"]
    assert isinstance(value, int)
    return max(others, default=0) <= value


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {
    "list-tags": _list_tags,
    "operate-plant": _operate_plant,
    "poll-plant": _poll_plant,
    "tamper": _tamper,
}
MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("tamper", "first_write"): lambda plan, action: instant(course(plan, action).first_write_ns),
    ("tamper", "value_before"): lambda plan, action: course(plan, action).before,
    ("tamper", "extreme"): lambda plan, action: course(plan, action).extreme,
}
CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"tamper": _tamper_ambiguities}
INTENT_STEPS: Mapping[str, Callable[[Sequence[Intent]], list[Intent]]] = {"processes": share_processes}
