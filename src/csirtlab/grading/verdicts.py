"""What an answer is worth, and why: decided here, outside the box, from plain values alone.

Pure. A reason says what was reported and how it compares (right, too high, three of five found); it
never holds the truth itself, so that a trainee who may hand in again still has to find it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from csirtlab.content.labs import Form, Question, Tolerance
from csirtlab.kit.forms import FormError, canonical
from csirtlab.languages import Language, translator

_ORDERED = (Form.PORT, Form.COUNT, Form.BYTES, Form.DURATION, Form.TIME)
_SLACK_S = 1e-6  # what a time loses when it passes through a float: half of its last digit
_SHOWN = 80


@dataclass(frozen=True)
class Verdict:
    """What an answer is worth, from 0 (nothing) to 1 (all points), and the reason in one language."""

    worth: float
    reason: str


def judge(question: Question, value: object, truth: object, language: Language) -> Verdict:
    """Judge a finding: its canonical JSON ``value``, None when nothing was reported, against the ``truth``.

    ``value`` comes from a submission and may be anything that JSON can hold; what does not have the
    question's form is worth nothing. Sets and tables are worth their F1 score, lists Kendall's tau
    (no less than 0) times the share of their members that belong there, the other forms all or nothing.
    """
    tell = translator("grading", language)
    if value is None:
        return Verdict(0.0, tell("No answer was reported."))
    try:
        found = _canonical(question, value, language)
    except FormError as error:
        return Verdict(0.0, tell("The answer cannot be read: {problem}").format(problem=error))
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        # The value is hostile or forged: the kit would have refused it in the notebook.
        return Verdict(0.0, tell("The answer cannot be read: {problem}").format(problem=type(error).__name__))
    return _compare(question, found, _canonical(question, truth, Language.EN), tell)


def _compare(question: Question, found: Any, expected: Any, tell: Callable[[str], str]) -> Verdict:
    if question.form is Form.SET:
        return _judge_members(found, expected, question.items, question.tolerance, tell)
    if question.form is Form.TABLE:
        return _judge_rows(found, expected, question.columns, question.tolerance, tell)
    if question.form is Form.LIST:
        return _judge_order(found, expected, question.items, question.tolerance, tell)
    return _judge_scalar(question, found, expected, tell)


def judge_method(
    question: Question, answers: Sequence[object], truths: Sequence[object], language: Language
) -> Verdict:
    """Judge a method by what it returned on each sibling case; None where it failed or returned nothing.

    Its worth is the mean over all siblings: for a form that is all or nothing, the share that is right.
    An answer that is missing at the end of ``answers`` counts as None.
    """
    tell = translator("grading", language)
    if not answers or all(answer is None for answer in answers):
        return Verdict(0.0, tell("The method returned no answer on any of {count} hidden cases.").format(
            count=len(truths)))  # fmt: skip
    padded = [*answers, *[None] * len(truths)][: len(truths)]
    worths = [judge(question, answer, truth, language).worth for answer, truth in zip(padded, truths, strict=True)]
    worth = sum(worths) / len(worths)
    reason = tell("The method was right on {right} of {count} hidden cases.").format(
        right=sum(each == 1 for each in worths), count=len(worths)
    )
    if any(0 < each < 1 for each in worths):
        reason += " " + tell("Where it was partly right, it got part of the points.")
    silent = sum(answer is None for answer in padded)
    if silent:
        reason += " " + tell("On {count} it stopped with an error or returned nothing that can be read.").format(
            count=silent
        )
    return Verdict(worth, reason)


def _canonical(question: Question, value: object, language: Language) -> Any:  # JSON of any form
    assert question.form is not None, "rules and reports are not judged by comparing values"
    return canonical(
        question.form,
        value,
        items=question.items,
        columns=question.columns,
        choices=question.choices or None,
        language=language,
    )


def _judge_scalar(question: Question, found: Any, expected: Any, tell: Callable[[str], str]) -> Verdict:
    assert question.form is not None
    shown = str(found) if len(str(found)) <= _SHOWN else f"{str(found)[: _SHOWN - 1]}…"
    if matches(question.form, found, expected, question.tolerance):
        return Verdict(1.0, tell("{value} is right.").format(value=shown))
    if question.form in (Form.COUNT, Form.BYTES, Form.DURATION):
        sentence = "{value} is too high." if found > expected else "{value} is too low."
    elif question.form is Form.TIME:
        sentence = "{value} is too late." if found > expected else "{value} is too early."
    else:
        sentence = "{value} is not right."
    return Verdict(0.0, tell(sentence).format(value=shown))


def matches(form: Form, found: Any, expected: Any, tolerance: Tolerance) -> bool:
    """Return whether one canonical value is near enough to the true one; texts must be equal.

    A relative tolerance of a time would depend on the year 1970, so only the absolute one counts there.
    """
    if form not in _ORDERED:
        return bool(found == expected)
    if form is Form.TIME:
        distance = abs((_instant(found) - _instant(expected)).total_seconds())
        return distance <= tolerance.absolute + _SLACK_S
    allowed = max(tolerance.absolute, tolerance.relative * abs(expected))
    if form is Form.DURATION:
        allowed += _SLACK_S
    return bool(abs(found - expected) <= allowed)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _paired(found: Sequence[Any], expected: Sequence[Any], same: Callable[[Any, Any], bool]) -> int:
    """Return how many of ``found`` pair off with one of ``expected`` each."""
    left = list(expected)
    for value in found:
        for index, wanted in enumerate(left):
            if same(value, wanted):
                del left[index]
                break
        if not left:
            break
    return len(expected) - len(left)


def _f1(right: int, found: int, expected: int) -> float:
    return 2 * right / (found + expected) if found + expected else 1.0


def _counted(right: int, found: int, expected: int, tell: Callable[[str], str]) -> Verdict:
    worth = _f1(right, found, expected)
    if worth == 1:
        return Verdict(1.0, tell("All {count} are right, and none is missing.").format(count=found))
    return Verdict(
        worth,
        tell("{right} of the {found} reported are right; {missing} are missing.").format(
            right=right, found=found, missing=expected - right
        ),
    )


def _judge_members(
    found: Sequence[Any], expected: Sequence[Any], form: Form | None, tolerance: Tolerance, tell: Callable[[str], str]
) -> Verdict:
    kind = form or Form.TEXT
    right = _paired(found, expected, lambda value, wanted: matches(kind, value, wanted, tolerance))
    return _counted(right, len(found), len(expected), tell)


def _judge_rows(
    found: Sequence[Mapping[str, Any]],
    expected: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Form],
    tolerance: Tolerance,
    tell: Callable[[str], str],
) -> Verdict:
    def same(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
        return all(matches(form, row[name], wanted[name], tolerance) for name, form in columns.items())

    return _counted(_paired(found, expected, same), len(found), len(expected), tell)


def _judge_order(
    found: Sequence[Any], expected: Sequence[Any], form: Form | None, tolerance: Tolerance, tell: Callable[[str], str]
) -> Verdict:
    kind = form or Form.TEXT
    places: list[int] = []  # of the true members, in the order in which they were reported
    for value in found:
        for place, wanted in enumerate(expected):
            if place not in places and matches(kind, value, wanted, tolerance):
                places.append(place)
                break
    strangers = len(found) - len(places)
    worth = kendall(places, len(expected)) * (len(places) / len(found) if found else 0.0)
    if worth == 1:
        return Verdict(1.0, tell("All {count} are there, in the right order.").format(count=len(found)))
    swapped = sum(before > after for before, after in combinations(places, 2))
    reason = tell("{swapped} pairs stand in the wrong order, {missing} members are missing, {strangers} do not belong.")
    return Verdict(worth, reason.format(swapped=swapped, missing=len(expected) - len(places), strangers=strangers))


def kendall(places: Sequence[int], size: int) -> float:
    """Return Kendall's tau, no less than 0, of a ranking that may lack some of ``size`` members.

    ``places`` are the true places (0 to size - 1) in the order reported. A pair of which one member is
    missing counts as neither right nor wrong, but belongs to the whole.
    """
    if size < 2:
        return 1.0 if len(places) == size else 0.0
    agree = sum(1 if before < after else -1 for before, after in combinations(places, 2))
    return max(0.0, agree / (size * (size - 1) / 2))
