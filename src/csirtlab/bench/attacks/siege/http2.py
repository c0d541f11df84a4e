"""HTTP/2 as bytes: one request whose fields are written as they are, whatever is in them.

Source: RFC 9113 (frames), RFC 7541 (fields; "literal without indexing", no Huffman code).
"""

import contextlib
from collections.abc import Sequence

from csirtlab.bench.attacks.siege.raw import Line

_DATA, _HEADERS, _RESET, _SETTINGS, _GO_AWAY = 0, 1, 3, 4, 7
_END_STREAM, _END_HEADERS = 1, 4
_USUAL = ((":method", "GET"), (":scheme", "https"), (":authority", "127.0.0.1"))
SECONDS = 3.0


def h2_answer(line: Line, fields: Sequence[tuple[str, str]]) -> bytes:
    """Send one request, and return the bytes of all frames that answer it."""
    named = {name for name, _ in fields}
    pseudo = [each for each in _USUAL if each[0] not in named] + [each for each in fields if each[0].startswith(":")]
    block = b"".join(_field(*each) for each in [*pseudo, *(each for each in fields if not each[0].startswith(":"))])
    sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, b"")
    sent += _frame(_HEADERS, _END_STREAM | _END_HEADERS, 1, block)
    got = bytearray()
    with line.connect() as connection, contextlib.suppress(OSError):
        connection.settimeout(SECONDS)
        connection.sendall(sent)
        while not _has_ended(got) and (piece := connection.recv(65536)):
            got += piece
    return bytes(got)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _field(name: str, value: str) -> bytes:
    return b"\0" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    octets = text.encode("latin-1")
    length = len(octets)
    if length < 127:
        return bytes([length]) + octets
    head, rest = bytearray([127]), length - 127
    while rest >= 128:
        head.append(rest % 128 | 128)
        rest //= 128
    return bytes([*head, rest]) + octets


def _has_ended(got: bytearray) -> bool:
    at = 0
    while at + 9 <= len(got):
        length, kind, flags = int.from_bytes(got[at : at + 3], "big"), got[at + 3], got[at + 4]
        at += 9 + length
        if at <= len(got) and (kind in (_RESET, _GO_AWAY) or (kind in (_DATA, _HEADERS) and flags & _END_STREAM)):
            return True
    return False
