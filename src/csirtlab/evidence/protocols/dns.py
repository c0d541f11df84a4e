"""DNS messages (RFC 1035), their multicast cousins mDNS and LLMNR, and NetBIOS name queries.

Questions and answers are those of BIND, dig and the C library in ``recorded/dns-messages.json`` (``csirtlab evidence
record dns``), byte for byte when they are given the same names and numbers. Of Windows, its DNS server's defaults
(MS-DNSP, 3.1.1.1.1) are written.
"""

import hashlib
import ipaddress
import struct
from dataclasses import dataclass
from typing import NamedTuple

from csirtlab.evidence.sampling import SECOND

A, CNAME, NULL, PTR, MX, TXT, AAAA, NETBIOS = 1, 5, 10, 12, 15, 16, 28, 32
KINDS = {"A": A, "CNAME": CNAME, "NULL": NULL, "MX": MX, "TXT": TXT, "AAAA": AAAA}
"""Record types that scenarios may name."""
NO_ERROR, NO_SUCH_NAME = 0, 3
_SOA, _OPT, _COOKIE = 6, 41, 10
_RECURSION_DESIRED, _RECURSION_AVAILABLE, _ANSWER, _AUTHORITATIVE, _NO_CHECKING = 0x0100, 0x0080, 0x8000, 0x0400, 0x0010
_WANTS_DNSSEC = 0x8000
_FAR = 0x4000  # where in a message no pointer reaches


class Manner(NamedTuple):
    """How some software asks; whoever answers it takes up the same."""

    payload: int = 0  # bytes that it takes over UDP (RFC 6891); 0: it does not say
    wants_dnssec: bool = False
    no_checking: bool = False  # RFC 4035, 3.2.2
    has_cookies: bool = False  # RFC 7873


STUB = Manner()
"""The C library, and the systems of people's machines."""
BIND = Manner(1232, wants_dnssec=True, no_checking=True, has_cookies=True)
"""BIND 9.18 that passes questions on and checks no signatures."""
WINDOWS_SERVER = Manner(4000, wants_dnssec=True)
_ANSWERED = 1232  # bytes that the servers of providers take


class Name(NamedTuple):
    """A record that ends in a name, which may be shortened to a pointer."""

    name: str
    before: bytes = b""


Record = bytes | Name


@dataclass(frozen=True)
class Zone:
    """What a negative answer says of the zone that it is about (RFC 2308)."""

    name: str
    primary: str  # its first server
    serial: int
    timers: tuple[int, int, int]  # refresh, retry, expire: seconds
    ttl_s: int  # of negative answers


def query(identification: int, name: str, kind: int, manner: Manner = STUB, cookie: bytes = b"") -> bytes:
    """Return a question for one record of ``name``; ``cookie``: the client's 8 bytes, the server's if known."""
    flags = _RECURSION_DESIRED | (_NO_CHECKING if manner.no_checking else 0)
    message = _Message(identification, flags, name, kind)
    if manner.payload:
        message.options(manner, manner.payload, cookie)
    return message.packed


def answer(
    identification: int,
    name: str,
    kind: int,
    records: tuple[Record, ...],
    ttl_s: int,
    manner: Manner = STUB,
    cookie: bytes = b"",
    *,
    own: bool = False,
) -> bytes:
    """Return an answer whose records of type ``kind`` hold ``records``, as RFC 1035, 3.3 lays each type out.

    ``manner`` is that of the question; ``own``: the server is the authority for the name.
    """
    message = _Message(identification, _flags(manner, own=own), name, kind)
    for record in records:
        message.answer(name, kind, ttl_s, record)
    if manner.payload:
        message.options(manner, _ANSWERED, cookie)
    return message.packed


def address_record(address: str) -> bytes:
    """Return an A record."""
    return ipaddress.IPv4Address(address).packed


def empty_answer(
    identification: int,
    name: str,
    kind: int,
    code: int,
    zone: Zone,
    manner: Manner = STUB,
    cookie: bytes = b"",
    *,
    own: bool = False,
) -> bytes:
    """Return an answer without a record: there is none of this kind, or no such name (RFC 2308)."""
    message = _Message(identification, _flags(manner, own=own) | code, name, kind)
    message.authority(zone)
    if manner.payload:
        message.options(manner, _ANSWERED, cookie)
    return message.packed


def zone_of(name: str) -> Zone:
    """Return what the world says of the zone that ``name`` is in: its last two labels."""
    zone = ".".join(name.split(".")[-2:])
    digest = hashlib.sha256(zone.encode()).digest()
    # The usual way of writing serials: the day of the last change, and its number on that day.
    serial = (2024 + digest[0] % 3) * 1_000_000 + (1 + digest[1] % 12) * 10_000 + (1 + digest[2] % 28) * 100
    refresh = (3600, 7200, 10_800, 14_400, 28_800, 86_400)[digest[3] % 6]
    retry = (600, 900, 1800, 3600)[digest[4] % 4]
    expire = (604_800, 1_209_600, 2_419_200)[digest[5] % 3]
    ttl_s = (300, 600, 900, 1800, 3600)[digest[6] % 5]
    return Zone(zone, f"ns1.{zone}", serial + 1 + digest[7] % 9, (refresh, retry, expire), ttl_s)


def _flags(manner: Manner, *, own: bool) -> int:
    flags = _ANSWER | _RECURSION_DESIRED | _RECURSION_AVAILABLE | (_AUTHORITATIVE if own else 0)
    return flags | (_NO_CHECKING if manner.no_checking else 0)


