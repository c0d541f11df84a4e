"""Who is there and who talks most; and the guesses of somebody who counts instead of looking."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.tshark import SNI, Pair, at_ns, is_syn


def _most_connections(view: CaptureView) -> Pair:
    return max(view.conversations, key=lambda pair: len(view.conversations[pair].starts))


def _most_bytes(view: CaptureView) -> Pair:
    return max(view.conversations, key=lambda pair: view.conversations[pair].bytes_out)


def _first_connection(view: CaptureView) -> Pair:
    frame = next(frame for frame in view.frames if is_syn(frame))
    return frame["ip.src"], frame["ip.dst"]


def _busiest_host(view: CaptureView) -> str:
    calls: Counter[str] = Counter()
    for (client, _), conversation in view.conversations.items():
        calls[client] += len(conversation.starts)
    return max(calls, key=lambda host: calls[host])


def _volumes(view: CaptureView) -> Counter[Pair]:
    volumes: Counter[Pair] = Counter()
    for frame in view.frames:
        if frame["ip.src"]:
            first, second = sorted((frame["ip.src"], frame["ip.dst"]))
            volumes[first, second] += int(frame["frame.len"])
    return volumes


def _top_host(view: CaptureView) -> str:
    names = {row["address"]: row["hostname"] for row in view.assets}
    totals: Counter[str] = Counter()
    for pair, count in _volumes(view).items():
        for address in pair:
            if address in names:
                totals[names[address]] += count
    return max(totals, key=lambda name: totals[name])


def _windows_hosts(view: CaptureView) -> frozenset[str]:
    return frozenset(frame["ip.src"] for frame in view.frames if is_syn(frame) and frame["ip.ttl"] == "128")


def _router_mac(view: CaptureView) -> str:
    # More source addresses than any other: the whole world lies behind it.
    owners: dict[str, set[str]] = defaultdict(set)
    for frame in view.frames:
        if frame["ip.src"]:
            owners[frame["eth.src"]].add(frame["ip.src"])
    return max(owners, key=lambda mac: len(owners[mac]))


def _unlisted(view: CaptureView) -> Pair:
    """Return address and Ethernet address of who speaks without being in the asset list."""
    listed = {row["address"] for row in view.assets}
    router = _router_mac(view)
    unlisted_hosts = {
        (frame["ip.src"], frame["eth.src"])
        for frame in view.frames
        if frame["ip.src"] and frame["eth.src"] != router and frame["ip.src"] not in listed
    }
    (unlisted,) = unlisted_hosts
    return unlisted


def _unlisted_name(view: CaptureView) -> str:
    mac = _unlisted(view)[1]
    (name,) = {
        frame["dhcp.option.hostname"]
        for frame in view.frames
        if frame["dhcp.option.hostname"] and frame["eth.src"] == mac
    }
    return name


def _kiosk_names(view: CaptureView) -> frozenset[str]:
    (kiosk,) = [row["address"] for row in view.assets if row["role"] == "kiosk"]
    return frozenset(frame[SNI] for frame in view.frames if frame["ip.src"] == kiosk and frame[SNI])


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "capture.frames": lambda view: len(view.frames),
    "capture.length": lambda view: (at_ns(view.frames[-1]) - at_ns(view.frames[0])) / 1e9,
    "capture.top_host": _top_host,
    "capture.top_pair": lambda view: frozenset(_volumes(view).most_common(1)[0][0]),
    "capture.windows_hosts": _windows_hosts,
    "router.mac": _router_mac,
    "unlisted.address": lambda view: _unlisted(view)[0],
    "unlisted.mac": lambda view: _unlisted(view)[1],
    "unlisted.name": _unlisted_name,
    "kiosk.server_names": _kiosk_names,
}

GUESSES: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "most-connections.client": lambda view: _most_connections(view)[0],
    "most-connections.server": lambda view: _most_connections(view)[1],
    "most-bytes.client": lambda view: _most_bytes(view)[0],
    "most-bytes.server": lambda view: _most_bytes(view)[1],
    "first-connection.client": lambda view: _first_connection(view)[0],
    "first-connection.server": lambda view: _first_connection(view)[1],
    "busiest-host": _busiest_host,
}
