"""The fields that labs ask for most, read in one pass over a capture: many tables are then cut out of it.

A pass of tshark costs its start and a dissection of every frame, whichever fields are asked for.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from csirtlab.kit.simple_filters import SEVERAL, Matches

MOST_CAPTURE = 16 * 2**20
"""Bytes of the largest capture that is read this way: beyond, the columns would take too much memory."""

FIELDS: Mapping[str, str] = {
    "frame.number": "FT_UINT32", "frame.len": "FT_UINT32", "frame.time_epoch": "FT_ABSOLUTE_TIME",
    "eth.src": "FT_ETHER", "eth.dst": "FT_ETHER",
    "ip.src": "FT_IPv4", "ip.dst": "FT_IPv4", "ip.proto": "FT_UINT8", "ip.ttl": "FT_UINT8",
    "ipv6.src": "FT_IPv6", "ipv6.dst": "FT_IPv6",
    "tcp.srcport": "FT_UINT16", "tcp.dstport": "FT_UINT16", "tcp.stream": "FT_UINT32", "tcp.len": "FT_UINT32",
    "tcp.seq": "FT_UINT32", "tcp.ack": "FT_UINT32", "tcp.window_size_value": "FT_UINT16",
    "tcp.flags.syn": "FT_BOOLEAN", "tcp.flags.ack": "FT_BOOLEAN", "tcp.flags.fin": "FT_BOOLEAN",
    "tcp.flags.reset": "FT_BOOLEAN",
    "udp.srcport": "FT_UINT16", "udp.dstport": "FT_UINT16", "udp.length": "FT_UINT16", "udp.stream": "FT_UINT32",
    "ntp.flags.mode": "FT_UINT8",
    "dns.qry.name": "FT_STRING", "dns.qry.type": "FT_UINT16", "dns.flags.response": "FT_BOOLEAN",
    "tls.handshake.type": "FT_UINT8", "tls.handshake.extensions_server_name": "FT_STRING",
}  # fmt: skip
"""The fields, each with Wireshark's type. None of them depends on the display filter, as the time since the frame
displayed before does."""

OPTIONS = ["-T", "fields", "-E", "separator=/t", "-E", "quote=n", "-E", "occurrence=a", "-E", f"aggregator={SEVERAL}",
           *(option for field in FIELDS for option in ("-e", field))]  # fmt: skip
"""How tshark is asked for them."""

_BLOCK = 4096  # frames turned into columns at a time: all at once would take several times the memory


@dataclass(frozen=True)
class Dissection:
    """The columns, each one text with a line for every frame."""

    columns: Mapping[str, str]
    frames: int

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return sum(map(len, self.columns.values()))

    def cut(self, fields: Sequence[str], matches: Matches | None, *, every: bool) -> list[list[str]]:
        """Return a column of texts for each field, of the frames that match.

        With ``every`` all values of a field, separated by U+001F; otherwise the first.
        """
        kept = matches(self._column) if matches else None
        found = []
        for field in fields:
            texts = self._column(field)
            if kept is not None:
                texts = list(compress(texts, kept))
            found.append(texts if every else [text.partition(SEVERAL)[0] for text in texts])
        return found

    def _column(self, field: str) -> list[str]:
        return self.columns[field].split("\n") if self.frames else []


@dataclass(frozen=True)
class Unusable:
    """That a capture cannot be read in this way."""

    size: int = 0


def read_output(output: bytes) -> Dissection | Unusable:
    """Read what tshark wrote with ``OPTIONS``; a line with other than one text for each field cannot be trusted."""
    lines = output.decode("utf-8", "replace").split("\n")[:-1]
    parts: list[list[str]] = [[] for _ in FIELDS]
    for start in range(0, len(lines), _BLOCK):
        rows = [line.rstrip("\r").split("\t") for line in lines[start : start + _BLOCK]]
        if any(len(row) != len(FIELDS) for row in rows):
            return Unusable()
        for part, column in zip(parts, zip(*rows, strict=True), strict=True):
            part.append("\n".join(column))
    columns = {field: "\n".join(part) for field, part in zip(FIELDS, parts, strict=True)}
    return Dissection(columns, len(lines))


def place_of(capture: Path) -> Path:
    """Return where a dissection lies beside its capture."""
    return capture.with_name(f".{capture.name}.dissected")


def write(dissection: Dissection, capture: Path) -> None:
    """Put a dissection beside its capture, for others who read it."""
    octets = [text.encode() for text in dissection.columns.values()]
    about = {"capture": _digest(capture), "fields": list(FIELDS), "frames": dissection.frames,
             "sizes": [len(each) for each in octets]}  # fmt: skip
    place_of(capture).write_bytes(json.dumps(about).encode() + b"\n" + b"".join(octets))


def read(capture: Path) -> Dissection | None:
    """Return the dissection that lies beside a capture; None if there is none, or it is of something else."""
    try:
        head, _, rest = place_of(capture).read_bytes().partition(b"\n")
        about = json.loads(head)
        if about["fields"] != list(FIELDS) or about["capture"] != _digest(capture):
            return None
        columns, start = {}, 0
        for field, size in zip(FIELDS, about["sizes"], strict=True):
            columns[field] = rest[start : start + size].decode()
            start += size
        return Dissection(columns, int(about["frames"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # tshark is asked instead


def _digest(capture: Path) -> str:
    return hashlib.sha256(capture.read_bytes()).hexdigest()
