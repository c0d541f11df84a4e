"""What hosts say over IPv6 on a LAN that has no IPv6 router: whole frames, from link-local addresses.

Source: RFC 8200, RFC 2464 (Ethernet), RFC 4861 (router solicitation), RFC 3810 (MLDv2 reports), RFC 8415 (DHCPv6),
RFC 6762 and RFC 4795 (the groups of mDNS and LLMNR).
"""

import ipaddress
import struct

from csirtlab.evidence.capture import checksum
from csirtlab.evidence.model import Host
from csirtlab.evidence.sampling import noise
from csirtlab.evidence.seeds import stream

MDNS, LLMNR, _DHCP, _ROUTERS, _MLD = "ff02::fb", "ff02::1:3", "ff02::1:2", "ff02::2", "ff02::16"
_UDP, _ICMP, _HOP_BY_HOP = 17, 58, 0
_ROUTER_ALERT = bytes.fromhex("3a00050200000100")  # the next header is ICMPv6; RFC 2711


def link_local(host: Host) -> bytes:
    """Return the address that a host gives itself: of its Ethernet address, or one that tells nothing (RFC 7217)."""
    if host.stack.family in ("printer", "router"):
        mac = host.mac
        identifier = bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    else:
        identifier = noise(stream(host.mac, "interface identifier"), 8)
    return b"\xfe\x80" + bytes(6) + identifier


def to_group(host: Host, group: str, port: int, target_port: int, payload: bytes, *, hops: int) -> bytes:
    """Return the frame of a datagram to a multicast group."""
    source, target = link_local(host), ipaddress.IPv6Address(group).packed
    length = 8 + len(payload)
    pseudo = source + target + struct.pack("!II", length, _UDP)
    head = struct.pack("!HHH", port, target_port, length)
    total = checksum(pseudo + head + b"\0\0" + payload) or 0xFFFF
    return _frame(host, target, _UDP, hops, head + struct.pack("!H", total) + payload)


def group_report(host: Host) -> bytes:
    """Return the report with which a host joins the groups that it listens to (MLDv2)."""
    source = link_local(host)
    groups = [ipaddress.IPv6Address(MDNS).packed, bytes.fromhex("ff0200000000000000000001ff") + source[-3:]]
    if host.stack.family == "windows":
        groups.append(ipaddress.IPv6Address(LLMNR).packed)
    records = b"".join(struct.pack("!BBH", 4, 0, 0) + group for group in groups)  # 4: now excluding nobody
    message = struct.pack("!BBHHH", 143, 0, 0, 0, len(groups)) + records
    target = ipaddress.IPv6Address(_MLD).packed
    return _frame(host, target, _HOP_BY_HOP, 1, _ROUTER_ALERT + _with_checksum(source, target, message))


def router_question(host: Host) -> bytes:
    """Return the question whether a router is there; on this LAN none answers over IPv6."""
    source, target = link_local(host), ipaddress.IPv6Address(_ROUTERS).packed
    message = struct.pack("!BBHI", 133, 0, 0, 0) + b"\x01\x01" + host.mac
    return _frame(host, target, _ICMP, 255, _with_checksum(source, target, message))


def dhcp_question(host: Host, transaction: int, waited_s: int, domain: str) -> bytes:
    """Return the solicitation with which Windows looks for a DHCPv6 server; none answers."""
    birth = stream(host.mac, "duid")
    identifier = struct.pack("!HH", 1, 1) + noise(birth, 4) + host.mac  # RFC 8415, 11.2
    name = b"".join(bytes([len(label)]) + label.encode() for label in f"{host.name}.{domain}".split("."))
    options = (
        (8, struct.pack("!H", min(0xFFFF, waited_s * 100))),
        (1, identifier),
        (3, bytes([6]) + host.mac[:3] + bytes(8)),
        (39, b"\0" + name + b"\0"),
        (16, struct.pack("!IH", 311, 8) + b"MSFT 5.0"),
        (6, struct.pack("!HHHH", 24, 23, 17, 39)),
    )
    packed = b"".join(struct.pack("!HH", kind, len(content)) + content for kind, content in options)
    return to_group(host, _DHCP, 546, 547, struct.pack("!I", 1 << 24 | transaction) + packed, hops=1)


def _with_checksum(source: bytes, target: bytes, message: bytes) -> bytes:
    pseudo = source + target + struct.pack("!II", len(message), _ICMP)
    return message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]


def _frame(host: Host, target: bytes, following: int, hops: int, content: bytes) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(content), following, hops)
    return b"\x33\x33" + target[-4:] + host.mac + b"\x86\xdd" + head + link_local(host) + target + content
