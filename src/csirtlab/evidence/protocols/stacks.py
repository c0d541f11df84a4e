"""How operating systems speak TCP/IP: what a passive fingerprint would tell apart.

Values as seen in captures of these systems: p0f's signatures, RFC 6528 (initial sequence numbers),
RFC 6864 (the IP identification field), RFC 7323 (window scale, timestamps), RFC 6056 (ports).
"""

import struct
from dataclasses import dataclass
from enum import Enum

_NOP = b"\x01"
_SACK_PERMITTED = b"\x04\x02"


class Identification(Enum):
    """How a system fills the IP identification field."""

    COUNTER = "counter"  # one counter for everything the host sends
    SOCKET = "socket"  # each connection counts from a random start
    ZERO = "zero"  # zero wherever fragments are forbidden (RFC 6864)


@dataclass(frozen=True, slots=True)
class Stack:
    """The TCP/IP of one operating system."""

    name: str
    family: str
    ttl: int
    window: int  # in a SYN
    scale: int  # window scale, as a shift
    settled: int  # window in the packets after, as written (before scaling)
    has_timestamps: bool
    order: str  # of SYN options: M mss, N nop, W scale, S sack permitted, T timestamps, E end
    ports: tuple[int, int]
    ports_count_up: bool
    identification: Identification
    delayed_ack_ms: int

    def syn_options(self, mss: int, ticks: int) -> bytes:
        """Return the options of a SYN."""
        return self._options(self.order, mss, ticks, 0)

    def syn_ack_options(self, mss: int, ticks: int, echo: int, *, timestamps: bool) -> bytes:
        """Return the options of a SYN-ACK; what the client did not offer is left out."""
        order = self.order
        if "T" in order and not timestamps:
            # Linux fills the place of the timestamps with two NOPs before SACK-permitted.
            order = "MNNSNW" if self.family == "linux" else order.replace("T", "").replace("E", "")
        return self._options(order, mss, ticks, echo)

    def _options(self, order: str, mss: int, ticks: int, echo: int) -> bytes:
        parts = {
            "M": struct.pack("!BBH", 2, 4, mss),
            "N": _NOP,
            "W": struct.pack("!BBB", 3, 3, self.scale),
            "S": _SACK_PERMITTED,
            "T": struct.pack("!BBII", 8, 10, ticks & 0xFFFFFFFF, echo & 0xFFFFFFFF),
            "E": b"\x00",
        }
        packed = b"".join(parts[letter] for letter in order)
        return packed + b"\x00" * (-len(packed) % 4)


def timestamp_option(ticks: int, echo: int) -> bytes:
    """Return the options of a segment after the handshake (RFC 7323 appendix A)."""
    return struct.pack("!BBBBII", 1, 1, 8, 10, ticks & 0xFFFFFFFF, echo & 0xFFFFFFFF)


def sack_option(left: int, right: int) -> bytes:
    """Return a selective acknowledgment of one block (RFC 2018)."""
    return struct.pack("!BBBBII", 1, 1, 5, 10, left & 0xFFFFFFFF, right & 0xFFFFFFFF)


_WINDOWS = {
    "family": "windows",
    "ttl": 128,
    "has_timestamps": False,
    "order": "MNWNNS",
    "ports": (49152, 65535),
    "ports_count_up": True,
    "identification": Identification.COUNTER,
}
_LINUX = {
    "family": "linux",
    "ttl": 64,
    "window": 64240,
    "scale": 7,
    "settled": 502,
    "has_timestamps": True,
    "order": "MSTNW",
    "ports": (32768, 60999),
    "ports_count_up": False,
    "identification": Identification.SOCKET,
    "delayed_ack_ms": 40,
}


def _stack(name: str, *layers: dict[str, object]) -> Stack:
    merged: dict[str, object] = {"name": name}
    for layer in layers:
        merged.update(layer)
    return Stack(**merged)  # type: ignore[arg-type]  # the tables above hold the right types


STACKS = {
    stack.name: stack
    for stack in (
        _stack("windows-11", _WINDOWS, {"window": 64240, "scale": 8, "settled": 1026, "delayed_ack_ms": 40}),
        _stack("windows-10", _WINDOWS, {"window": 64240, "scale": 8, "settled": 513, "delayed_ack_ms": 50}),
        _stack("windows-server", _WINDOWS, {"window": 65535, "scale": 8, "settled": 8212, "delayed_ack_ms": 50}),
        _stack("linux", _LINUX),
        _stack(
            "macos",
            {"family": "macos", "ttl": 64, "window": 65535, "scale": 6, "settled": 2058, "has_timestamps": True},
            {"order": "MNWNNTSE", "ports": (49152, 65535), "ports_count_up": False},
            {"identification": Identification.ZERO, "delayed_ack_ms": 100},
        ),
        _stack(
            "printer",
            {"family": "printer", "ttl": 64, "window": 8192, "scale": 0, "settled": 8192, "has_timestamps": False},
            {"order": "MNWNNS", "ports": (1024, 5000), "ports_count_up": True},
            {"identification": Identification.COUNTER, "delayed_ack_ms": 200},
        ),
        _stack("router", _LINUX),
        # Linux 3.x on a small system on a chip: a smaller buffer, a smaller window, timestamps switched off.
        _stack(
            "ip-camera",
            _LINUX,
            {"family": "camera", "window": 14600, "scale": 3, "settled": 1825, "has_timestamps": False},
            {"order": "MNNSNW"},
        ),
        # A real-time system with little memory: the MSS and nothing else.
        _stack(
            "plc",
            {"family": "plc", "ttl": 64, "window": 8192, "scale": 0, "settled": 8192, "has_timestamps": False},
            {"order": "M", "ports": (1024, 5000), "ports_count_up": True},
            {"identification": Identification.COUNTER, "delayed_ack_ms": 200},
        ),
    )
}
"""Systems of hosts inside the site, by the names that scenarios use."""

OUTSIDE = (
    _stack("linux", _LINUX),
    _stack("linux", _LINUX, {"settled": 509}),
    _stack("linux", _LINUX, {"window": 65535, "scale": 9, "settled": 131}),
    _stack("linux", _LINUX, {"has_timestamps": False, "order": "MNNSNW", "settled": 501}),
    _stack("windows-server", _WINDOWS, {"window": 65535, "scale": 8, "settled": 8212, "delayed_ack_ms": 50}),
)
"""Systems of servers outside."""
