"""A second opinion on what flows are: nDPI names a protocol by looking into them, never by their port."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from csirtlab.errors import EvidenceError

PROTOCOLS = {
    22: "SSH", 23: "Telnet", 2323: "Telnet", 25: "SMTP", 53: "DNS", 67: "DHCP", 80: "HTTP", 123: "NTP", 137: "NetBIOS",
    443: "TLS", 445: "SMBv23", 465: "SMTPS", 502: "Modbus", 587: "SMTP", 993: "IMAPS", 1900: "SSDP",
    3128: "HTTP", 5353: "MDNS", 5355: "LLMNR", 8080: "HTTP",
}  # fmt: skip
"""What a flow to each of these ports is meant to be, in nDPI's words."""

_ALSO = {"HTTP_Connect": "HTTP"}  # a tunnel through a proxy

# 1  TCP 10.0.0.1:50001 <-> 192.0.2.1:443 [proto: 91/TLS][Encrypted][Confidence: DPI][...][Goodput ratio: 1/2]
_FLOW = re.compile(
    r"^\s+\d+\s+(?:TCP|UDP) \S+:(?P<from>\d+) (?:<->|->) \S+:(?P<to>\d+) \[proto: [\d.]+/(?P<protocol>[^\]]+)\]"
    r".*?\[Confidence: (?P<how>[^\]]+)\].*?\[Goodput ratio: (?P<there>\d+)/(?P<back>\d+)\]"
)
_SECONDS = 120


class Agreement(NamedTuple):
    """How many of the flows that carry something are named as they are meant."""

    agreed: int
    flows: int


def ndpi_agreement(capture: Path) -> Agreement | None:
    """Return how far nDPI agrees with what the flows of ``capture`` are meant to be; None where it is not installed.

    Flows to ports that mean nothing in particular, and flows without payload (port scans), do not count.

    Raises:
        EvidenceError: ndpiReader cannot read the capture.
    """
    reader = shutil.which("ndpiReader")
    if reader is None:
        return None
    command = [reader, "-i", str(capture), "-v", "2"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=_SECONDS)
    if done.returncode:
        raise EvidenceError(f"{capture}: ndpiReader gives up. Name a whole pcap file.")
    return count_agreement(done.stdout)


def count_agreement(listing: str) -> Agreement:
    """Return the agreement that a listing of ``ndpiReader -v 2`` shows."""
    agreed = flows = 0
    for flow_match in filter(None, map(_FLOW.match, listing.splitlines())):
        meant = PROTOCOLS.get(int(flow_match["to"])) or PROTOCOLS.get(int(flow_match["from"]))
        if meant is None or (flow_match["there"] == "0" and flow_match["back"] == "0"):
            continue
        flows += 1
        named = {_ALSO.get(name, name) for name in flow_match["protocol"].split(".")}
        agreed += flow_match["how"] == "DPI" and meant in named
    return Agreement(agreed, flows)
