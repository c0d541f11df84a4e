"""The packets of a plan as scapy objects, written by scapy: what the engine's writer is measured against."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from csirtlab.evidence.capture import Framer, Packet
from csirtlab.evidence.model import Plan, RawFrame, Segment
from csirtlab.evidence.sampling import SECOND


@dataclass(frozen=True)
class _Values:
    """What a packet holds, in scapy's terms; read off once, so that only writing is timed."""

    at_ns: int
    ethernet: dict[str, Any]
    ip: dict[str, Any]
    tcp: dict[str, Any] | None
    udp: dict[str, Any] | None
    payload: bytes
    raw: bytes = b""


class ScapyWriter:
    """Writes packets as a script with scapy does: objects in layers, then ``PcapWriter``."""

    def __init__(self, plan: Plan, packets: Sequence[Packet]) -> None:
        # Import and the first packet load scapy's layers; neither is what is measured.
        from scapy.layers.inet import IP, TCP, UDP
        from scapy.layers.l2 import Ether

        framer = Framer(plan)
        self._layers = (Ether, IP, TCP, UDP)
        self._values = [_values(packet, framer.pack(packet), Ether, IP) for packet in packets]

    def write(self, path: Path) -> None:
        """Build every packet and write it, with nanoseconds."""
        from scapy.layers.l2 import Ether as RawEther
        from scapy.packet import Padding, Raw
        from scapy.utils import PcapWriter

        ether, ip, tcp, udp = self._layers
        with PcapWriter(str(path), nano=True, sync=False, linktype=1) as file:
            for values in self._values:
                packet: Any
                if values.raw:
                    packet = RawEther(values.raw)
                else:
                    transport = tcp(**values.tcp) if values.tcp is not None else udp(**(values.udp or {}))
                    packet = ether(**values.ethernet) / ip(**values.ip) / transport
                    if values.payload:
                        packet = packet / Raw(values.payload)
                    if (short := 60 - 14 - len(packet[ip])) > 0:
                        packet = packet / Padding(bytes(short))
                packet.time = Decimal(values.at_ns) / SECOND
                file.write(packet)


def _values(packet: Packet, frame: bytes, ether: Any, ip: Any) -> _Values:
    if isinstance(packet, RawFrame):
        return _Values(packet.at_ns, {}, {}, None, None, b"", raw=packet.content)
    assert isinstance(packet, Segment)
    read = ether(frame)
    found = read[ip]
    layer = found.payload
    common = {"sport": packet.sender_port, "dport": packet.target_port}
    is_tcp = packet.options is not None
    return _Values(
        packet.at_ns,
        {"src": read.src, "dst": read.dst},
        {"src": found.src, "dst": found.dst, "ttl": found.ttl, "id": found.id, "flags": found.flags},
        common | {
            "seq": packet.sequence, "ack": packet.acknowledgment, "flags": packet.flags, "window": packet.window,
            "options": layer.options,
        } if is_tcp else None,
        None if is_tcp else common,
        packet.payload,
    )  # fmt: skip
