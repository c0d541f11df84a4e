"""What people and programs want from the network; the network decides what that takes."""

from dataclasses import dataclass
from enum import Enum
from random import Random

from csirtlab.content.scenarios import Action
from csirtlab.evidence.model import FactValue, FileArtifact, Host, SynProbe
from csirtlab.evidence.protocols import dns
from csirtlab.evidence.protocols.dialogues import Dialogue, Record
from csirtlab.evidence.sampling import SECOND, between, bounded_pareto, chance, whole
from csirtlab.evidence.topology import Topology


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
class ArpProbe:
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
class RecordedFact:
    """Remember a value for the facts that only this action knows: one of its verb's ``facts``."""

    label: str
    name: str
    value: FactValue


Intent = Connect | AskTime | AskName | Ask | ArpProbe | Announce | SynProbe | Log
"""What the network simulates."""

Output = RecordedFact | FileArtifact
"""What an action puts out besides; the network knows nothing of it."""


_HOUR = 3600 * SECOND


@dataclass(frozen=True, slots=True)
class ActionContext:
    """An action of one host."""

    topology: Topology
    action: Action
    host: Host
    servers: tuple[Host, ...]
    rng: Random

    def others(self, part: str) -> tuple[Host, ...]:
        """Return who else takes part, as the scenario names them for this action."""
        name = self.action.others[part]
        return self.topology.services.get(name) or self.topology.groups[name]

    @property
    def tls_client(self) -> str:
        """Return whose TLS the action speaks on this host; only Windows has one that all its programs share."""
        client = self.action.client or "library"
        return "library" if client == "system" and self.host.stack.family != "windows" else client

    def draw(self, parameter: str) -> float:
        """Return a number of a parameter's range, uniform."""
        return between(self.rng, *self.action.ranges[parameter])

    def draw_pareto(self, parameter: str) -> int:
        """Return a whole number of a parameter's range, mostly small."""
        return int(bounded_pareto(self.rng, *self.action.ranges[parameter]))

    def draw_whole(self, parameter: str) -> int:
        """Return a whole number of a parameter's range, both ends included."""
        low, high = self.action.ranges[parameter]
        return whole(self.rng, int(low), int(high))

    def times(self, per_hour: float) -> list[int]:
        """Return instants all over the window, ``per_hour`` on average."""
        length = self.topology.end_ns - self.topology.begin_ns
        expected = per_hour * length / _HOUR
        count = int(expected) + (1 if chance(self.rng, expected - int(expected)) else 0)
        return sorted(self.topology.begin_ns + int(length * self.rng.random()) for _ in range(count))
