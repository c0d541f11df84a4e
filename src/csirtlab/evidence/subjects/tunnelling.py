"""Data that leaves in DNS questions; antivirus and cloud names that look like it; the resolver's log."""

import base64
import datetime as dt
import hashlib
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from random import Random

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.intents import ActionContext, Ask, Intent, Output, RecordedFact
from csirtlab.evidence.measures import instant
from csirtlab.evidence.model import Datagram, Exchange, FactValue, FileArtifact, Host, Plan
from csirtlab.evidence.protocols import dns
from csirtlab.evidence.sampling import (
    SECOND,
    between,
    bits,
    bounded_pareto,
    chance,
    nanoseconds,
    noise,
    pick,
    shuffled,
    whole,
)
from csirtlab.evidence.seeds import stream

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NAMES = {number: name for name, number in dns.KINDS.items()}
_DOMAIN_PORT = 53
LOG = "queries.log"


def _tunnel(context: ActionContext) -> Iterator[Intent | Output]:
    rng, topology, domain = context.rng, context.topology, context.servers[0].name
    content = noise(rng, int(context.draw("file_bytes")))
    encoding = pick(rng, ("base32", "hex"))
    kinds = shuffled(rng, sorted(context.action.lists["kinds"]))[
        : whole(rng, 1, min(3, len(context.action.lists["kinds"])))
    ]
    session = f"{bits(rng, 16):04x}"
    names = list(_data_names(context, content, encoding, session))
    poll = context.draw("poll_s")
    at_ns = topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    orders_come = at_ns + nanoseconds(poll * between(rng, 6, 16))
    used: set[str] = set()
    ttl_s = pick(rng, (30, 60, 120, 300))

    def ask(name: str) -> Ask:
        # Each type is used once before chance decides: what is asked for is what is there.
        kind = next((kind for kind in kinds if kind not in used), pick(rng, kinds))
        used.add(kind)
        records = _orders(context, kind, domain)
        return Ask(at_ns, context.host, f"{name}.{domain}", dns.KINDS[kind], records, ttl_s, context.action.id)

    while at_ns < orders_come:
        yield ask(f"k{session}{bits(rng, 24):06x}")
        at_ns += nanoseconds(poll * between(rng, 0.8, 1.25))
    for name in names:
        yield ask(name)
        at_ns += nanoseconds(context.draw("gap_s") * between(rng, 0.4, 1.6))
    for _ in range(whole(rng, 3, 9)):
        yield ask(f"k{session}{bits(rng, 24):06x}")
        at_ns += nanoseconds(poll * between(rng, 0.8, 1.25))
    for name, value in (
        ("kinds", frozenset(kinds)),
        ("encoding", encoding),
        ("file_bytes", len(content)),
        ("file_hash", hashlib.sha256(content).hexdigest()),
    ):
        yield RecordedFact(context.action.id, name, value)


def _data_names(context: ActionContext, content: bytes, encoding: str, session: str) -> Iterator[str]:
    """Yield names in the order of the file, some twice: d, session, part number, nonce, then labels with data."""
    rng = context.rng
    text = content.hex() if encoding == "hex" else base64.b32encode(content).decode().rstrip("=").lower()
    length, labels = int(context.draw("label_bytes")), context.draw_whole("labels")
    # Whole bytes in every part: 8 characters of base32 are 5 bytes, 2 of hexadecimal digits are 1.
    room = length * labels // 8 * 8
    for number, start in enumerate(range(0, len(text), room)):
        part = text[start : start + room]
        data = ".".join(part[at : at + length] for at in range(0, len(part), length))
        for _ in range(2 if chance(rng, context.draw("again")) else 1):
            yield f"d{session}{number:04x}{bits(rng, 12):03x}.{data}"


def _orders(context: ActionContext, kind: str, domain: str) -> tuple[dns.Record, ...]:
    """Return the answer's record: a few bytes for the implant, in the form of the type."""
    rng = context.rng
    token = noise(rng, whole(rng, 3, 12))
    match kind:
        case "TXT":
            return (dns.text_record(base64.b64encode(token)),)
        case "CNAME":
            return (dns.Name(f"{token.hex()}.{domain}"),)
        case "MX":
            return (dns.Name(f"{token.hex()}.{domain}", b"\x00\x0a"),)
        case "NULL":
            return (token,)
        case _:
            return (b"\xc6\x12" + bytes([whole(rng, 0, 254), whole(rng, 1, 254)]),)  # of 198.18.0.0/15


