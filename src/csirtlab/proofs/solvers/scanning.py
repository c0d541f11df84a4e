"""Who scans, found by counting to how many hosts and ports one address sends SYNs."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.tshark import Pair, is_syn

_SYN_ACK = 0x12


def _inside(view: CaptureView) -> set[str]:
    return {row["address"] for row in view.assets}


def _sweeper(view: CaptureView) -> tuple[str, frozenset[str]]:
    """Return the address outside that sends SYNs to most hosts of the site, and those hosts."""
    inside = _inside(view)
    hosts: defaultdict[str, set[str]] = defaultdict(set)
    for frame in view.frames:
        if is_syn(frame) and frame["ip.src"] not in inside and frame["ip.dst"] in inside:
            hosts[frame["ip.src"]].add(frame["ip.dst"])
    source = max(hosts, key=lambda address: len(hosts[address]))
    return source, frozenset(hosts[source])


def _scanned(view: CaptureView) -> Pair:
    """Return who sends SYNs to most ports of whom."""
    ports: defaultdict[Pair, set[str]] = defaultdict(set)
    for frame in view.frames:
        if is_syn(frame):
            ports[frame["ip.src"], frame["ip.dst"]].add(frame["tcp.dstport"])
    return max(ports, key=lambda pair: len(ports[pair]))


def _open_ports(view: CaptureView) -> frozenset[str]:
    scanner, target = _scanned(view)
    return frozenset(
        frame["tcp.srcport"]
        for frame in view.frames
        if frame["tcp.stream"]
        and int(frame["tcp.flags"], 16) & _SYN_ACK == _SYN_ACK
        and (frame["ip.src"], frame["ip.dst"]) == (target, scanner)
    )


def _most_syns(view: CaptureView) -> str:
    return Counter(frame["ip.src"] for frame in view.frames if is_syn(frame)).most_common(1)[0][0]


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "sweep.source": lambda view: _sweeper(view)[0],
    "sweep.hosts": lambda view: _sweeper(view)[1],
    "port-scan.target": lambda view: _scanned(view)[1],
    "port-scan.open_ports": _open_ports,
}

GUESSES: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "first-syn.source": lambda view: next(frame["ip.src"] for frame in view.frames if is_syn(frame)),
    "most-syns.source": _most_syns,
}
