"""``capture.pcap``: the packets of a plan in order, packed with valid checksums."""

import heapq
import ipaddress
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from csirtlab.evidence.model import Datagram, Flow, Host, Plan, RawFrame, Segment, SynProbe, TcpFlow
from csirtlab.evidence.protocols.probes import probe_segments
from csirtlab.evidence.protocols.stacks import Identification
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.sampling import SECOND, bits, whole
from csirtlab.evidence.seeds import stream

# libpcap's file format with nanoseconds (pcap-savefile(5)), Ethernet.
_FILE_HEAD = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
_RECORD = struct.Struct("<IIII")
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")
_UDP = struct.Struct("!HHHH")
_TCP_NUMBER, _UDP_NUMBER = 6, 17
_DONT_FRAGMENT = 0x4000
_SHORTEST = 60  # bytes of an Ethernet frame without its check sequence; switches never pass on less

Packet = Segment | RawFrame


def write_capture(plan: Plan, file: BinaryIO) -> int:
    """Write the plan's packets as a nanosecond pcap; return how many.

    Memory holds only the flows that are open at one time.
    """
    return write_packets(Framer(plan), packets(plan), file)


def write_packets(frames: "Framer", passing: Iterable[Packet], file: BinaryIO) -> int:
    """Write packets as a nanosecond pcap; return how many."""
    file.write(_FILE_HEAD)
    count = 0
    for packet in passing:
        frame = frames.pack(packet)
        seconds, rest = divmod(packet.at_ns, SECOND)
        file.write(_RECORD.pack(seconds, rest, len(frame), len(frame)))
        file.write(frame)
        count += 1
    return count


def packets(plan: Plan) -> Iterator[Packet]:
    """Yield the packets of all flows in the order in which they pass the sensor."""
    return (packet for _, packet in labelled_packets(plan))


def labelled_packets(plan: Plan) -> Iterator[tuple[str, Packet]]:
    """Yield the packets in their order, each after the id of the action that wanted it."""
    waiting: list[tuple[int, int, str, Packet]] = []
    number = 0
    for flow in plan.flows:
        while waiting and waiting[0][0] < flow.start_ns:
            yield heapq.heappop(waiting)[2:]
        for packet in expand(plan, flow):
            # Clipped: a sensor that is switched off sees nothing of what follows.
            if plan.begin_ns <= packet.at_ns < plan.end_ns:
                heapq.heappush(waiting, (packet.at_ns, number, flow.label, packet))
                number += 1
    while waiting:
        yield heapq.heappop(waiting)[2:]


def expand(plan: Plan, flow: Flow) -> Iterator[Packet]:
    """Yield the packets of one flow."""
    if isinstance(flow, TcpFlow):
        yield from simulated(plan, flow).segments
        return
    if isinstance(flow, SynProbe):
        yield from probe_segments(plan, flow)
        return
    rng = stream(plan.seed, "identification", str(flow.start_ns))
    for part in flow.parts:
        if isinstance(part, RawFrame):
            yield part
        else:
            yield _udp_segment(part, bits(rng, 16))


def _udp_segment(datagram: Datagram, identification: int) -> Segment:
    sender = datagram.sender
    counts = sender.stack.identification is Identification.COUNTER and sender.inside
    # Linux and macOS forbid fragments for most datagrams, Windows does not.
    return Segment(
        at_ns=datagram.at_ns,
        sender=sender,
        target_mac=datagram.target_mac,
        target=datagram.target,
        sender_port=datagram.sender_port,
        target_port=datagram.target_port,
        payload=datagram.payload,
        ttl=datagram.ttl or sender.stack.ttl - sender.link.hops,
        identification=-1 if counts else identification,
        dont_fragment=sender.stack.family == "linux",
        options=None,
    )


def frame_length(packet: Segment) -> int:
    """Return the length of the frame that carries ``packet``."""
    transport = 8 if packet.options is None else 20 + len(packet.options)
    return max(_SHORTEST, 34 + transport + len(packet.payload))


class Framer:
    """Packs packets into frames; remembers the identification counters of hosts."""

    def __init__(self, plan: Plan) -> None:
        self._seed = plan.seed
        self._counters: dict[str, int] = {}
        self._addresses: dict[str, bytes] = {}

    def pack(self, packet: Packet) -> bytes:
        """Return the frame as it passes the sensor."""
        if isinstance(packet, RawFrame):
            return packet.content
        source, target = self._address(packet.sender.address), self._address(packet.target)
        pair = source + target
        transport = _pack_udp(packet, pair) if packet.options is None else _pack_tcp(packet, pair)
        identification = self.identification(packet)
        flags = _DONT_FRAGMENT if packet.dont_fragment else 0
        length = 20 + len(transport)
        number = _UDP_NUMBER if packet.options is None else _TCP_NUMBER
        fields = (0x45, 0, length, identification, flags, packet.ttl, number)
        head = _IPV4.pack(*fields, 0, source, target)
        head = _IPV4.pack(*fields, checksum(head), source, target)
        frame = packet.target_mac + packet.sender.mac + b"\x08\x00" + head + transport
        return frame if len(frame) >= _SHORTEST else frame.ljust(_SHORTEST, b"\x00")

    def identification(self, packet: Segment) -> int:
        """Return what the packet carries; of a host that counts, the next number, so ask once for each packet."""
        counted = packet.identification < 0
        return self._next(packet.sender, packet.target) if counted else packet.identification

    def _address(self, text: str) -> bytes:
        packed = self._addresses.get(text)
        if packed is None:
            packed = self._addresses[text] = ipaddress.IPv4Address(text).packed
        return packed

    def _next(self, host: Host, target: str) -> int:
        # Windows 8 and later count each path by itself, smaller systems everything.
        path = f"{host.address} {target}" if host.stack.family == "windows" else host.address
        if path not in self._counters:
            self._counters[path] = whole(stream(self._seed, "counter", path), 1, 0xFFFF)
        self._counters[path] = self._counters[path] % 0xFFFF + 1
        return self._counters[path]


def checksum(content: bytes) -> int:
    """Return the Internet checksum (RFC 1071).

    The sum of 16-bit words with end-around carry is the number modulo 65535; a sum of zero words
    is 0, any other multiple of 65535 is 0xFFFF.
    """
    if len(content) % 2:
        content += b"\x00"
    number = int.from_bytes(content)
    rest = number % 0xFFFF
    return 0xFFFF - (rest if rest or not number else 0xFFFF)


def _pack_tcp(packet: Segment, pair: bytes) -> bytes:
    options, payload = packet.options or b"", packet.payload
    length = 20 + len(options) + len(payload)
    fields = (
        packet.sender_port, packet.target_port, packet.sequence, packet.acknowledgment,
        (5 + len(options) // 4) << 4, packet.flags, packet.window,
    )  # fmt: skip
    rest = options + payload
    pseudo = pair + struct.pack("!HH", _TCP_NUMBER, length)
    return _TCP.pack(*fields, checksum(pseudo + _TCP.pack(*fields, 0, 0) + rest), 0) + rest


def _pack_udp(packet: Segment, pair: bytes) -> bytes:
    length = 8 + len(packet.payload)
    pseudo = pair + struct.pack("!HH", _UDP_NUMBER, length)
    head = _UDP.pack(packet.sender_port, packet.target_port, length, 0)
    total = checksum(pseudo + head + packet.payload)
    # RFC 768: zero means "none", so a sum of zero is sent as 0xFFFF.
    return _UDP.pack(packet.sender_port, packet.target_port, length, total or 0xFFFF) + packet.payload
