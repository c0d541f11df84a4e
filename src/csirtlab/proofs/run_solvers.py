"""One case before its witnesses: what they find in the evidence, against the ground truth."""

import datetime as dt
from collections.abc import Mapping

from csirtlab.content.scenarios import Baseline, Fact, Scenario
from csirtlab.errors import EvidenceError
from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.solvers import GUESSES, SOLVERS
from csirtlab.proofs.tshark import TsharkError, instant, nanoseconds, see

_SMALL = 2e-6  # seconds: a float's rounding, a time cut to microseconds


def run_solvers(scenario: Scenario, view: CaptureView) -> dict[str, FactValue | str]:
    """Return what the witnesses of ``scenario`` find in the evidence; a failure is told as its text."""
    findings: dict[str, FactValue | str] = {}
    for fact in scenario.facts:
        try:
            findings[fact.name] = _solve(scenario, fact, view, findings)
        except FileNotFoundError as error:
            findings[fact.name] = f"nothing: the case has no {_named(error, view)}"
        except (LookupError, ValueError, StopIteration, ZeroDivisionError) as error:
            # A witness that sees nothing fails in one of these ways; the proof tells it as its finding.
            findings[fact.name] = f"nothing: {type(error).__name__}: {error}"
    return findings


def guesses(scenario: Scenario, view: CaptureView, truth: Mapping[str, FactValue]) -> dict[str, bool]:
    """Return for each baseline of ``scenario`` whether it is right in this case.

    Raises:
        EvidenceError: A guess needs what the case does not have.
    """
    return {
        named(baseline): agree(truth[baseline.fact], _guess(scenario, baseline, view))
        for baseline in scenario.baselines
    }


def _guess(scenario: Scenario, baseline: Baseline, view: CaptureView) -> FactValue:
    try:
        return GUESSES[baseline.guess](view)
    except FileNotFoundError as error:
        missing = f"{_named(error, view)}, which the case does not have"
    except (LookupError, ValueError, StopIteration, ZeroDivisionError) as error:
        missing = f"what the case does not hold ({type(error).__name__}: {error})"
    raise EvidenceError(
        f'{scenario.path}:{baseline.line}: the guess "{baseline.guess}" for "{baseline.fact}" looks at {missing}. '
        f"Take a guess that somebody could make here."
    )


def named(baseline: Baseline) -> str:
    """Return how a guess for a fact is called."""
    return f"{baseline.guess} for {baseline.fact}"


def _named(error: FileNotFoundError, view: CaptureView) -> str:
    return str(error.filename).removeprefix(f"{view.folder}/")


def agree(truth: FactValue, finding: object) -> bool:
    """Say whether a witness confirms a fact."""
    if isinstance(truth, dt.datetime) and isinstance(finding, dt.datetime):
        return abs((truth - finding).total_seconds()) < _SMALL
    if isinstance(truth, float) and isinstance(finding, int | float):
        return abs(truth - finding) < _SMALL
    return type(truth) is type(finding) and truth == finding


def _solve(scenario: Scenario, fact: Fact, view: CaptureView, findings: Mapping[str, FactValue | str]) -> FactValue:
    if fact.solver:
        return SOLVERS[fact.solver](view)
    assert fact.filter is not None
    keep = fact.filter.keep
    for name, value in findings.items():
        keep = keep.replace("{" + name + "}", str(value))
    try:
        seen = see(view.folder / "capture.pcap", (fact.filter.field,), keep)
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
