"""Rules on hidden material: what a Sigma or YARA rule finds, and what that is worth.

A rule is as hostile as a notebook. It is run in a box of its own, which gets the material without its
labels: what is right is decided here.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csirtlab.content.labs import Lab, Question, RuleLanguage
from csirtlab.content.scenarios import Scenario
from csirtlab.errors import ContentError
from csirtlab.evidence.applications.labelled import RAW, client_streams, log_fields, log_rows
from csirtlab.evidence.plan import make_plan
from csirtlab.grading.rule_box import run_in_rule_box
from csirtlab.grading.verdicts import Verdict
from csirtlab.kit.rules import MOST_TEXT
from csirtlab.languages import Language, translator

FALSE_ALARMS = 0.02
"""The share of harmless pieces at which a rule is worth nothing: nobody reads what it reports."""


@dataclass(frozen=True)
class Material:
    """One hidden case cut into pieces; ``positive`` says of each whether a rule should find it."""

    pieces: Mapping[str, Any]  # as the runner takes them
    positive: tuple[bool, ...]


def make_material(lab: Lab, question: Question, scenario: Scenario, seed: bytes) -> Material:
    """Cut the case that ``seed`` gives into what ``question`` runs rules on.

    Raises:
        ContentError: The scenario has no such action, or the case nothing to find or nothing harmless.
    """
    known = {action.id for action in scenario.actions}
    if odd := sorted(set(question.positive) - known):
        raise ContentError(
            f'{lab.folder}/lab.toml:1: rule "{question.id}" shall find "{odd[0]}", which is no action of '
            f"{scenario.name}. It has: {', '.join(sorted(known))}."
        )
    assert question.material is not None
    plan = make_plan(scenario, seed)
    if question.language is RuleLanguage.SIGMA:
        columns = [RAW, *log_fields(question.material)]
        labelled_rows = list(log_rows(plan, question.material))
        labels = [label for label, _ in labelled_rows]
        rows = [[row.get(column) for column in columns] for _, row in labelled_rows]
        pieces: dict[str, Any] = {"columns": columns, "rows": rows}
    else:
        labelled_streams = list(client_streams(plan))
        labels = [label for label, _ in labelled_streams]
        pieces = {"files": [base64.b64encode(octets).decode("ascii") for _, octets in labelled_streams]}
    positive = tuple(label in question.positive for label in labels)
    if all(positive) or not any(positive):
        raise ContentError(
            f'{lab.folder}/lab.toml:1: in {question.material} of {scenario.name}, rule "{question.id}" has '
            f"{sum(positive)} of {len(positive)} pieces to find. Choose another material or other actions."
        )
    return Material(pieces, positive)


def judge_rule(
    question: Question, text: object, materials: Sequence[Material], language: Language, *, is_own: bool = False
) -> Verdict:
    """Judge a rule by what it finds on each hidden case.

    ``is_own`` says that whoever wrote the rule also owns the machine: then it may have no box.

    Its worth on a case is min(1, TPR / enough) * max(0, 1 - FPR / FALSE_ALARMS): the share of the incident's
    pieces that it finds, less what its false alarms take away; on all cases, the mean.
    """
    tell = translator("grading", language)
    if text is None:
        return Verdict(0.0, tell("No answer was reported."))
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        return Verdict(0.0, tell(UNREADABLE))
    assert question.language is not None
    hits = run_rule(question.language, text, materials, is_own=is_own)
    if isinstance(hits, str):
        return Verdict(0.0, tell(hits))
    worths, right, false = [], 0, 0
    for material, found in zip(materials, hits, strict=True):
        positives = sum(material.positive)
        true_hits = sum(positive and index in found for index, positive in enumerate(material.positive))
        false_hits = len(found) - true_hits
        right, false = right + true_hits, false + false_hits
        worths.append(worth_of(question, true_hits / positives, false_hits / (len(material.positive) - positives)))
    positives = sum(sum(material.positive) for material in materials)
    negatives = sum(len(material.positive) for material in materials) - positives
    sentence = tell(
        "The rule found {right} of {positives} traces of the incident; false alarms: {false} among {negatives} others."
    )
    reason = sentence.format(right=right, positives=positives, false=false, negatives=negatives)
    return Verdict(sum(worths) / len(worths), reason)


def worth_of(question: Question, true_rate: float, false_rate: float) -> float:
    """Return what a rule is worth on one case."""
    return min(1.0, true_rate / question.enough) * max(0.0, 1 - false_rate / FALSE_ALARMS)


def run_rule(
    language: RuleLanguage, text: str, materials: Sequence[Material], *, is_own: bool = False
) -> list[frozenset[int]] | str:
    """Return which pieces of each material a rule finds, or the sentence that says why it could not be run.

    Raises:
        SetupError: No box can be built here.
    """
    request = json.dumps({"language": language, "text": text}).encode()
    pieces = json.dumps([material.pieces for material in materials]).encode()
    answer = run_in_rule_box(request, pieces, is_own=is_own)
    if answer is None:
        return TOO_MUCH
    hits = read_hits(answer, [len(material.positive) for material in materials])
    return UNREADABLE if hits is None else hits


def read_hits(answer: bytes, sizes: Sequence[int]) -> list[frozenset[int]] | None:
    """Return what a box says a rule found; None where that is nothing that it could have found.

    ``sizes`` are the numbers of pieces of each material. Nobody vouches for the answer.
    """
    try:
        hits = json.loads(answer).get("hits")
    except (ValueError, AttributeError, RecursionError):
        return None
    if not isinstance(hits, list) or len(hits) != len(sizes):
        return None
    for found, size in zip(hits, sizes, strict=True):
        if not isinstance(found, list) or any(type(each) is not int or not 0 <= each < size for each in found):
            return None
    return [frozenset(found) for found in hits]


UNREADABLE = "The rule cannot be read."
TOO_MUCH = "The rule took too much time or memory on the hidden cases and was stopped."
