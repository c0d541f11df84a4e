"""What a plan is made of: hosts, flows between them, packets; and the connections of it that were simulated last."""

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from csirtlab.evidence.protocols.dialogues import Dialogue, Record
from csirtlab.evidence.protocols.stacks import Stack

FactValue = str | int | float | dt.datetime | frozenset[str] | tuple[object, ...]
"""A fact of the ground truth as a plain value; instants are aware UTC, durations are seconds."""


@dataclass(frozen=True, slots=True)
class Link:
    """The way from the sensor to a server outside; of a host inside, the switch."""

    rtt_ns: int  # there and back, in a quiet moment
    hops: int  # routers that take one off the TTL
    loss: float  # share of segments that are lost on it
    pace_ns: int  # between two full segments when they come at full speed
    mss: int


@dataclass(frozen=True, slots=True)
class Host:
    """A machine, inside the site or outside."""

    name: str  # inside: its host name; outside: a DNS name
    role: str
    group: str
    address: str
    mac: bytes  # outside: the router's, as seen on the LAN
    stack: Stack
    link: Link
    inside: bool
    clock_ns: int  # its clock minus true time
    ticks: int  # its TCP timestamp clock at the capture's start (ms)
    lookup_ttl_s: int = 0  # outside: the TTL of its DNS record


class Reply(Enum):
    """What answers a SYN."""

    OPEN = "SYN-ACK"
    CLOSED = "RST"
    NONE = "silence"


@dataclass(frozen=True, slots=True)
class SynProbe:
    """A SYN that is not meant to become a conversation, as port scanners send it; flow and intent in one."""

    at_ns: int  # when the SYN passes the sensor
    host: Host
    server: Host
    port: int
    reply: Reply
    label: str
    tool: str  # whose SYN it is: one of ``csirtlab.evidence.probes.TOOLS``
    client_port: int = 0  # 0: the network gives one
    index: int = 0  # given by the network

    @property
    def start_ns(self) -> int:
        """When it starts, as other flows say it."""
        return self.at_ns


@dataclass(frozen=True, slots=True)
class TcpFlow:
    """One TCP connection; its packets grow from ``seed`` when they are written."""

    start_ns: int  # when its SYN passes the sensor
    client: Host
    server: Host
    client_port: int
    server_port: int
    dialogue: Dialogue
    label: str  # id of the action that wanted it
    index: int


@dataclass(frozen=True, slots=True)
class Datagram:
    """A UDP payload, and when it passes the sensor."""

    at_ns: int
    sender: Host
    target: str  # address
    target_mac: bytes
    sender_port: int
    target_port: int
    payload: bytes
    ttl: int = 0  # 0: what the sender's system says


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A whole frame: ARP, or what hosts say over IPv6."""

    at_ns: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """A few datagrams or frames that belong together: a lookup, a question for the time."""

    start_ns: int
    parts: tuple[Datagram | RawFrame, ...]
    label: str
    asks_for: str = ""  # of a DNS lookup: the name
    records: tuple[Record, ...] = ()  # what is written about it


Flow = TcpFlow | Exchange | SynProbe


class Segment(NamedTuple):
    """An IP packet on its way to the file: TCP, or UDP when ``options`` is None."""

    at_ns: int
    sender: Host
    target_mac: bytes
    target: str
    sender_port: int
    target_port: int
    payload: bytes
    ttl: int
    identification: int  # -1: the next of the sender's own counter
    dont_fragment: bool
    options: bytes | None
    sequence: int = 0
    acknowledgment: int = 0
    flags: int = 0
    window: int = 0


class Connection(NamedTuple):
    """A TCP flow, simulated."""

    segments: tuple[Segment, ...]  # in the order in which they pass the sensor
    records: tuple[Record, ...]  # what the programs at both ends write into logs, in the order of the turns
    turn_times: tuple[int, ...]  # for each turn of the dialogue, when its last segment passes the sensor


class ConnectionCache:
    """The connections of a plan that were simulated last, as many as have ``most`` segments together.

    Of a case as labs have it these are all: measures, logs and copies of a capture look at each again and again. Of
    a capture that is larger, memory holds no more than these.
    """

    def __init__(self, most: int = 32_000) -> None:
        self.most = most
        self._kept: OrderedDict[int, tuple[TcpFlow, Connection]] = OrderedDict()
        self._segments = 0

    def get(self, flow: TcpFlow) -> Connection | None:
        """Return the connection of this very flow, if it is kept."""
        kept = self._kept.get(flow.index)
        if kept is None or kept[0] is not flow:  # a plan's flow may be replaced by one of the same index
            return None
        self._kept.move_to_end(flow.index)
        return kept[1]

    def keep(self, flow: TcpFlow, connection: Connection) -> None:
        """Keep a connection, and let go of those that nobody has asked for the longest."""
        if replaced := self._kept.pop(flow.index, None):
            self._segments -= len(replaced[1].segments)
        self._kept[flow.index] = (flow, connection)
        self._segments += len(connection.segments)
        while self._segments > self.most:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._segments -= len(oldest.segments)


@dataclass(frozen=True, slots=True)
class Plan:
    """A case, complete: who is there and what passes the sensor between ``begin_ns`` and ``end_ns``.

    ``flows`` are in the order of their starts.
    """

    seed: bytes
    begin_ns: int
    end_ns: int
    site_domain: str
    hosts: tuple[Host, ...]  # inside, in the order of the asset list
    named_hosts: Mapping[str, Host]  # actors and services that the scenario names
    flows: tuple[Flow, ...]
    records: tuple[Record, ...] = ()  # log lines that no flow explains
    recorded_facts: Mapping[tuple[str, str], FactValue] = field(default_factory=dict)  # (action, name) -> value
    artifacts: "tuple[FileArtifact, ...]" = ()  # files besides capture, asset list and logs
    connections: ConnectionCache = field(default_factory=ConnectionCache, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FileArtifact:
    """A whole file of the evidence; its bytes may depend on the finished plan."""

    name: str  # relative, with / between folders
    content: "bytes | Callable[[Plan], bytes]"
    # Of a log: its lines in order, each with the id of the action that it comes from.
    labelled: "Callable[[Plan], list[tuple[str, str]]] | None" = None
