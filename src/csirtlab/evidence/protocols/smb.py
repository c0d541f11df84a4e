"""A file share as a sensor sees it: SMB 3.1.1 with encryption, as Samba's client and server speak it.

Six messages pass in clear (negotiation, sign-in by NTLM); after them only lengths can be seen, and those are
recorded. The clear ones are written field by field, because names in them have lengths of their own; a test holds
them, with the recorded names and numbers, against the recorded bytes.

Source: MS-SMB2 (2.2.1, 2.2.3 to 2.2.6, 2.2.41), MS-NLMP (2.2.1), RFC 4178 (SPNEGO), X.690 (DER).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import ClassVar, NamedTuple

from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Payload, Turn
from csirtlab.evidence.protocols.recordings import recording
from csirtlab.evidence.sampling import noise

_EPOCH_S = 11_644_473_600  # from 1601, where Windows' clocks begin, to 1970
_MECHANISM = bytes.fromhex("060a2b06010401823702020a")  # NTLMSSP
_FLAGS_ASKED, _FLAGS_GIVEN, _FLAGS_TAKEN = 0x62088235, 0x628A8235, 0x62088235
_VERSION = bytes.fromhex("060100000000000f")  # as Samba says it
_NEGOTIATE, _SESSION_SETUP = 0, 1
_ANSWER, _SIGNED, _PRIORITY = 0x01, 0x08, 0x10
_MORE_PROCESSING = 0xC0000016
_SALT, _GUID = 32, 16
_NETBIOS = 15  # characters of a name
_HEADER = 64
_PIECE = 65_536  # bytes of a file in one message
SEALED_HEADER = 52
"""Bytes of the header before what is encrypted."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a sign-in carries: names, and numbers that are new each time."""

    server: str  # NetBIOS name of the server
    host: str  # its name in DNS
    target: str  # the name or address by which the client calls it
    domain: str
    account: str
    workstation: str
    numbers: dict[str, bytes]


NUMBERS = {
    "client_guid": _GUID, "client_salt": _SALT, "server_salt": _SALT, "session": 4, "challenge": 8, "mic": 16,
    "proof": 16, "client_challenge": 8, "machine": 32, "session_key": 16, "client_check": 8, "server_check": 8,
    "signature": 16, "client_nonce": 4, "server_nonce": 4,
}  # fmt: skip
"""Each number of a sign-in with its length in bytes."""


def negotiate(who: SignIn) -> bytes:
    """Return the client's offer."""
    name = who.target.encode("utf-16-le")
    body = (
        bytes.fromhex("2400050003000000") + struct.pack("<I", 0x7F) + who.numbers["client_guid"]
        + bytes.fromhex("70000000040000000202100200030203110300000100260000000000010020000100")
        + who.numbers["client_salt"]
        + bytes.fromhex("000002000a00000000000400020001000400030000000000000008000800000000000300020001000000")
        + struct.pack("<HHI", 5, len(name), 0) + name
    )  # fmt: skip
    return _framed(_header(_NEGOTIATE, credit=31) + body)


