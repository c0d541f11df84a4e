"""Copies of a capture: true ones, ones that lost packets, ones with altered bytes."""

import hashlib
import io
import struct
from collections.abc import Iterator

from csirtlab.evidence.capture import write_capture
from csirtlab.evidence.model import Plan
from csirtlab.evidence.sampling import whole
from csirtlab.evidence.seeds import stream

_FILE_HEAD, _RECORD_HEAD = 24, 16
_HEADERS = 54  # Ethernet, IPv4, TCP: what is altered lies behind them


def original(plan: Plan) -> bytes:
    """Return the capture of a plan."""
    file = io.BytesIO()
    write_capture(plan, file)
    return file.getvalue()


def original_hash(plan: Plan) -> str:
    """Return the SHA-256 of the capture."""
    return hashlib.sha256(original(plan)).hexdigest()


def with_losses(plan: Plan, count: int) -> bytes:
    """Return the capture without ``count`` of its packets."""
    content = original(plan)
    records = list(_records(content))
    rng = stream(plan.seed, "lost packets")
    gone: set[int] = set()
    while len(gone) < count:
        gone.add(whole(rng, 1, len(records) - 2))
    kept = (content[start:end] for number, (start, end) in enumerate(records) if number not in gone)
    return content[:_FILE_HEAD] + b"".join(kept)


def with_alterations(plan: Plan, count: int) -> bytes:
    """Return the capture with ``count`` bytes of payload altered, each in another place."""
    content = bytearray(original(plan))
    long = [(start, end) for start, end in _records(bytes(content)) if end - start > _RECORD_HEAD + _HEADERS + 40]
    rng = stream(plan.seed, "altered bytes")
    places: set[int] = set()
    while len(places) < count:
        start, end = long[whole(rng, 0, len(long) - 1)]
        places.add(whole(rng, start + _RECORD_HEAD + _HEADERS + 20, end - 1))
    for place in sorted(places):
        content[place] ^= whole(rng, 1, 255)
    return bytes(content)


def _records(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each packet's record begins and ends."""
    start = _FILE_HEAD
    while start < len(content):
        end = start + _RECORD_HEAD + struct.unpack_from("<I", content, start + 8)[0]
        yield start, end
        start = end
