"""The words with which a scenario is written: systems, actions and their parameters, measures.

This says what may stand in a file; ``csirtlab.evidence`` gives each word its behaviour.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from csirtlab.content.labs import Form

SYSTEMS: Mapping[str, str] = {
    "windows-11": "windows",
    "windows-10": "windows",
    "windows-server": "windows",
    "macos": "macos",
    "linux": "linux",
    "printer": "printer",
    "router": "router",
}
"""Operating systems of hosts, each with its family."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of an action: a range ``[low, high]`` that must lie within these bounds."""

    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Verb:
    """An action that hosts can do."""

    meaning: str
    parameters: Mapping[str, Parameter]
    target: str | None = "service"  # what ``to`` names: a [[service]], a group of hosts, or nothing
    needs_client: bool = False  # it says which software speaks: ``client = "..."``


CLIENTS = ("browser", "system", "library")
"""Whose TLS speaks: a browser's, the operating system's own, or a programming library's."""

_EXCHANGE = {
    "interval_s": Parameter(5, 3600, "seconds from one connection to the next"),
    "jitter": Parameter(0, 0.9, "how far an interval strays from its length, as a share of it"),
    "request_bytes": Parameter(40, 60_000, "bytes that the client sends, before encryption"),
    "response_bytes": Parameter(40, 400_000, "bytes that the server answers, before encryption"),
}

VERBS: Mapping[str, Verb] = {
    "browse": Verb(
        "people read web pages over TLS: a site, then what its pages fetch from others",
        {
            "sessions_per_hour": Parameter(0.1, 30, "how often a person sits down to read"),
            "pages": Parameter(1, 60, "pages read in one sitting"),
            "third_parties": Parameter(0, 12, "other sites that one page fetches from"),
            "response_bytes": Parameter(100, 2_000_000, "bytes of one answer, before encryption"),
        },
        needs_client=True,
    ),
    "intranet": Verb(
        "people read pages of a server inside the site, over plain HTTP",
        {
            "pages_per_hour": Parameter(0.1, 120, "pages that one host reads"),
            "response_bytes": Parameter(100, 400_000, "bytes of one page"),
        },
        target="group",
    ),
    "update": Verb(
        "the operating system fetches updates over plain HTTP",
        {
            "times": Parameter(0, 20, "fetches per host in the window"),
            "response_bytes": Parameter(500, 4_000_000, "bytes of one file"),
        },
    ),
    "clock": Verb(
        "a host asks a time server, again and again",
        {"interval_s": Parameter(16, 7200, "seconds from one question to the next")},
    ),
    "stray-lookups": Verb(
        "names that do not exist: typing mistakes, old servers, suffix searches",
        {"times_per_hour": Parameter(0.1, 60, "names that one host asks for in vain")},
        target=None,
    ),
    "announce": Verb(
        "hosts say who they are on the local network: mDNS, SSDP, NetBIOS; DHCP leases are renewed",
        {"times_per_hour": Parameter(0.1, 60, "announcements of one host")},
        target=None,
    ),
    "chat": Verb(
        "a web application that asks in bursts, whenever its person is active",
        {
            "connections": Parameter(1, 2000, "connections in the window"),
            "bursts": Parameter(1, 200, "bursts in which they come"),
            "request_bytes": Parameter(40, 60_000, "bytes that the client sends, before encryption"),
            "response_bytes": Parameter(40, 400_000, "bytes that the server answers, before encryption"),
        },
        needs_client=True,
    ),
    "beacon": Verb(
        "an implant calls home over HTTPS and now and then gets a task",
        {
            **_EXCHANGE,
            "tasks": Parameter(0, 50, "calls in the window that get a task and send a result"),
            "task_bytes": Parameter(100, 400_000, "bytes of a task, before encryption"),
            "result_bytes": Parameter(100, 400_000, "bytes of a result, before encryption"),
        },
        needs_client=True,
    ),
    "check-in": Verb(
        "harmless software reports to its maker over HTTPS, like clockwork",
        _EXCHANGE,
        needs_client=True,
    ),
}
"""Actions and their parameters."""

MEASURES: Mapping[str, Mapping[str, Form]] = {
    "host": {"address": Form.ADDRESS, "name": Form.TEXT, "mac": Form.TEXT, "server_names": Form.SET},
    "capture": {
        "frames": Form.COUNT,
        "length": Form.DURATION,
        "top_host": Form.TEXT,
        "top_pair": Form.SET,
        "windows_hosts": Form.SET,
    },
    "service": {"address": Form.ADDRESS, "name": Form.DOMAIN},
    "action": {
        "first_start": Form.TIME,
        "last_start": Form.TIME,
        "median_gap": Form.DURATION,
        "count": Form.COUNT,
        "bytes_out": Form.BYTES,
        "bytes_in": Form.BYTES,
        "first_lookup": Form.TIME,
    },
}
"""What a fact can be: measures of the whole capture, of a cast host, of a cast service, of what an action did."""

WITNESSES: Mapping[str, str] = {
    "beacon.client": "the host whose calls to one server are regular without being exact",
    "beacon.server": "the address that it calls",
    "beacon.name": "the name in the ClientHellos of those calls",
    "beacon.first_lookup": "the first DNS question for that name",
    "beacon.first_start": "the SYN of the first of those calls",
    "beacon.median_gap": "the median of the seconds between their SYNs",
    "beacon.count": "how many calls there are",
    "beacon.bytes_out": "payload that the host sent in them, each byte once",
    "capture.frames": "how many frames there are",
    "capture.length": "seconds from the first frame to the last",
    "capture.top_host": "the name, in the asset list, of the host that sends and receives the most bytes",
    "capture.top_pair": "the two addresses that exchange the most bytes",
    "capture.windows_hosts": "who opens connections with a TTL of 128",
    "router.mac": "the Ethernet address that frames from outside come from",
    "unlisted.address": "the address that speaks and is not in the asset list",
    "unlisted.mac": "its Ethernet address",
    "unlisted.name": "the name that it gives when it renews its lease",
    "kiosk.server_names": "the names in the ClientHellos of the host whose role is kiosk",
    "timer.client": "the host whose calls to one server are the most exact",
    "timer.name": "the name in the ClientHellos of those calls",
}
"""Solvers that find a fact in the evidence alone; ``csirtlab.proofs`` gives each its behaviour."""

GUESSES: Mapping[str, str] = {
    "most-connections.client": "who opens the most connections to one server",
    "most-connections.server": "that server",
    "most-bytes.client": "who sends the most payload to one address",
    "most-bytes.server": "that address",
    "first-connection.client": "who opens the first connection of the capture",
    "first-connection.server": "to whom",
    "busiest-host": "who opens the most connections in all",
}
"""What somebody guesses who does not look; a guess must hardly ever be right."""

TAKES = ("count", "sum", "set", "only", "first", "last")
"""What a filter witness makes of the values that its filter lets pass."""

FIELDS = ("ttl", "length", "client port", "mac", "minute", "identification", "window", "options")
"""Fields of a packet that carry no meaning; none may separate the incident from the rest."""
