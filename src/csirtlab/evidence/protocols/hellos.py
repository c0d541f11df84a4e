"""The first message of a TLS client (RFC 8446, 4.1.2): a real program's, with another name and other keys.

``recorded/hello-browser.json`` and ``recorded/hello-library.json`` were taken from Chromium and from Python with
OpenSSL by ``csirtlab evidence record tls``. Windows' own TLS cannot be recorded on Linux: its hello,
``recorded/hello-system.json``, is written after what is known of it.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

from csirtlab.evidence.protocols.recordings import Part, read_part
from csirtlab.evidence.sampling import noise, pick, shuffled

_GREASE = tuple(0x0A0A + 0x1010 * step for step in range(16))  # RFC 8701
_ECH_PAYLOADS = (144, 176, 208, 240)  # the sizes that BoringSSL draws from
_PADDED_FROM, _PADDED_TO = 256, 512  # bytes of a hello that some servers choke on (RFC 7685)
_PADDING, _PRE_SHARED_KEY = 21, 41
_X25519MLKEM768 = 0x11EC
_TICKET = 208  # bytes of a session ticket


@dataclass(frozen=True, slots=True)
class _Extension:
    kind: int | str  # a number, or the GREASE value of that name
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Hello:
    suites: tuple[int | str, ...]
    extensions: tuple[_Extension, ...]
    shuffles: bool  # Chrome has shuffled its extensions since version 110; GREASE stays at both ends

    @property
    def offers_mlkem(self) -> bool:
        """Say whether it brings a key for X25519MLKEM768."""
        mark = struct.pack("!H", _X25519MLKEM768)
        return any(part.content[-4:-2] == mark for each in self.extensions if each.kind == 51 for part in each.parts)


def client_hello(rng: Random, server_name: str, client: str, session: bytes, *, resumed: bool) -> tuple[bytes, bool]:
    """Return a ClientHello record as this software sends it, and whether it offers X25519MLKEM768."""
    recorded = _recorded(client)
    values = _values(rng, server_name)
    extensions = [(each.kind, _filled(each, rng, values)) for each in recorded.extensions]
    if recorded.shuffles:
        extensions[1:-1] = shuffled(rng, extensions[1:-1])
    if resumed:
        # pre_shared_key is always the last one (RFC 8446, 4.2.11).
        identity = _sized(noise(rng, _TICKET)) + noise(rng, 4)
        extensions.append((_PRE_SHARED_KEY, _sized(identity) + _sized(b"\x20" + noise(rng, 32))))
    suites = b"".join(_word(suite, values) for suite in recorded.suites)
    head = struct.pack("!H", 0x0303) + noise(rng, 32) + bytes([len(session)]) + session + _sized(suites) + b"\x01\x00"
    length = 4 + len(head) + 2 + sum(4 + len(content) for kind, content in extensions if kind != _PADDING)
    packed = b"".join(
        _word(kind, values) + _sized(_padding(length) if kind == _PADDING else content)
        for kind, content in extensions
        if kind != _PADDING or _PADDED_FROM <= length < _PADDED_TO
    )
    body = head + _sized(packed)
    message = b"\x01" + len(body).to_bytes(3) + body
    return struct.pack("!BHH", 22, 0x0301, len(message)) + message, recorded.offers_mlkem


def _values(rng: Random, server_name: str) -> dict[str, bytes]:
    host = server_name.encode()
    first, last = shuffled(rng, _GREASE)[:2]  # two extensions of one kind are forbidden
    others = ("suite", "group", "signature", "version")
    grease = {"first": first, "last": last, **{name: pick(rng, _GREASE) for name in others}}
    return {
        "server_name": _sized(struct.pack("!BH", 0, len(host)) + host),
        "ech_payload": _sized(noise(rng, pick(rng, _ECH_PAYLOADS))),
        **{f"grease_{name}": struct.pack("!H", value) for name, value in grease.items()},
    }


def _filled(extension: _Extension, rng: Random, values: Mapping[str, bytes]) -> bytes:
    return b"".join(part.fill(rng, values) for part in extension.parts)


def _padding(length: int) -> bytes:
    """Return zeros that make a hello of ``length`` bytes one of 512, but for the extension's own four."""
    return bytes(max(1, _PADDED_TO - length - 4))


def _word(number: int | str, values: Mapping[str, bytes]) -> bytes:
    return values[number] if isinstance(number, str) else struct.pack("!H", number)


def _sized(body: bytes) -> bytes:
    return struct.pack("!H", len(body)) + body


@cache
def _recorded(client: str) -> _Hello:
    found = json.loads((files("csirtlab.evidence") / "recorded" / f"hello-{client}.json").read_text(encoding="utf-8"))
    return _Hello(
        tuple(found["suites"]),
        tuple(_Extension(each["kind"], tuple(map(read_part, each["parts"]))) for each in found["extensions"]),
        bool(found["shuffles"]),
    )
