"""Port scans: slow and wide, quick and narrow; and monitoring servers, which do the like of both by right."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.intents import ActionContext, Connect, Intent, Output, RecordedFact
from csirtlab.evidence.model import Host, Plan, Reply, SynProbe
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.probes import Silence
from csirtlab.evidence.sampling import SECOND, between, bounded_pareto, chance, nanoseconds, pick, shuffled, whole

_WELL_KNOWN = tuple(range(1, 1024))
_REGISTERED = (
    1080, 1433, 1521, 1723, 2049, 2121, 3000, 3128, 3306, 3389, 4443, 5000, 5060, 5432, 5800, 5900, 5985, 6000, 6379,
    7001, 8000, 8008, 8080, 8081, 8443, 8888, 9000, 9090, 9100, 9200, 10000, 11211, 27017, 32768, 49152,
)  # fmt: skip


_AGENT = 10_050  # of the monitoring, on every machine that can run one
_SERVICES: Mapping[str, tuple[int, ...]] = {  # by what a role says
    "domain controller": (53, 88, 135, 139, 389, 445, 464, 593, 636, 3268, 3269, 5985, 9389),
    "web": (22, 80, 443),
    "SSH": (22,),
    "file": (22,),
    "monitoring": (22, 443),
    "printer": (80, 443, 515, 631, 9100),
}


def _services(host: Host) -> frozenset[int]:
    """Return the ports that a host has open for everybody, whoever looks."""
    by_role = (port for word, ports in _SERVICES.items() if word in host.role for port in ports)
    return frozenset((*by_role, *(() if "printer" in host.role else (_AGENT,))))


def _sweep(context: ActionContext) -> Iterator[Intent | Output]:
    rng, topology = context.rng, context.topology
    listed = [host for host in topology.inside if host is not context.host and host is not topology.router]
    hosts = shuffled(rng, listed)[: max(6, int(len(listed) * context.draw("share")))]
    port = int(pick(rng, context.action.lists["ports"]))
    at_ns = topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    for host in hosts:
        yield SynProbe(at_ns, context.host, host, port, _answer(context, host, port), context.action.id, "nmap")
        at_ns += nanoseconds(context.draw("gap_s"))
    yield RecordedFact(context.action.id, "hosts", frozenset(host.address for host in hosts))
    yield RecordedFact(context.action.id, "port", port)


def _answer(context: ActionContext, host: Host, port: int) -> Reply:
    """Return what a host does with a SYN to a port."""
    if port in _services(host):
        return Reply.OPEN
    # Windows' firewall drops, others refuse.
    return Reply.NONE if host.stack.family == "windows" or chance(context.rng, 0.15) else Reply.CLOSED


def _port_scan(context: ActionContext) -> Iterator[Intent | Output]:
    rng, host, target = context.rng, context.host, context.servers[0]
    candidates = [int(port) for port in context.action.lists["candidates"]]
    is_open = {22, *shuffled(rng, candidates)[: context.draw_whole("open")]}
    pool = shuffled(rng, [port for port in (*_WELL_KNOWN, *_REGISTERED) if port not in is_open])
    count = context.draw_whole("ports")
    ports = shuffled(rng, [*is_open, *pool[: count - len(is_open)]])
    # nmap sends all from one port, and what it repeats from the next.
    source = whole(rng, 33_000, 65_000)
    filtered = {port for port in ports if port not in is_open and chance(rng, 0.06)}
    at_ns = context.topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    gap = SECOND / context.draw("rate")
    for port in ports:
        reply = Reply.OPEN if port in is_open else Reply.NONE if port in filtered else Reply.CLOSED
        yield SynProbe(at_ns, host, target, port, reply, context.action.id, "nmap", client_port=source)
        if reply is Reply.NONE:
            again = at_ns + nanoseconds(between(rng, 1.0, 1.3))
            yield SynProbe(again, host, target, port, reply, context.action.id, "nmap", client_port=source + 1)
        at_ns += int(bounded_pareto(rng, gap * 0.25, gap * 20))
    yield RecordedFact(context.action.id, "open_ports", frozenset(map(str, is_open)))


def touch(context: ActionContext, at_ns: int, server: Host, port: int) -> Connect:
    """Return the intent to see whether an open port is open: a whole connection in which nothing is said."""
    closing = Closing(pick(context.rng, (Ending.CLIENT_FIN, Ending.CLIENT_RESET)))
    return Connect(at_ns, context.host, server, port, Silence(closing), context.action.id, by_name=False)


def _monitor(context: ActionContext) -> Iterator[Intent | Output]:
    rng, topology = context.rng, context.topology
    others = [host for host in topology.inside if host is not context.host and host is not topology.router]
    watched = shuffled(rng, others)[: context.draw_whole("hosts")]
    ports = {host.address: _looked_at(context, host, whole(rng, 1, 2)) for host in watched}
    yield from _rounds(context, [(host, port) for host in watched for port in ports[host.address]], (0.02, 1.5))


def _check_services(context: ActionContext) -> Iterator[Intent | Output]:
    server = context.servers[0]
    ports = _looked_at(context, server, context.draw_whole("services"))
    yield from _rounds(context, [(server, port) for port in ports], (0.004, 0.4))


def _looked_at(context: ActionContext, host: Host, count: int) -> list[int]:
    """Return some of the action's ports that the host has open: what it does not have, nobody watches."""
    there = _services(host)
    return [port for port in map(int, shuffled(context.rng, context.action.lists["ports"])) if port in there][:count]


def _rounds(context: ActionContext, doors: list[tuple[Host, int]], gap_s: tuple[float, float]) -> Iterator[Intent]:
    rng, topology = context.rng, context.topology
    interval = context.draw("interval_s")
    round_at = topology.begin_ns + nanoseconds(interval * rng.random())
    while round_at < topology.end_ns:
        at_ns = round_at
        for host, port in doors:
            yield touch(context, at_ns, host, port)
            at_ns += nanoseconds(bounded_pareto(rng, *gap_s))
        round_at += nanoseconds(interval * between(rng, 0.99, 1.01))


_TO_THE_END = 3 * SECOND


def _sweep_ambiguities(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    probed = [flow for flow in plan.flows if isinstance(flow, SynProbe) and flow.label == action.id]
    hosts = plan.recorded_facts[action.id, "hosts"]
    if hosts != frozenset(probe.server.address for probe in probed):
        yield f'"{action.id}" is still going on when the recording ends'


def _port_scan_ambiguities(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    probed = [flow.at_ns for flow in plan.flows if isinstance(flow, SynProbe) and flow.label == action.id]
    if not probed or max(probed) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {
    "check-services": _check_services,
    "monitor": _monitor,
    "port-scan": _port_scan,
    "sweep": _sweep,
}
CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {
    "port-scan": _port_scan_ambiguities,
    "sweep": _sweep_ambiguities,
}
