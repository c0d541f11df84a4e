"""Tampering that the recording cuts off, that does nothing to see, or that an operator touches too."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.applications.plants import WRITES, ModbusSession, controller_of
from csirtlab.evidence.measures.plants import course
from csirtlab.evidence.measures.worms import arrivals
from csirtlab.evidence.model import Plan, TcpFlow
from csirtlab.evidence.sampling import SECOND

_TO_THE_END = 240 * SECOND  # the process needs time to follow
_APART = 20 * SECOND  # from any other write of that register
_SEEN = 0.2  # of the allowed setpoints' span: how far the process must move


def _tamper(scenario: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    target, register = plan.cast[action.target or ""], plan.notes[action.id, "register"]
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
    begun, source = min(flow.start_ns for flow in plan.flows if flow.label == action.id), plan.cast[action.source]
    for worm in (other for other in scenario.incident if other.verb == "telnet-worm"):
        if arrivals(plan, worm.id).get(source.address, plan.end_ns) > begun:
            yield f'"{action.id}" begins before "{worm.id}" has come to its device'
            return
    loop = next(loop for loop in controller_of(target.mac).loops if loop.setpoint == register)
    try:
        found = course(plan, action)
    except ValueError:
        yield f'nobody reads the register of "{action.id}" before it and what it does after it'
        return
    if abs(found.extreme - found.before) < _SEEN * (loop.high - loop.low):
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
    value = plan.notes[action.id, "value"]
    assert isinstance(value, int)
    return max(others, default=0) <= value


CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"tamper": _tamper}
