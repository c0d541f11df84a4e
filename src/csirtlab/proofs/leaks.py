"""No field may give the incident away: the best single split of each field that carries no meaning.

A depth-1 decision tree on one field is one threshold; its balanced accuracy is the mean of the share of
the incident's packets and of the others' that fall on the right side. 0.5 is a coin.
"""

from collections.abc import Iterable, Mapping, Sequence

from csirtlab.content.scenarios import Scenario
from csirtlab.evidence.capture import Framer, labelled_packets
from csirtlab.evidence.model import Plan, RawFrame
from csirtlab.evidence.sampling import SECOND

LIMIT = 0.70
"""A field that separates better than this gives the incident away."""

_MINUTE = 60 * SECOND


def field_accuracies(scenario: Scenario, plans: Iterable[Plan]) -> dict[str, float]:
    """Return for each field without meaning how well one threshold on it separates the incident's packets.

    Fields: TTL, identification, window, length of the TCP options, length of the packet, the client's
    port, the last byte of the Ethernet address, the minute.
    """
    incident = {action.id for action in scenario.incident}
    columns: dict[str, list[tuple[float, bool]]] = {}
    for plan in plans:
        framer = Framer(plan)
        for label, packet in labelled_packets(plan):
            if isinstance(packet, RawFrame):
                continue
            is_incident = label in incident
            options = packet.options or b""
            values: dict[str, float] = {
                "ttl": packet.ttl,
                "length": 28 + len(packet.payload) + (12 + len(options) if packet.options is not None else 0),
                "client port": max(packet.sender_port, packet.target_port),
                "mac": packet.sender.mac[-1],
                "minute": (packet.at_ns - plan.begin_ns) // _MINUTE,
                "identification": framer.identification(packet),
            }
            if packet.options is not None:
                values |= {"window": packet.window, "options": len(options)}
            for name, value in values.items():
                columns.setdefault(name, []).append((value, is_incident))
    return {name: best_split(rows) for name, rows in sorted(columns.items())}


def best_split(rows: Sequence[tuple[float, bool]]) -> float:
    """Return the balanced accuracy of the best threshold; 0.5 when only one kind is there."""
    positives = sum(is_incident for _, is_incident in rows)
    negatives = len(rows) - positives
    if not positives or not negatives:
        return 0.5
    ordered = sorted(rows)
    best, low_positives, low_negatives = 0.5, 0, 0
    for number, (value, is_incident) in enumerate(ordered):
        low_positives += is_incident
        low_negatives += not is_incident
        if number + 1 < len(ordered) and ordered[number + 1][0] == value:
            continue
        accuracy = (low_positives / positives + 1 - low_negatives / negatives) / 2
        best = max(best, accuracy, 1 - accuracy)
    return best


def unexplained(scenario: Scenario, accuracies: Mapping[str, float]) -> dict[str, float]:
    """Return the fields over the limit that the scenario does not explain by what a real tool does."""
    explained = {tell.field for tell in scenario.tells}
    return {name: share for name, share in accuracies.items() if share >= LIMIT and name not in explained}