class _Message:
    """A message that grows record by record, names shortened as RFC 1035, 4.1.4 has it."""

    def __init__(self, identification: int, flags: int, name: str, kind: int) -> None:
        self.body = bytearray(12)
        self.counts = [1, 0, 0, 0]
        self.seen: dict[str, int] = {}
        self.identification, self.flags = identification, flags
        self.name(name)
        self.body += struct.pack("!HH", kind, 1)

    @property
    def packed(self) -> bytes:
        struct.pack_into("!HHHHHH", self.body, 0, self.identification, self.flags, *self.counts)
        return bytes(self.body)

    def name(self, name: str) -> None:
        rest = name
        while rest:
            if rest in self.seen:
                self.body += struct.pack("!H", 0xC000 | self.seen[rest])
                return
            if len(self.body) < _FAR:
                self.seen[rest] = len(self.body)
            label, _, rest = rest.partition(".")
            self.body += bytes([len(label)]) + label.encode()
        self.body.append(0)

    def answer(self, owner: str, kind: int, ttl_s: int, record: Record) -> None:
        self.counts[1] += 1
        self.name(owner)
        self.body += struct.pack("!HHIH", kind, 1, ttl_s, 0)
        begin = len(self.body)
        if isinstance(record, Name):
            self.body += record.before
            self.name(record.name)
        else:
            self.body += record
        struct.pack_into("!H", self.body, begin - 2, len(self.body) - begin)

    def authority(self, zone: Zone) -> None:
        self.counts[2] += 1
        self.name(zone.name)
        self.body += struct.pack("!HHIH", _SOA, 1, zone.ttl_s, 0)
        begin = len(self.body)
        self.name(zone.primary)
        self.name(f"hostmaster.{zone.name}")
        self.body += struct.pack("!IIIII", zone.serial, *zone.timers, zone.ttl_s)
        struct.pack_into("!H", self.body, begin - 2, len(self.body) - begin)

    def options(self, manner: Manner, payload: int, cookie: bytes) -> None:
        self.counts[3] += 1
        option = struct.pack("!HH", _COOKIE, len(cookie)) + cookie if cookie else b""
        flags = _WANTS_DNSSEC if manner.wants_dnssec else 0
        self.body += b"\x00" + struct.pack("!HHIH", _OPT, payload, flags, len(option)) + option


def text_record(text: bytes) -> bytes:
    """Return a TXT record: strings of at most 255 bytes."""
    return b"".join(bytes([len(part)]) + part for part in (text[at : at + 255] for at in range(0, len(text), 255)))


def question_of(message: bytes) -> tuple[str, int] | None:
    """Return name and type that a question asks for; None for what is no question."""
    if message[2] & 0x80:
        return None
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), struct.unpack("!H", message[at + 1 : at + 3])[0]


def multicast_query(name: str, kind: int) -> bytes:
    """Return an mDNS question (RFC 6762): no identification, no recursion."""
    return struct.pack("!HHHHHH", 0, 0, 1, 0, 0, 0) + _question(name, kind)


def link_local_query(identification: int, name: str) -> bytes:
    """Return an LLMNR question (RFC 4795)."""
    return struct.pack("!HHHHHH", identification, 0, 1, 0, 0, 0) + _question(name, A)


def netbios_query(identification: int, name: str, suffix: int) -> bytes:
    """Return a NetBIOS name query to everybody (RFC 1002, 4.2.12)."""
    padded = name[:15].upper().ljust(15).encode() + bytes([suffix])
    encoded = b"".join(bytes([0x41 + (byte >> 4), 0x41 + (byte & 15)]) for byte in padded)
    question = b"\x20" + encoded + b"\x00" + struct.pack("!HH", NETBIOS, 1)
    return struct.pack("!HHHHHH", identification, 0x0110, 1, 0, 0, 0) + question


def encode_name(name: str) -> bytes:
    """Return ``name`` as length-prefixed labels."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\x00"


def _question(name: str, kind: int) -> bytes:
    return encode_name(name) + struct.pack("!HH", kind, 1)


_RENEWED_AFTER_S = 1800  # RFC 9018, 4.3: a server gives a new one when half an hour has passed
_FIRST_S = 1200  # so long before the recording, at most, the first one was given


class Cookies:
    """What both have given each other so far; ``secret`` makes them this case's."""

    def __init__(self, secret: bytes, begin_ns: int) -> None:
        digest = hashlib.sha256(secret).digest()
        self._secret = digest
        self._client = digest[:8]
        begin_s = begin_ns // SECOND - int.from_bytes(digest[8:10]) % _FIRST_S
        self._given = [(begin_s * SECOND, self._server(begin_s))]  # since when, in the order of time

    def asked(self, at_ns: int) -> bytes:
        """Return what a question at ``at_ns`` carries: the last that was given until then."""
        return self._client + next(server for since, server in reversed(self._given) if since <= at_ns)

    def answered(self, at_ns: int) -> bytes:
        """Return what the answer at ``at_ns`` carries."""
        since = self._given[-1][0]
        if at_ns - since > _RENEWED_AFTER_S * SECOND:
            self._given.append((at_ns, self._server(at_ns // SECOND)))
        return self._client + next(server for since, server in reversed(self._given) if since <= at_ns)

    def _server(self, at_s: int) -> bytes:
        stamp = struct.pack("!I", at_s)
        return b"\x01\x00\x00\x00" + stamp + hashlib.sha256(self._secret + stamp).digest()[:8]
