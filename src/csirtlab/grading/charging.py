"""What hints cost, taken off verdicts after they are made: the prices that the trainee agreed to, no others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from csirtlab.content.labs import Lab
from csirtlab.grading.released import unreadable_note
from csirtlab.grading.verdicts import Verdict
from csirtlab.labs.hints import HINTS_FILE, read_hints
from csirtlab.languages import Language, translator


def hints_of(submission: Path) -> dict[str, tuple[int, ...]]:
    """Return the prices of the hints seen before a submission, by question; none where none were noted.

    Raises:
        RefusalError: The note is damaged.
    """
    path = submission / HINTS_FILE
    try:
        return read_hints(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}  # not collected from the exchange: brought by hand
    except (OSError, ValueError) as error:
        raise unreadable_note(HINTS_FILE, error) from error


def charge(
    lab: Lab, verdicts: Mapping[str, Verdict], hints: Mapping[str, Sequence[int]], language: Language
) -> dict[str, Verdict]:
    """Return the verdicts less the price of the hints seen; none falls below nothing, and each says so."""
    return {name: _charged(lab, name, verdict, hints.get(name, ()), language) for name, verdict in verdicts.items()}


def _charged(lab: Lab, name: str, verdict: Verdict, prices: Sequence[int], language: Language) -> Verdict:
    taken = min(verdict.worth, sum(prices) / 100)
    if taken <= 0:
        return verdict
    sentence = translator("grading", language)("For hints seen before ({count}), {points} points are taken off.")
    points = f"{round(lab.question(name).points * taken, 2):g}"
    reason = f"{verdict.reason} {sentence.format(count=len(prices), points=points)}"
    return replace(verdict, worth=verdict.worth - taken, reason=reason)
