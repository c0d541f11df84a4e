"""Who is there and who talks most; and the guesses of somebody who counts instead of looking."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.sensor import SNI, Pair, Sight, at_ns, is_syn


def _most_connections(sight: Sight) -> Pair:
    return max(sight.talks, key=lambda pair: len(sight.talks[pair].starts))


def _most_bytes(sight: Sight) -> Pair:
    return max(sight.talks, key=lambda pair: sight.talks[pair].bytes_out)


def _first_connection(sight: Sight) -> Pair:
    frame = next(frame for frame in sight.frames if is_syn(frame))
    return frame["ip.src"], frame["ip.dst"]


def _busiest_host(sight: Sight) -> str:
    calls: Counter[str] = Counter()
    for (client, _), talk in sight.talks.items():
        calls[client] += len(talk.starts)
    return max(calls, key=lambda host: calls[host])


def _volumes(sight: Sight) -> Counter[Pair]:
    volumes: Counter[Pair] = Counter()
    for frame in sight.frames:
        if frame["ip.src"]:
            first, second = sorted((frame["ip.src"], frame["ip.dst"]))
            volumes[first, second] += int(frame["frame.len"])
    return volumes


def _top_host(sight: Sight) -> str:
    names = {row["address"]: row["hostname"] for row in sight.assets}
    totals: Counter[str] = Counter()
    for pair, count in _volumes(sight).items():
        for address in pair:
            if address in names:
                totals[names[address]] += count
    return max(totals, key=lambda name: totals[name])


def _windows_hosts(sight: Sight) -> frozenset[str]:
    return frozenset(frame["ip.src"] for frame in sight.frames if is_syn(frame) and frame["ip.ttl"] == "128")


def _router_mac(sight: Sight) -> str:
    # More source addresses than any other: the whole world lies behind it.
    owners: dict[str, set[str]] = defaultdict(set)
    for frame in sight.frames:
        if frame["ip.src"]:
            owners[frame["eth.src"]].add(frame["ip.src"])
    return max(owners, key=lambda mac: len(owners[mac]))


def _unlisted(sight: Sight) -> Pair:
    """Return address and Ethernet address of who speaks without being in the asset list."""
    listed = {row["address"] for row in sight.assets}
    router = _router_mac(sight)
    found = {
        (frame["ip.src"], frame["eth.src"])
        for frame in sight.frames
        if frame["ip.src"] and frame["eth.src"] != router and frame["ip.src"] not in listed
    }
    (unlisted,) = found
    return unlisted


def _unlisted_name(sight: Sight) -> str:
    mac = _unlisted(sight)[1]
    (name,) = {
        frame["dhcp.option.hostname"]
        for frame in sight.frames
        if frame["dhcp.option.hostname"] and frame["eth.src"] == mac
    }
    return name


def _kiosk_names(sight: Sight) -> frozenset[str]:
    (kiosk,) = [row["address"] for row in sight.assets if row["role"] == "kiosk"]
    return frozenset(frame[SNI] for frame in sight.frames if frame["ip.src"] == kiosk and frame[SNI])


SOLVERS: Mapping[str, Callable[[Sight], FactValue]] = {
    "capture.frames": lambda sight: len(sight.frames),
    "capture.length": lambda sight: (at_ns(sight.frames[-1]) - at_ns(sight.frames[0])) / 1e9,
    "capture.top_host": _top_host,
    "capture.top_pair": lambda sight: frozenset(_volumes(sight).most_common(1)[0][0]),
    "capture.windows_hosts": _windows_hosts,
    "router.mac": _router_mac,
    "unlisted.address": lambda sight: _unlisted(sight)[0],
    "unlisted.mac": lambda sight: _unlisted(sight)[1],
    "unlisted.name": _unlisted_name,
    "kiosk.server_names": _kiosk_names,
}

GUESSES: Mapping[str, Callable[[Sight], FactValue]] = {
    "most-connections.client": lambda sight: _most_connections(sight)[0],
    "most-connections.server": lambda sight: _most_connections(sight)[1],
    "most-bytes.client": lambda sight: _most_bytes(sight)[0],
    "most-bytes.server": lambda sight: _most_bytes(sight)[1],
    "first-connection.client": lambda sight: _first_connection(sight)[0],
    "first-connection.server": lambda sight: _first_connection(sight)[1],
    "busiest-host": _busiest_host,
}
