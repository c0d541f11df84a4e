"""One case before its witnesses: what they find in the evidence, against the ground truth."""

import datetime as dt
from collections.abc import Mapping

from csirtlab.content.scenarios import Fact, Lazy, Scenario
from csirtlab.errors import EvidenceError
from csirtlab.evidence.model import FactValue
from csirtlab.proofs.sensor import Sight, TsharkError, instant, nanoseconds, see
from csirtlab.proofs.solvers import GUESSES, SOLVERS

_SMALL = 2e-6  # seconds: a float's rounding, a time cut to microseconds


def hear_witnesses(scenario: Scenario, sight: Sight) -> dict[str, FactValue | str]:
    """Return what the witnesses of ``scenario`` find in the evidence; a failure is told as its text."""
    found: dict[str, FactValue | str] = {}
    for fact in scenario.facts:
        try:
            found[fact.name] = _solve(scenario, fact, sight, found)
        except FileNotFoundError as error:
            found[fact.name] = f"nothing: the case has no {_named(error, sight)}"
        except (LookupError, ValueError, StopIteration, ZeroDivisionError) as error:
            # A witness that sees nothing fails in one of these ways; the proof tells it as its finding.
            found[fact.name] = f"nothing: {type(error).__name__}: {error}"
    return found


def guesses(scenario: Scenario, sight: Sight, truth: Mapping[str, FactValue]) -> dict[str, bool]:
    """Return for each lazy solver of ``scenario`` whether it is right in this case.

    Raises:
        EvidenceError: A guess needs what the case does not have.
    """
    return {named(lazy): agree(truth[lazy.fact], _guess(scenario, lazy, sight)) for lazy in scenario.lazy}


def _guess(scenario: Scenario, lazy: Lazy, sight: Sight) -> FactValue:
    try:
        return GUESSES[lazy.guess](sight)
    except FileNotFoundError as error:
        missing = f"{_named(error, sight)}, which the case does not have"
    except (LookupError, ValueError, StopIteration, ZeroDivisionError) as error:
        missing = f"what the case does not hold ({type(error).__name__}: {error})"
    raise EvidenceError(
        f'{scenario.path}:{lazy.line}: the guess "{lazy.guess}" for "{lazy.fact}" looks at {missing}. '
        f"Take a guess that somebody could make here."
    )


def named(lazy: Lazy) -> str:
    """Return how a guess for a fact is called."""
    return f"{lazy.guess} for {lazy.fact}"


def _named(error: FileNotFoundError, sight: Sight) -> str:
    return str(error.filename).removeprefix(f"{sight.folder}/")


def agree(truth: FactValue, found: object) -> bool:
    """Say whether a witness confirms a fact."""
    if isinstance(truth, dt.datetime) and isinstance(found, dt.datetime):
        return abs((truth - found).total_seconds()) < _SMALL
    if isinstance(truth, float) and isinstance(found, int | float):
        return abs(truth - found) < _SMALL
    return type(truth) is type(found) and truth == found


def _solve(scenario: Scenario, fact: Fact, sight: Sight, found: Mapping[str, FactValue | str]) -> FactValue:
    if fact.solver:
        return SOLVERS[fact.solver](sight)
    assert fact.filter is not None
    keep = fact.filter.keep
    for name, value in found.items():
        keep = keep.replace("{" + name + "}", str(value))
    try:
        seen = see(sight.folder / "capture.pcap", (fact.filter.field,), keep)
    except TsharkError as error:
        raise EvidenceError(
            f'{scenario.path}:{fact.filter.line}: tshark does not understand the filter or the field of "{fact.name}": '
            f"{error.why}. The filter is {keep!r}; Wireshark's list of display filter fields names what there is."
        ) from error
    values = [part for frame in seen for part in frame[fact.filter.field].split(",") if part]
    return _take(fact, values)


def _take(fact: Fact, values: list[str]) -> FactValue:
    """Reduce the values of a filter to one, as ``take`` says, in the form of the fact."""
    assert fact.filter is not None
    match fact.filter.take:
        case "count":
            return len(values)
        case "sum":
            return sum(int(value) for value in values)
        case "set":
            return frozenset(values)
        case "only":
            (value,) = set(values)
        case "first":
            value = values[0]
        case "last":
            value = values[-1]
        case other:
            raise EvidenceError(f'a filter cannot take "{other}".')
    match fact.form:
        case "time":
            return instant(nanoseconds(value))
        case "count" | "bytes" | "port":
            return int(value)
        case _:
            return value
