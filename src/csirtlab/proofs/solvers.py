"""Witnesses: short solvers that find a fact in the evidence, and the guesses of somebody who does not look.

Both see a ``Sight`` and nothing else. Their names stand in ``csirtlab.content.vocabulary``.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.sensor import Pair, Sight, instant, is_syn

Solver = Callable[[Sight], FactValue]
_FREQUENT = 15  # connections that make a rhythm


def _by_steadiness(sight: Sight) -> list[Pair]:
    frequent = [pair for pair, talk in sight.talks.items() if len(talk.starts) >= _FREQUENT]
    return sorted(frequent, key=lambda pair: sight.talks[pair].variation)


def _timer(sight: Sight) -> Pair:
    """Return who calls whom like clockwork."""
    return _by_steadiness(sight)[0]


def _beacon(sight: Sight) -> Pair:
    """Return who calls whom regularly, and yet not like clockwork."""
    return _by_steadiness(sight)[1]


def _name(sight: Sight, pair: Pair) -> str:
    (name,) = sight.talks[pair].names
    return name


def _median_gap(sight: Sight) -> float:
    gaps = sorted(sight.talks[_beacon(sight)].gaps)
    middle = len(gaps) // 2
    return gaps[middle] if len(gaps) % 2 else (gaps[middle - 1] + gaps[middle]) / 2


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


SOLVERS: Mapping[str, Solver] = {
    "beacon.client": lambda sight: _beacon(sight)[0],
    "beacon.server": lambda sight: _beacon(sight)[1],
    "beacon.name": lambda sight: _name(sight, _beacon(sight)),
    "beacon.first_lookup": lambda sight: instant(sight.lookups[_name(sight, _beacon(sight))]),
    "beacon.first_start": lambda sight: instant(sight.talks[_beacon(sight)].starts[0]),
    "beacon.median_gap": _median_gap,
    "beacon.count": lambda sight: len({stream for stream, _ in sight.talks[_beacon(sight)].sent}),
    "beacon.bytes_out": lambda sight: sight.talks[_beacon(sight)].bytes_out,
    "timer.client": lambda sight: _timer(sight)[0],
    "timer.name": lambda sight: _name(sight, _timer(sight)),
}
"""How each witness of the vocabulary finds its fact."""

GUESSES: Mapping[str, Solver] = {
    "most-connections.client": lambda sight: _most_connections(sight)[0],
    "most-connections.server": lambda sight: _most_connections(sight)[1],
    "most-bytes.client": lambda sight: _most_bytes(sight)[0],
    "most-bytes.server": lambda sight: _most_bytes(sight)[1],
    "first-connection.client": lambda sight: _first_connection(sight)[0],
    "first-connection.server": lambda sight: _first_connection(sight)[1],
    "busiest-host": _busiest_host,
}
"""What somebody guesses who does not look."""
