"""Rules on hidden material: what a Sigma or YARA rule finds, and what that is worth.

A rule is as hostile as a notebook. It is run in a process of its own with limits, which gets the material
without its labels: what is right is decided here.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csirtlab.content.labs import Lab, Question, RuleLanguage
from csirtlab.content.scenarios import Scenario
from csirtlab.errors import ContentError
from csirtlab.evidence.applications.labelled import RAW, client_streams, log_fields, log_rows
from csirtlab.evidence.plan import make_plan
from csirtlab.grading.box import BOX_UID
from csirtlab.grading.verdicts import Verdict
from csirtlab.kit.rules import MOST_TEXT
from csirtlab.languages import Language, translator

FALSE_ALARMS = 0.02
"""The share of harmless pieces at which a rule is worth nothing: nobody reads what it reports."""

_PATIENCE_S = 60.0  # on a busy machine; the processor time is limited inside
_MOST_ANSWER = 4 * 2**20


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


def judge_rule(question: Question, text: object, materials: Sequence[Material], language: Language) -> Verdict:
    """Judge a rule by what it finds on each hidden case.

    Its worth on a case is min(1, TPR / enough) * max(0, 1 - FPR / FALSE_ALARMS): the share of the incident's
    pieces that it finds, less what its false alarms take away; on all cases, the mean.
    """
    tell = translator("grading", language)
    if text is None:
        return Verdict(0.0, tell("No answer was reported."))
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        return Verdict(0.0, tell(UNREADABLE))
    assert question.language is not None
    hits = run_rule(question.language, text, materials)
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


def run_rule(language: RuleLanguage, text: str, materials: Sequence[Material]) -> list[frozenset[int]] | str:
    """Return which pieces of each material a rule finds, or the sentence that says why it could not be run."""
    request = {"language": language, "text": text, "materials": [material.pieces for material in materials]}
    as_root = os.geteuid() == 0
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "csirtlab.grading.rule_runner"],
            input=json.dumps(request).encode(), capture_output=True, timeout=_PATIENCE_S, check=False, cwd="/",
            env={"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
            user=BOX_UID if as_root else None, group=BOX_UID if as_root else None,
            extra_groups=[] if as_root else None,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return TOO_MUCH
    if done.returncode or len(done.stdout) > _MOST_ANSWER:
        return TOO_MUCH
    hits = json.loads(done.stdout).get("hits")
    if hits is None:
        return UNREADABLE
    return [frozenset(found) for found in hits]


UNREADABLE = "The rule cannot be read."
TOO_MUCH = "The rule took too much time or memory on the hidden cases and was stopped."
