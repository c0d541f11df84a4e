"""Who calls home, found by rhythm."""

from collections.abc import Callable, Mapping

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.sensor import Pair, Sight, instant

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


SOLVERS: Mapping[str, Callable[[Sight], FactValue]] = {
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
