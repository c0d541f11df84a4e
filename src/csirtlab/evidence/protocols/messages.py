"""Single messages of the protocols that keep a LAN going: NTP, ARP, DHCP, SSDP."""

import ipaddress
import struct
from collections.abc import Mapping
from random import Random

from csirtlab.evidence.sampling import SECOND, bits, pick, whole
from csirtlab.evidence.seeds import stream

BROADCAST_MAC = b"\xff" * 6
_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970 (RFC 5905)


def time_question(clock: int, poll: int, *, is_windows: bool) -> bytes:
    """Return an NTP client's question; ``clock`` is the transmit field, see ``ntp_time``."""
    # RFC 9109 and the data minimisation draft: newer clients say nothing but the transmit field.
    leap, stratum, precision = (3, 0, 0xE9) if is_windows else (0, 0, 0x20)
    head = struct.pack("!BBBB", leap << 6 | 4 << 3 | 3, stratum, poll, precision)
    return head + b"\x00" * 36 + struct.pack("!Q", clock)


def time_answer(rng: Random, server: str, origin: int, received_ns: int, poll: int) -> bytes:
    """Return the answer of time server ``server``, which got the question at ``received_ns`` on its clock."""
    habits = stream(server.encode(), "ntp server")
    stratum = pick(habits, (1, 2, 2, 2, 3))
    delay, dispersion = whole(habits, 20, 2600), whole(habits, 15, 2400)
    reference = b"GPS\x00" if stratum == 1 else bytes([192, 0, 2, whole(habits, 1, 254)])
    # It sets its clock at instants of its own, so that the time of the last one never runs back.
    every_s, phase_ns = 1 << whole(habits, 6, 10), bits(habits, 36)
    synchronised = received_ns - (received_ns + phase_ns) % (every_s * SECOND)
    sent_ns = received_ns + whole(rng, 15_000, 90_000)
    return (
        struct.pack("!BBBB", 4 << 3 | 4, stratum, poll, 0xE8)
        + struct.pack("!II", delay if stratum > 1 else 0, dispersion)
        + reference
        + struct.pack("!QQQQ", ntp_time(synchronised), origin, ntp_time(received_ns), ntp_time(sent_ns))
    )


def ntp_time(at_ns: int) -> int:
    """Return a time as NTP's 64 bits: seconds since 1900 and their binary fraction."""
    seconds, rest = divmod(at_ns, SECOND)
    return (seconds + _NTP_EPOCH) << 32 | (rest << 32) // SECOND


def arp_frame(
    *, is_reply: bool, sender_mac: bytes, sender: str, target_mac: bytes, target: str, to_everybody: bool
) -> bytes:
    """Return a whole Ethernet frame with an ARP question or answer (RFC 826), padded to 60 bytes."""
    ethernet = (BROADCAST_MAC if to_everybody else target_mac) + sender_mac + b"\x08\x06"
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2 if is_reply else 1)
    asked = target_mac if is_reply else b"\x00" * 6
    body = sender_mac + ipaddress.IPv4Address(sender).packed + asked + ipaddress.IPv4Address(target).packed
    return (ethernet + head + body).ljust(60, b"\x00")


_DHCP_WISHES: Mapping[str, tuple[int, ...]] = {
    "windows": (1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252),
    "linux": (1, 2, 6, 12, 15, 26, 28, 121, 3, 33, 40, 41, 42, 119, 249, 252, 17),  # NetworkManager
    "macos": (1, 121, 3, 6, 15, 108, 114, 119, 252),
    "printer": (6, 3, 1, 15, 66, 67, 13, 44, 12),
}
"""What each family of systems asks for, in its order (option 55); others ask as BusyBox' udhcpc does."""
_UDHCPC = (1, 3, 6, 12, 15, 28, 42)


def dhcp_renewal(transaction: int, mac: bytes, address: str, host_name: str, family: str) -> bytes:
    """Return the request with which a host renews its lease (RFC 2131, 4.3.6)."""
    intents = _DHCP_WISHES.get(family, _UDHCPC)
    options = b"\x35\x01\x03\x3d\x07\x01" + mac + _text_option(12, host_name)
    if family == "windows":  # RFC 4702: its full name, too
        options += bytes([81, 3 + len(host_name)]) + b"\x00\x00\x00" + host_name.encode() + _text_option(60, "MSFT 5.0")
    elif family not in _DHCP_WISHES:
        options += _text_option(60, "udhcp 1.24.1")
    options += bytes([55, len(intents), *intents])
    return _dhcp(1, transaction, mac, ipaddress.IPv4Address(address).packed, b"\x00" * 4, options)


def dhcp_acknowledgment(
    transaction: int, mac: bytes, address: str, *, server: str, router: str, domain: str, lease_s: int
) -> bytes:
    """Return the answer to a renewal."""
    packed_server, packed_router = ipaddress.IPv4Address(server).packed, ipaddress.IPv4Address(router).packed
    options = (
        b"\x35\x01\x05"
        + b"\x3a\x04" + struct.pack("!I", lease_s // 2)
        + b"\x3b\x04" + struct.pack("!I", lease_s * 7 // 8)
        + b"\x33\x04" + struct.pack("!I", lease_s)
        + b"\x36\x04" + packed_server
        + b"\x01\x04\xff\xff\xff\x00"
        + b"\x03\x04" + packed_router
        + b"\x06\x04" + packed_server
        + _text_option(15, domain)
    )  # fmt: skip
    packed = ipaddress.IPv4Address(address).packed
    return _dhcp(2, transaction, mac, packed, packed, options)


def search_request(family: str) -> bytes:
    """Return an SSDP search for screens to send to, as Chrome on that family of systems sends it (UPnP 1.1, 1.3.2)."""
    system = {"windows": "Windows", "macos": "Mac OS X"}.get(family, "Linux")
    agent = f"Google Chrome/156.0.7412.58 {system}"
    return (
        'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\n'
        f"ST: urn:dial-multiscreen-org:service:dial:1\r\nUSER-AGENT: {agent}\r\n\r\n"
    ).encode()


def multicast_mac(address: str) -> bytes:
    """Return the Ethernet address of an IPv4 group (RFC 1112, 6.4)."""
    packed = ipaddress.IPv4Address(address).packed
    return b"\x01\x00\x5e" + bytes([packed[1] & 0x7F]) + packed[2:]


def _dhcp(operation: int, transaction: int, mac: bytes, client: bytes, yours: bytes, options: bytes) -> bytes:
    head = struct.pack("!BBBBIHH", operation, 1, 6, 0, transaction, 0, 0)
    addresses = client + yours + b"\x00" * 8
    packed = head + addresses + mac.ljust(16, b"\x00") + b"\x00" * 192 + b"\x63\x82\x53\x63" + options + b"\xff"
    return packed.ljust(300, b"\x00")


def _text_option(code: int, text: str) -> bytes:
    return bytes([code, len(text)]) + text.encode()
