"""DNS messages (RFC 1035), their multicast cousins mDNS and LLMNR, and NetBIOS name queries."""

import ipaddress
import struct

A, CNAME, NULL, PTR, MX, TXT, AAAA, NETBIOS = 1, 5, 10, 12, 15, 16, 28, 32
KINDS = {"A": A, "CNAME": CNAME, "NULL": NULL, "MX": MX, "TXT": TXT, "AAAA": AAAA}
"""Record types that scenarios may name."""
NO_ERROR, NO_SUCH_NAME = 0, 3
_RECURSION_DESIRED, _RECURSION_AVAILABLE, _ANSWER, _AUTHORITATIVE = 0x0100, 0x0080, 0x8000, 0x0400
_POINTER = b"\xc0\x0c"  # to the name in the question
# RFC 6891: a UDP payload of 1232 bytes (DNS flag day 2020), nothing else.
_EDNS = b"\x00" + struct.pack("!HHIH", 41, 1232, 0, 0)


def query(identification: int, name: str, kind: int, *, edns: bool = False) -> bytes:
    """Return a question for one record of ``name``."""
    head = struct.pack("!HHHHHH", identification, _RECURSION_DESIRED, 1, 0, 0, int(edns))
    return head + _question(name, kind) + (_EDNS if edns else b"")


def address_answer(
    identification: int, name: str, address: str, ttl_s: int, *, alias: str = "", edns: bool = False, own: bool = False
) -> bytes:
    """Return the answer to an A question; with ``alias`` it goes through a CNAME; ``own``: authoritative."""
    flags = _ANSWER | _RECURSION_DESIRED | _RECURSION_AVAILABLE | (_AUTHORITATIVE if own else 0)
    records = []
    owner = _POINTER
    if alias:
        target = encode_name(alias)
        records.append(owner + struct.pack("!HHIH", 5, 1, ttl_s, len(target)) + target)
        owner = target
    records.append(owner + struct.pack("!HHIH", A, 1, ttl_s, 4) + ipaddress.IPv4Address(address).packed)
    head = struct.pack("!HHHHHH", identification, flags, 1, len(records), 0, int(edns))
    return head + _question(name, A) + b"".join(records) + (_EDNS if edns else b"")


def answer(identification: int, name: str, kind: int, records: tuple[bytes, ...], ttl_s: int, *, edns: bool) -> bytes:
    """Return an answer whose records of type ``kind`` hold ``records``, as RFC 1035, 3.3 lays each type out."""
    flags = _ANSWER | _RECURSION_DESIRED | _RECURSION_AVAILABLE
    head = struct.pack("!HHHHHH", identification, flags, 1, len(records), 0, int(edns))
    packed = b"".join(_POINTER + struct.pack("!HHIH", kind, 1, ttl_s, len(record)) + record for record in records)
    return head + _question(name, kind) + packed + (_EDNS if edns else b"")


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


def empty_answer(
    identification: int, name: str, kind: int, code: int, *, ttl_s: int = 900, edns: bool = False
) -> bytes:
    """Return an answer without a record: there is none of this kind, or no such name (RFC 2308)."""
    flags = _ANSWER | _RECURSION_DESIRED | _RECURSION_AVAILABLE | code
    zone = ".".join(name.split(".")[-2:])
    source = encode_name(f"ns1.{zone}") + encode_name(f"hostmaster.{zone}")
    source += struct.pack("!IIIII", 2026010101, 7200, 3600, 1_209_600, ttl_s)
    authority = encode_name(zone) + struct.pack("!HHIH", 6, 1, ttl_s, len(source)) + source
    head = struct.pack("!HHHHHH", identification, flags, 1, 0, 1, int(edns))
    return head + _question(name, kind) + authority + (_EDNS if edns else b"")


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
