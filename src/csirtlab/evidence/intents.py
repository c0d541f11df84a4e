"""What people and programs want from the network; the network decides what that takes."""

from dataclasses import dataclass
from enum import Enum

from csirtlab.evidence.model import FactValue, Host, Knock, Paper
from csirtlab.evidence.protocols import dns
from csirtlab.evidence.protocols.dialogues import Dialogue
from csirtlab.evidence.protocols.records import Record


@dataclass(frozen=True, slots=True)
class Connect:
    """Talk to a server; its name is looked up first if it is not known."""

    at_ns: int
    host: Host
    server: Host
    port: int
    dialogue: Dialogue
    label: str
    by_name: bool = True  # False: the program has the address and asks nobody


@dataclass(frozen=True, slots=True)
class AskTime:
    """Ask a time server; ``poll`` is the interval's exponent that the question carries."""

    at_ns: int
    host: Host
    server: Host
    poll: int
    label: str


@dataclass(frozen=True, slots=True)
class AskName:
    """Ask for a name that does not exist."""

    at_ns: int
    host: Host
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the site's resolver for a name that its owner's server answers at once; nobody has it in a cache."""

    at_ns: int
    host: Host
    name: str
    kind: int  # record type
    records: tuple[dns.Record, ...]  # of the answer
    ttl_s: int
    label: str


@dataclass(frozen=True, slots=True)
class Seek:
    """Ask the LAN for an address that nobody has, as whoever scans it does."""

    at_ns: int
    host: Host
    address: str
    label: str


class Announcement(Enum):
    """What a host tells everybody."""

    MDNS = "mdns"
    SSDP = "ssdp"
    NETBIOS = "netbios"
    DHCP = "dhcp"
    GROUPS = "multicast groups, over IPv6"
    ROUTER = "is there an IPv6 router"
    DHCPV6 = "is there a DHCPv6 server"


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell everybody on the LAN something, or renew the lease."""

    at_ns: int
    host: Host
    kind: Announcement
    label: str


@dataclass(frozen=True, slots=True)
class Log:
    """Let a program write a line that no packet of the capture explains."""

    record: Record
    label: str

    @property
    def at_ns(self) -> int:
        """When it is written."""
        return self.record.at_ns


@dataclass(frozen=True, slots=True)
class Note:
    """Remember a value for the facts that only this action knows: one of its verb's ``facts``."""

    label: str
    name: str
    value: FactValue


Wish = Connect | AskTime | AskName | Ask | Seek | Announce | Knock | Log
"""What the network carries out."""

Remark = Note | Paper
"""What an action says besides; the network knows nothing of it."""