def _reputation_checks(context: ActionContext) -> Iterator[Intent]:
    rng, server = context.rng, context.servers[0]
    length = int(context.draw("hash_bytes"))
    known = [noise(rng, length).hex() for _ in range(40)]
    for sitting in context.times(context.draw("times_per_hour") / 4):
        at_ns = sitting
        for _ in range(whole(rng, 1, 7)):
            digits = pick(rng, known) if chance(rng, 0.2) else noise(rng, length).hex()
            labels = ".".join(digits[at : at + 32] for at in range(0, len(digits), 32))
            kind = "TXT" if chance(rng, 0.3) else "A"
            # 127.0.0.2 and up: what is thought of the file, as DNS lists say it (RFC 5782, 2.1).
            verdict = bytes([127, 0, 0, whole(rng, 2, 8)])
            record = dns.text_record(b"v=1 score=%d" % whole(rng, 0, 100)) if kind == "TXT" else verdict
            name = f"{labels}.{whole(rng, 1, 4)}.{server.name}"
            yield Ask(at_ns, context.host, name, dns.KINDS[kind], (record,), 300, context.action.id)
            at_ns += nanoseconds(bounded_pareto(rng, 0.01, 3))


def _long_names(context: ActionContext) -> Iterator[Intent]:
    rng, server = context.rng, context.servers[0]
    for at_ns in context.times(context.draw("times_per_hour")):
        token = base64.b32encode(noise(rng, 105)).decode().rstrip("=").lower()
        labels = ".".join(token[at : at + 56] for at in range(0, len(token), 56))
        address = ipaddress.IPv4Address(server.address).packed
        yield Ask(at_ns, context.host, f"{labels}.{server.name}", dns.A, (address,), 60, context.action.id)


def _log_queries(context: ActionContext) -> Iterator[Output]:
    resolver = context.host
    yield FileArtifact(
        LOG,
        lambda plan: "".join(f"{text}\n" for _, text in _query_log(plan, resolver)).encode(),
        lambda plan: _query_log(plan, resolver),
    )


def _query_log(plan: Plan, resolver: Host) -> list[tuple[str, str]]:
    """Return what BIND 9.18 writes with ``category queries``: action and line of each question, times in UTC.

    Source: BIND 9 Administrator Reference Manual, "queries" logging category.
    """
    rng = stream(plan.seed, "clients of the resolver", resolver.name)
    clients = _pointers(rng)
    lines = []
    for flow in plan.flows:
        for part in flow.parts if isinstance(flow, Exchange) else ():
            if not isinstance(part, Datagram) or part.target != resolver.address or part.target_port != _DOMAIN_PORT:
                continue
            asked = dns.question_of(part.payload)
            if asked is None or not plan.begin_ns <= part.at_ns < plan.end_ns:
                continue
            name, kind = asked
            written = _EPOCH + dt.timedelta(microseconds=(part.at_ns + resolver.clock_ns) // 1000)
            thousandths = written.microsecond // 1000
            text = (
                f"{written:%d-%b-%Y %H:%M:%S}.{thousandths:03} queries: info: client @{pick(rng, clients)} "
                f"{part.sender.address}#{part.sender_port} ({name}): query: {name} IN {_NAMES[kind]} + "
                f"({resolver.address})"
            )
            lines.append((part.at_ns, text, flow.label))
    return [(label, text) for _, text, label in sorted(lines)]


def _pointers(rng: Random) -> tuple[str, ...]:
    """Return where BIND keeps what it knows of a client: it has some forty such places, and uses them again.

    They lie in a few arenas of glibc's malloc, each of which begins at a multiple of 64 MiB.
    """
    arenas = [0x7F0000000000 + (bits(rng, 13) << 26) + (bits(rng, 1) << 39) for _ in range(whole(rng, 2, 4))]
    return tuple(f"0x{pick(rng, arenas) + whole(rng, 0x100, 0x3FFFF) * 8:012x}" for _ in range(whole(rng, 34, 46)))


def _queries(plan: Plan, action: Action) -> list[Exchange]:
    return [flow for flow in plan.flows if isinstance(flow, Exchange) and flow.label == action.id]


def _first_query(plan: Plan, action: Action) -> dt.datetime:
    return instant(min(query.start_ns for query in _queries(plan, action)))


_TO_THE_END = 20 * SECOND


def _tunnel_ambiguities(_: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    asked = [flow.start_ns for flow in plan.flows if isinstance(flow, Exchange) and flow.label == action.id]
    # What lies beyond the end is not in the plan any more: a tunnel that stops this near it may have been cut.
    if not asked or max(asked) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'


ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {
    "log-queries": _log_queries,
    "long-names": _long_names,
    "reputation-checks": _reputation_checks,
    "tunnel": _tunnel,
}
MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("tunnel", "first_query"): _first_query,
    ("tunnel", "queries"): lambda plan, action: len(_queries(plan, action)),
}
CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"tunnel": _tunnel_ambiguities}