def negotiated(who: SignIn, server_time_ns: int) -> bytes:
    """Return the server's choice, with its clock (``server_time_ns`` since 1970)."""
    guid = who.server.lower().encode()[:_GUID].ljust(_GUID, b"\0")  # Samba's
    hint = _der(0xA0, _der(0x1B, b"not_defined_in_RFC4178@please_ignore"))
    blob = _initial(_der(0xA3, _der(0x30, hint)))
    body = (
        struct.pack("<HHHH", 65, 1, 0x0311, 3) + guid + bytes.fromhex("0f000000000080000000800000008000")
        + _filetime(server_time_ns) + bytes(8)
        + struct.pack("<HHI", 128, len(blob), -(-(128 + len(blob)) // 8) * 8) + blob + bytes(-len(blob) % 8)
        + bytes.fromhex("0100260000000000010020000100") + who.numbers["server_salt"]
        + bytes.fromhex("0000020004000000000001000200000000000800040000000000" "01000200")
    )  # fmt: skip
    return _framed(_header(_NEGOTIATE, flags=_ANSWER) + body)


def set_up(who: SignIn) -> bytes:
    """Return the client's wish to sign in."""
    del who  # it says nothing of itself yet
    message = b"NTLMSSP\0" + struct.pack("<II", 1, _FLAGS_ASKED) + bytes.fromhex("00000000280000000000000028000000")
    blob = _initial(_der(0xA2, _der(0x04, message + _VERSION)))
    return _framed(_header(_SESSION_SETUP, message=1, charge=1, credit=8192, flags=_PRIORITY) + _setup_request(blob))


def challenge(who: SignIn, server_time_ns: int) -> bytes:
    """Return the server's challenge, with its names and clock."""
    name, about = who.server.encode("utf-16-le"), _about_server(who, server_time_ns)
    message = (
        b"NTLMSSP\0" + struct.pack("<IHHII", 2, len(name), len(name), 56, _FLAGS_GIVEN) + who.numbers["challenge"]
        + bytes(8) + struct.pack("<HHI", len(about), len(about), 56 + len(name)) + _VERSION + name + about
    )  # fmt: skip
    parts = _der(0xA0, b"\x0a\x01\x01") + _der(0xA1, _MECHANISM) + _der(0xA2, _der(0x04, message))
    blob = _der(0xA1, _der(0x30, parts))
    header = _header(
        _SESSION_SETUP, message=1, charge=1, credit=1, flags=_ANSWER | _PRIORITY, status=_MORE_PROCESSING, session=who
    )  # fmt: skip
    return _framed(header + struct.pack("<HHHH", 9, 0, 72, len(blob)) + blob)


def authenticate(who: SignIn, server_time_ns: int) -> bytes:
    """Return the client's answer to a challenge that named ``server_time_ns``."""
    about = _about_server(who, server_time_ns)[:-4] + b"".join(
        (
            _named(6, struct.pack("<I", 2)),
            _named(8, struct.pack("<II", 48, 0) + bytes(8) + who.numbers["machine"]),
            _named(10, bytes(16)),
            _named(9, f"cifs/{who.target}".encode("utf-16-le")),
            bytes(4),
        )
    )
    response = (
        who.numbers["proof"] + struct.pack("<II", 0x0101, 0) + _filetime(server_time_ns)
        + who.numbers["client_challenge"] + bytes(4) + about
    )  # fmt: skip
    names = [name.encode("utf-16-le") for name in (who.domain, who.account, who.workstation)]
    payload, fields = b"", b""
    for content in (bytes(24), response, *names, who.numbers["session_key"]):
        fields += struct.pack("<HHI", len(content), len(content), 88 + len(payload))
        payload += content
    message = (
        b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", _FLAGS_TAKEN) + _VERSION
        + who.numbers["mic"] + payload
    )  # fmt: skip
    blob = _der(0xA1, _der(0x30, _der(0xA2, _der(0x04, message)) + _check(who.numbers["client_check"])))
    header = _header(_SESSION_SETUP, message=2, charge=1, credit=8192, flags=_PRIORITY, session=who)
    return _framed(header + _setup_request(blob))


def signed_in(who: SignIn) -> bytes:
    """Return the server's welcome, signed; from here on everything is encrypted."""
    blob = _der(0xA1, _der(0x30, _der(0xA0, b"\x0a\x01\x00") + _check(who.numbers["server_check"])))
    header = _header(_SESSION_SETUP, message=2, charge=1, credit=8192, flags=_ANSWER | _SIGNED | _PRIORITY, session=who)
    signed = header[:48] + who.numbers["signature"]
    return _framed(signed + struct.pack("<HHHH", 9, 4, 72, len(blob)) + blob)


def sealed(rng: Random, who: SignIn, length: int, number: int, *, by_client: bool) -> bytes:
    """Return the ``number``-th message of a side, ``length`` bytes before encryption."""
    nonce = struct.pack("<Q", number) + who.numbers["client_nonce" if by_client else "server_nonce"] + bytes(4)
    head = b"\xfdSMB" + noise(rng, 16) + nonce + struct.pack("<IHH", length, 0, 1) + who.numbers["session"] + bytes(4)
    return _framed(head + noise(rng, length))


@dataclass(frozen=True, slots=True)
class FileShare:
    """Somebody signs in at a file server, looks around, fetches files and puts files there."""

    server: Host
    client: str  # name of the workstation
    domain: str
    account: str
    fetched: tuple[int, ...]  # bytes of each file that is read
    stored: tuple[int, ...]  # bytes of each file that is written
    pauses_ns: tuple[int, ...]  # before each file
    closing: Closing
    keeps_records: ClassVar[bool] = False

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield the sign-in, and what was recorded around each file, as long as this one's file makes it."""
        who = SignIn(
            server=self.server.name.upper()[:_NETBIOS],
            host=self.server.name.lower(),
            target=self.server.address,
            domain=self.domain,
            account=self.account,
            workstation=self.client.upper()[:_NETBIOS],
            numbers={name: noise(rng, length) for name, length in NUMBERS.items()},
        )
        yield from self._sign_in(who)
        said = {True: 0, False: 0}
        for step in self._steps():
            said[step.by_client] += 1
            content = sealed(rng, who, step.length, said[step.by_client], by_client=step.by_client)
            yield Turn(step.by_client, content, step.wait_ns)

    def _sign_in(self, who: SignIn) -> Iterator[Turn]:
        said: list[int] = []  # the server's clock when it named the time: the answer repeats it

        def clock(at_ns: int) -> int:
            said.append(at_ns + self.server.clock_ns)
            return said[-1]

        messages: tuple[Payload, ...] = (
            negotiate(who),
            lambda at_ns: negotiated(who, clock(at_ns)),
            set_up(who),
            lambda at_ns: challenge(who, clock(at_ns)),
            lambda _at_ns: authenticate(who, said[-1]),
            signed_in(who),
        )
        for message, step in zip(messages, _recorded()["sign-in"], strict=True):
            yield Turn(step.by_client, message, step.wait_ns)

    def _steps(self) -> Iterator["_Step"]:
        stages = _recorded()
        yield from stages["look"]
        kinds = ["fetch"] * len(self.fetched) + ["store"] * len(self.stored)
        for kind, size, pause_ns in zip(kinds, self.fetched + self.stored, self.pauses_ns, strict=True):
            first, *others = _around(stages[kind], size)
            yield first._replace(wait_ns=pause_ns)
            yield from others
        yield from stages["leave"]


class _Step(NamedTuple):
    """A message of the recording."""

    name: str
    by_client: bool
    wait_ns: int
    length: int  # before encryption; of "content", without the file's bytes


@cache
def _recorded() -> dict[str, tuple[_Step, ...]]:
    """Return the steps of the recording by stage; a turn's mark is ``stage/name``."""
    stages: dict[str, list[_Step]] = {}
    for turn in recording("smb-share").turns:
        stage, _, name = turn.mark.partition("/")
        length = sum(part.length for part in turn.parts)
        stages.setdefault(stage, []).append(_Step(name, turn.by_client, turn.wait_ns, length))
    return {stage: tuple(steps) for stage, steps in stages.items()}


def _around(steps: tuple[_Step, ...], size: int) -> Iterator[_Step]:
    """Yield the messages around a file of ``size`` bytes; "content" carries a piece of it, "piece" goes with each."""
    pieces = [min(_PIECE, size - start) for start in range(0, size, _PIECE)]
    moving = [step for step in steps if step.name]
    for step in steps:
        if not step.name:
            yield step
        elif step is moving[0]:
            for piece in pieces:
                for each in moving:
                    yield each._replace(length=each.length + (piece if each.name == "content" else 0))


def _header(
    command: int, *, message: int = 0, charge: int = 0, credit: int = 1, flags: int = 0, status: int = 0,
    session: SignIn | None = None,
) -> bytes:  # fmt: skip
    number = session.numbers["session"] if session else bytes(4)
    return (
        b"\xfeSMB" + struct.pack("<HHIHHIIQII", _HEADER, charge, status, command, credit, flags, 0, message, 0, 0)
        + number + bytes(4) + bytes(16)
    )  # fmt: skip


def _setup_request(blob: bytes) -> bytes:
    return struct.pack("<HBBIIHHQ", 25, 0, 3, 1, 0, 88, len(blob), 0) + blob


def _about_server(who: SignIn, time_ns: int) -> bytes:
    name = who.server.encode("utf-16-le")
    host = who.host.encode("utf-16-le")
    about = ((2, name), (1, name), (4, b""), (3, host), (7, _filetime(time_ns)), (0, b""))
    return b"".join(_named(kind, content) for kind, content in about)


def _named(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _initial(inner: bytes) -> bytes:
    """Return a token that begins a negotiation of mechanisms (RFC 4178, 4.2.1), with NTLM as the only one."""
    mechanisms = _der(0xA0, _der(0x30, _MECHANISM))
    return _der(0x60, bytes.fromhex("06062b0601050502") + _der(0xA0, _der(0x30, mechanisms + inner)))


def _check(number: bytes) -> bytes:
    return _der(0xA3, _der(0x04, bytes.fromhex("01000000") + number + bytes(4)))


def _der(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _filetime(at_ns: int) -> bytes:
    return struct.pack("<Q", at_ns // 100 + _EPOCH_S * 10_000_000)


def _framed(message: bytes) -> bytes:
    return struct.pack("!I", len(message)) + message
