"""TCP as it passes a sensor on the LAN: a dialogue becomes segments with times."""

from bisect import bisect_right
from random import Random

from csirtlab.evidence.model import Connection, Host, Plan, Segment, TcpFlow
from csirtlab.evidence.protocols.dialogues import Closing, Ending, Record
from csirtlab.evidence.protocols.stacks import Identification, sack_option, timestamp_option
from csirtlab.evidence.sampling import SECOND, between, bits, bounded_pareto, chance, whole
from csirtlab.evidence.seeds import stream

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_MILLISECOND = 1_000_000
_FIRST_FLIGHT = 10  # segments (RFC 6928)
_LARGEST_FLIGHT = 44
_LARGEST_WINDOW = 3 << 20  # bytes to which a receiver's buffer grows by itself


def simulated(plan: Plan, flow: TcpFlow) -> Connection:
    """Return ``flow`` as it passes the sensor, simulated once while the plan's cache keeps it."""
    connection = plan.connections.get(flow)
    if connection is None:
        connection = _Simulation(plan, flow).run()
        plan.connections.keep(flow, connection)
    return connection


class _Side:
    """One end of the connection, and what the sensor has seen of it."""

    def __init__(self, host: Host, port: int, rng: Random) -> None:
        self.host = host
        self.port = port
        self.stack = host.stack
        self.sequence = bits(rng, 32)
        self.clock_ns = 0  # its last packet; what it sends next comes after
        self.sent_ns: list[int] = []  # when its packets passed
        self.offered = 0  # the last window after the handshake
        self.received = 0  # bytes that it has acknowledged
        self.begins_at = 0  # the peer's sequence number from which they count
        self.flight = _FIRST_FLIGHT
        self.owes_ack = False
        socket = host.stack.identification is Identification.SOCKET
        self.identification = bits(rng, 16) if socket else -1 if host.inside else bits(rng, 16)
        if host.stack.identification is Identification.ZERO:
            self.identification = 0

    def next_window(self, acknowledgment: int, unread: float) -> int:
        """Return what it offers with an acknowledgment; ``unread`` is the share of the new bytes still in its buffer.

        The right edge never moves back (RFC 9293, 3.8.6), and the buffer grows with what arrives.
        """
        received = (acknowledgment - self.begins_at) & 0xFFFFFFFF
        fresh = max(0, received - self.received)
        self.received = max(self.received, received)
        most = self.stack.settled
        if self.stack.scale:
            grown = most + (2 * self.received >> self.stack.scale)
            most = max(most, min(grown, _LARGEST_WINDOW >> self.stack.scale, 0xFFFF))
        if fresh or not self.offered:
            self.offered = max(self.offered, most) - int((fresh >> self.stack.scale) * unread)
        elif unread < 0.5:  # the program has read meanwhile
            self.offered = max(self.offered, most)
        return self.offered

    def next_identification(self) -> int:
        if self.identification <= 0:
            return self.identification
        self.identification = self.identification % 0xFFFF + 1
        return self.identification


