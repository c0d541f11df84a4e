"""Who calls home, found by rhythm."""

from collections.abc import Callable, Mapping

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.tshark import Pair, instant

_FREQUENT = 15  # connections that make a rhythm


def _by_steadiness(view: CaptureView) -> list[Pair]:
    frequent = [pair for pair, conversation in view.conversations.items() if len(conversation.starts) >= _FREQUENT]
    return sorted(frequent, key=lambda pair: view.conversations[pair].variation)


def _timer(view: CaptureView) -> Pair:
    """Return who calls whom like clockwork."""
    return _by_steadiness(view)[0]


def _beacon(view: CaptureView) -> Pair:
    """Return who calls whom regularly, and yet not like clockwork."""
    return _by_steadiness(view)[1]


def _name(view: CaptureView, pair: Pair) -> str:
    (name,) = view.conversations[pair].names
    return name


def _median_gap(view: CaptureView) -> float:
    gaps = sorted(view.conversations[_beacon(view)].gaps)
    middle = len(gaps) // 2
    return gaps[middle] if len(gaps) % 2 else (gaps[middle - 1] + gaps[middle]) / 2


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "beacon.client": lambda view: _beacon(view)[0],
    "beacon.server": lambda view: _beacon(view)[1],
    "beacon.name": lambda view: _name(view, _beacon(view)),
    "beacon.first_lookup": lambda view: instant(view.lookups[_name(view, _beacon(view))]),
    "beacon.first_start": lambda view: instant(view.conversations[_beacon(view)].starts[0]),
    "beacon.median_gap": _median_gap,
    "beacon.count": lambda view: len({stream for stream, _ in view.conversations[_beacon(view)].sent}),
    "beacon.bytes_out": lambda view: view.conversations[_beacon(view)].bytes_out,
    "timer.client": lambda view: _timer(view)[0],
    "timer.name": lambda view: _name(view, _timer(view)),
}
