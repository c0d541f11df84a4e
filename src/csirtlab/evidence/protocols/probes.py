"""SYNs that port scanners send, and what comes back; and connections in which nothing is said."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from csirtlab.evidence.model import Host, Plan, Reply, Segment, SynProbe
from csirtlab.evidence.protocols.dialogues import Closing, Turn
from csirtlab.evidence.sampling import SECOND, bits, bounded_pareto, whole
from csirtlab.evidence.seeds import stream

_SYN, _RST, _ACK = 0x02, 0x04, 0x10

TOOLS = ("nmap", "masscan", "connect")
"""``nmap -sS`` and masscan write SYNs of their own; "connect" is a program that calls connect(2), here in vain."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A connection is made and closed: the program wants to know whether the port is open, and no more."""

    closing: Closing
    keeps_records: ClassVar[bool] = False

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield nothing."""
        del rng
        yield from ()


def probe_segments(plan: Plan, probe: SynProbe) -> list[Segment]:
    """Return the SYN, its answer, and the reset with which the scanner's system refuses a SYN-ACK.

    Source: nmap's tcpip.cc and output of ``nmap -sS`` (window 1024, one MSS option, random TTL 37 to 59);
    masscan's templ-pkt.c (window 1024, no options, TTL 255).
    """
    rng = stream(plan.seed, "knock", str(probe.index))
    client, server = probe.host, probe.server
    far = server if client.inside else client
    begin = bits(rng, 32)
    stack = client.stack
    ttl, window, options, ident = stack.ttl, stack.window, b"", bits(rng, 16)

    def ticks_at(at_ns: int) -> int:
        return client.ticks + (at_ns - plan.begin_ns) // 1_000_000

    match probe.tool:
        case "nmap":
            ttl, window, options = whole(rng, 37, 59) + client.link.hops, 1024, b"\x02\x04\x05\xb4"
        case "masscan":
            ttl, window = 255, 1024
        case _:
            options = stack.syn_options(client.link.mss, ticks_at(probe.at_ns))

    def segment(at_ns: int, *, by_client: bool, flags: int, **more: object) -> Segment:
        sender, receiver = (client, server) if by_client else (server, client)
        ports = (probe.client_port, probe.port) if by_client else (probe.port, probe.client_port)
        fields: dict[str, object] = {
            "ttl": sender.stack.ttl - sender.link.hops, "identification": 0, "dont_fragment": True, "options": b"",
        } | more  # fmt: skip
        return Segment(at_ns, sender, receiver.mac, receiver.address, *ports, b"", flags=flags, **fields)  # type: ignore[arg-type]  # the fields above hold the right types

    made = probe.tool != "connect"
    opening = {
        "sequence": begin, "options": options, "window": window, "ttl": ttl - client.link.hops,
        "identification": ident, "dont_fragment": not made,
    }  # fmt: skip
    out = [segment(probe.at_ns, by_client=True, flags=_SYN, **opening)]
    if probe.reply is Reply.NONE:
        if not made:  # the kernel sends the same SYN again (RFC 6298, 2.1), then the program gives up
            again = probe.at_ns + SECOND + whole(rng, 0, 30_000_000)
            opening |= {
                "options": stack.syn_options(client.link.mss, ticks_at(again)),
                "identification": ident + 1 & 0xFFFF,
            }
            out.append(segment(again, by_client=True, flags=_SYN, **opening))
        return out
    back = probe.at_ns + _trip(rng, server, far)
    if probe.reply is Reply.CLOSED:
        out.append(segment(back, by_client=False, flags=_RST | _ACK, acknowledgment=begin + 1 & 0xFFFFFFFF))
        return out
    theirs = bits(rng, 32)
    answered = server.stack.syn_ack_options(server.link.mss, 0, 0, timestamps=False)
    out.append(
        segment(
            back, by_client=False, flags=_SYN | _ACK, sequence=theirs, acknowledgment=begin + 1 & 0xFFFFFFFF,
            options=answered, window=server.stack.window,
        )
    )  # fmt: skip
    # The scanner's kernel never asked for this connection (RFC 9293, 3.10.7.1).
    out.append(
        segment(back + _trip(rng, client, far), by_client=True, flags=_RST, sequence=begin + 1 & 0xFFFFFFFF, window=0)
    )
    return out


def _trip(rng: Random, to: Host, far: Host) -> int:
    """Return the time from a packet to ``to`` until its answer, both at the sensor."""
    if to is far:
        return int(to.link.rtt_ns * (1 + bounded_pareto(rng, 0.002, 0.4)))
    return int(to.link.rtt_ns * bounded_pareto(rng, 0.25, 4))
