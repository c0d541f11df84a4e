"""What small devices fetch over plain HTTP: their pictures, their firmware, and what a worm makes them fetch."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Turn
from csirtlab.evidence.protocols.http import http_date

# ITU-T T.81, annex B; JFIF 1.01: a grey picture of 640 by 360, all of whose tables are there.
_JPEG_HEAD = (
    bytes.fromhex("ffd8 ffe0 0010 4a46494600 0101 00 0001 0001 0000 ffdb 0043 00") + b"\x10" * 64
    + bytes.fromhex("ffc0 000b 08 0168 0280 01 011100 ffc4 001f 00 00010501010101010100000000000000")
    + bytes(range(12)) + bytes.fromhex("ffc4 0016 10 00020100000000000000000000000000 0001f0 ffda 0008 01 0100 003f00")
)  # fmt: skip
WGET = "Wget"  # how BusyBox' wget calls itself


def jpeg(scan: bytes) -> bytes:
    """Return a picture whose content is noise; a byte 255 in it would begin a marker."""
    return _JPEG_HEAD + scan.replace(b"\xff", b"\xfe") + b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Download:
    """One file, asked for and sent."""

    host: str  # as the request names the server
    path: str
    agent: str
    server: Host
    software: str  # of the server
    kind: str  # content type
    content: bytes
    think_ns: int
    closing: Closing
    keeps_records: ClassVar[bool] = False

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield the request and its answer."""
        del rng  # everything was drawn when it was planned
        # BusyBox 1.35, networking/wget.c: these headers in this order, and the connection is closed.
        request = (
            f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nUser-Agent: {self.agent}\r\nConnection: close\r\n\r\n"
        )
        yield Turn(True, request.encode(), 0)

        def answer(at_ns: int) -> bytes:
            date = http_date(at_ns - self.server.link.rtt_ns // 2 + self.server.clock_ns)
            return (
                f"HTTP/1.1 200 OK\r\nServer: {self.software}\r\nDate: {date}\r\nContent-Type: {self.kind}\r\n"
                f"Content-Length: {len(self.content)}\r\nConnection: close\r\n\r\n"
            ).encode() + self.content

        yield Turn(False, answer, self.think_ns)
