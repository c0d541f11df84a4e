"""Messages on a pipe: a length of four bytes, big-endian, then that many bytes of JSON."""

import json
import os
import struct
from collections.abc import Iterator
from typing import Any

MOST_BYTES = 64 * 2**20
_LENGTH = struct.Struct(">I")


class BrokenFrameError(Exception):
    """The other side sent a length that no message has."""


def packed(payload: bytes) -> bytes:
    """Return a message with its length before it."""
    return _LENGTH.pack(len(payload)) + payload


def write_frame(descriptor: int, message: object) -> None:
    """Write one message, whole."""
    write_all(descriptor, packed(json.dumps(message).encode("ascii")))


def write_all(descriptor: int, octets: bytes | memoryview) -> None:
    """Write all of ``octets``; one ``write`` may take only some."""
    view = memoryview(octets)
    while view:
        view = view[os.write(descriptor, view) :]


def read_frame(descriptor: int) -> Any:  # whatever JSON holds
    """Return the next message, or None at the end."""
    size = read_size(descriptor)
    if size is None:
        return None
    payload = _read(descriptor, size)
    return json.loads(payload) if len(payload) == size else None


def read_size(descriptor: int) -> int | None:
    """Return how many bytes the next message has, which are still to be read; None at the end."""
    header = _read(descriptor, _LENGTH.size)
    return _LENGTH.unpack(header)[0] if len(header) == _LENGTH.size else None


def _read(descriptor: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(descriptor, min(size - len(parts), 2**20))
        if not part:
            break
        parts += part
    return bytes(parts)


class Splitter:
    """Cuts a stream of bytes into messages, without looking into them."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """Take the next bytes; yield the messages that are whole by now, also those before a broken one.

        Raises:
            BrokenFrameError: A length is beyond what any message has.
        """
        self._held += octets
        start = 0
        try:
            while len(self._held) - start >= _LENGTH.size:
                size = _LENGTH.unpack_from(self._held, start)[0]
                if size > MOST_BYTES:
                    raise BrokenFrameError(size)
                end = start + _LENGTH.size + size
                if len(self._held) < end:
                    break
                message = bytes(self._held[start + _LENGTH.size : end])
                start = end
                yield message
        finally:
            # Once for all of them: each cut moves the rest.
            del self._held[:start]