class _Simulation:
    def __init__(self, plan: Plan, flow: TcpFlow) -> None:
        rng = stream(plan.seed, "flow", str(flow.index))
        self.flow = flow
        self.begin_ns = plan.begin_ns
        self.rng = rng
        self.client = _Side(flow.client, flow.client_port, rng)
        self.server = _Side(flow.server, flow.server_port, rng)
        self.timestamps = flow.client.stack.has_timestamps and flow.server.stack.has_timestamps
        self.mss = min(flow.client.link.mss, flow.server.link.mss)
        self.room = self.mss - (12 if self.timestamps else 0)
        # The end that lies behind the longer way: outside; of two inside, the server.
        self.far = self.client if flow.server.inside and not flow.client.inside else self.server
        link = self.far.host.link
        # Each connection has a delay of its own: other routes, other queues; on a LAN, how busy the server is.
        near = self.far.host.inside
        self.rtt_ns = int(link.rtt_ns * (bounded_pareto(rng, 0.6, 14) if near else between(rng, 0.97, 1.11)))
        self.pace_ns = link.pace_ns
        self.loss = link.loss
        self.out: list[Segment] = []
        self.records: list[Record] = []
        self.turn_times: list[int] = []

    def run(self) -> Connection:
        at_ns = self.shake_hands()
        last: _Side | None = None
        for turn in self.flow.dialogue.turns(self.rng):
            side = self.client if turn.by_client else self.server
            if last is None or side is last:
                start = at_ns + turn.think_ns + whole(self.rng, 1000, 9000)
            else:
                start = at_ns + self.answer_delay(side) + turn.think_ns
            if side is last or last is None:
                self.settle(self.other(side), at_ns, start + self.answer_delay(self.other(side)))
            else:
                self.settle(side, at_ns, start)
            payload = turn.payload if isinstance(turn.payload, bytes) else turn.payload(start)
            at_ns = self.say(side, payload, start)
            last = side
            self.turn_times.append(at_ns)
            if turn.writes:
                self.records.extend(turn.writes(at_ns, self.flow.client_port))
        self.close(at_ns, self.flow.dialogue.closing)
        self.out.sort(key=lambda segment: segment.at_ns)
        return Connection(tuple(self.out), tuple(self.records), tuple(self.turn_times))

    def shake_hands(self) -> int:
        """Emit the three segments that open; return when the last one passed."""
        flow, client, server = self.flow, self.client, self.server
        at_ns = flow.start_ns
        options = client.stack.syn_options(flow.client.link.mss, self.ticks(client, at_ns))
        self.emit(client, at_ns, SYN, options=options, window=client.stack.window)
        client.sequence += 1
        client.begins_at, server.begins_at = server.sequence + 1, client.sequence
        reply = at_ns + self.answer_delay(server)
        options = server.stack.syn_ack_options(
            flow.server.link.mss, self.ticks(server, reply), self.ticks(client, at_ns), timestamps=self.timestamps
        )
        window = min(server.stack.window, 65160) if self.timestamps else server.stack.window
        # Linux answers a SYN with identification 0 and starts counting after it.
        self.emit(server, reply, SYN | ACK, options=options, window=window, first=True)
        server.sequence += 1
        done = reply + self.answer_delay(client)
        return self.emit(client, done, ACK)

    def say(self, side: _Side, payload: bytes, start: int) -> int:
        """Send ``payload``, acknowledged as it arrives; return when its last segment passed."""
        peer, room = self.other(side), self.room
        side.owes_ack = False  # what it sends now acknowledges too
        parts = [payload[cut : cut + room] for cut in range(0, len(payload), room)]
        at_ns, done = start, 0
        while done < len(parts):
            flight = parts[done : done + side.flight]
            done += len(flight)
            at_ns, acknowledged = self.send_flight(side, peer, flight, at_ns, is_last=done == len(parts))
            side.flight = min(side.flight * 2, _LARGEST_FLIGHT)
            if done < len(parts):
                at_ns = max(at_ns + self.gap(), acknowledged + self.answer_delay(side))
        return side.clock_ns

    def send_flight(
        self, side: _Side, peer: _Side, flight: list[bytes], at_ns: int, *, is_last: bool
    ) -> tuple[int, int]:
        """Send segments back to back; return when the last passed, and when the first acknowledgment did."""
        lost = self.pick_lost(side, len(flight))
        first_ack = 0
        unacknowledged = int(peer.owes_ack)
        hole: tuple[int, bytes, int] | None = None  # a lost segment: where it begins, what it holds, its flags
        for number, part in enumerate(flight):
            if number:
                at_ns += self.gap()
            flags = ACK | (PSH if number == len(flight) - 1 and is_last else 0)
            begin = side.sequence
            side.sequence += len(part)
            if number == lost and side is self.far:
                hole = (begin, part, flags)  # lost before it reached the sensor
                continue
            at_ns = self.emit(side, at_ns, flags, part, sequence=begin)
            if number == lost:  # lost behind the sensor: it is sent again when nobody has acknowledged it
                repeat = at_ns + int(between(self.rng, 0.21, 0.34) * SECOND) + self.rtt_ns
                at_ns = self.emit(side, repeat, flags, part, sequence=begin)
            if hole:
                block = sack_option(hole[0] + len(hole[1]), side.sequence)
                repeated = self.acknowledge(peer, at_ns, hole[0], block)
                first_ack = first_ack or repeated
                continue
            unacknowledged += 1
            if unacknowledged == 2:
                acknowledged = self.acknowledge(peer, at_ns, side.sequence)
                first_ack = first_ack or acknowledged
                unacknowledged = 0
        if hole:
            begin, part, flags = hole
            at_ns = self.emit(side, max(at_ns, first_ack) + self.answer_delay(side), flags, part, sequence=begin)
            self.acknowledge(peer, at_ns, side.sequence)
            unacknowledged = 0
        if unacknowledged and not is_last:
            acknowledged = self.acknowledge(peer, at_ns, side.sequence)
            first_ack = first_ack or acknowledged
            unacknowledged = 0
        peer.owes_ack = bool(unacknowledged)
        return at_ns, first_ack or at_ns

    def pick_lost(self, side: _Side, count: int) -> int:
        """Return which segment of a flight is lost; -1 for none."""
        if not chance(self.rng, min(0.9, self.loss * count)):
            return -1
        if side is not self.far or count == 1:
            return count - 1
        # Three segments must follow: their acknowledgments ask for the lost one again (RFC 5681).
        return whole(self.rng, 0, count - 4) if count >= 5 else -1

    def acknowledge(self, side: _Side, at_ns: int, number: int, options: bytes = b"") -> int:
        side.owes_ack = False
        return self.emit(side, at_ns + self.answer_delay(side), ACK, options_after=options, acknowledgment=number)

    def settle(self, side: _Side, at_ns: int, before: int) -> None:
        """Let ``side`` acknowledge what it owes, unless it speaks ``before`` its delay is over."""
        if not side.owes_ack:
            return
        delay = int(side.stack.delayed_ack_ms * between(self.rng, 0.93, 1.02) * _MILLISECOND)
        due = at_ns + self.answer_delay(side) + delay
        if due < before:
            side.owes_ack = False
            self.emit(side, due, ACK)

    def close(self, at_ns: int, closing: Closing) -> None:
        """Emit the silence and the end."""
        client, server = self.client, self.server
        for side in (client, server):
            self.settle(side, at_ns, at_ns + SECOND)
        at_ns = max(client.clock_ns, server.clock_ns)
        end = at_ns + closing.linger_ns
        if closing.keep_alive_ns:
            at_ns += closing.keep_alive_ns
            while at_ns < end:
                self.probe(at_ns)
                at_ns += closing.keep_alive_ns + whole(self.rng, 0, 40 * _MILLISECOND)
        if closing.ending is Ending.OPEN:
            return
        server_first = closing.ending in (Ending.SERVER_FIN, Ending.SERVER_FIN_CLIENT_RESET)
        first, second = (server, client) if server_first else (client, server)
        at_ns = max(end, client.clock_ns, server.clock_ns) + whole(self.rng, 20_000, 400_000)
        if closing.ending is Ending.CLIENT_RESET:
            self.emit(client, at_ns, RST | ACK)
            return
        if closing.farewell:
            at_ns = self.say(first, closing.farewell, at_ns)
            second.owes_ack = False
        at_ns = self.emit(first, at_ns + whole(self.rng, 4_000, 90_000), FIN | ACK)
        first.sequence += 1
        at_ns += self.answer_delay(second)
        if closing.ending is Ending.SERVER_FIN_CLIENT_RESET:
            self.emit(second, at_ns, RST | ACK)
            return
        if chance(self.rng, 0.5):
            at_ns = self.emit(second, at_ns, ACK)
            at_ns += whole(self.rng, 30_000, 3_000_000)
        at_ns = self.emit(second, at_ns, FIN | ACK)
        second.sequence += 1
        self.emit(first, at_ns + self.answer_delay(first), ACK)

    def probe(self, at_ns: int) -> None:
        """Emit a keep-alive of the client (RFC 9293, 3.8.4) and its answer; Windows sends one byte."""
        payload = b"\x00" if self.client.stack.family == "windows" else b""
        at_ns = self.emit(
            self.client, at_ns, ACK, payload, sequence=self.client.sequence - 1, window=self.client.offered
        )
        self.emit(self.server, at_ns + self.answer_delay(self.server), ACK, window=self.server.offered)

    def emit(
        self,
        side: _Side,
        at_ns: int,
        flags: int,
        payload: bytes = b"",
        *,
        sequence: int | None = None,
        acknowledgment: int | None = None,
        options: bytes | None = None,
        options_after: bytes = b"",
        window: int | None = None,
        first: bool = False,
    ) -> int:
        """Add one segment, never before what its side sent already; return when it passes."""
        peer = self.other(side)
        if at_ns <= side.clock_ns:
            at_ns = side.clock_ns + whole(self.rng, 700, 4000)
        side.clock_ns = at_ns
        if options is None:
            stamp = timestamp_option(self.ticks(side, at_ns), self.ticks(peer, self.seen_by(side, at_ns)))
            options = (stamp if self.timestamps else b"") + options_after
        if window is None:
            unread = 1.0 if options_after else self.rng.random()  # repeated acknowledgments offer the same
            window = side.next_window(peer.sequence if acknowledgment is None else acknowledgment, unread)
        side.sent_ns.append(at_ns)
        self.out.append(
            Segment(
                at_ns=at_ns,
                sender=side.host,
                target_mac=peer.host.mac,
                target=peer.host.address,
                sender_port=side.port,
                target_port=peer.port,
                payload=payload,
                ttl=side.stack.ttl - side.host.link.hops,
                identification=0 if first and side.identification > 0 else side.next_identification(),
                dont_fragment=True,
                options=options,
                sequence=(side.sequence if sequence is None else sequence) & 0xFFFFFFFF,
                acknowledgment=((peer.sequence if acknowledgment is None else acknowledgment) & 0xFFFFFFFF)
                if flags & ACK
                else 0,
                flags=flags,
                window=window,
            )
        )
        return at_ns

    def answer_delay(self, side: _Side) -> int:
        """Return the time from a packet to ``side`` until its answer, both at the sensor."""
        if side is self.far:
            return int(self.rtt_ns * (1 + bounded_pareto(self.rng, 0.002, 0.4) - 0.002))
        return int(bounded_pareto(self.rng, 45_000, 2_500_000))

    def seen_by(self, side: _Side, at_ns: int) -> int:
        """Return when the latest packet of its peer passed that ``side`` can have seen: to the far end it is a way."""
        sent = self.other(side).sent_ns
        arrived = bisect_right(sent, at_ns - (self.rtt_ns if side is self.far else 1))
        return sent[arrived - 1] if arrived else self.flow.start_ns

    def gap(self) -> int:
        """Return the time between two segments of a flight."""
        return int(self.pace_ns * between(self.rng, 0.5, 1.5))

    def ticks(self, side: _Side, at_ns: int) -> int:
        """Return the timestamp clock of ``side``: it counts milliseconds."""
        return side.host.ticks + (at_ns - self.begin_ns) // _MILLISECOND

    def other(self, side: _Side) -> _Side:
        return self.server if side is self.client else self.client
