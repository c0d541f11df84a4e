"""A verdict as the outputs of its cell, from which nbgrader takes the points."""

import html
from typing import Any

from csirtlab.content.labs import Kind, Lab, Question
from csirtlab.grading.cases import Truths
from csirtlab.grading.rules import judge_rule
from csirtlab.grading.runs import STOPPED, BoxRun
from csirtlab.grading.verdicts import Verdict, judge, judge_method
from csirtlab.labs.texts import lab_texts
from csirtlab.languages import Language, translator


def judge_run(lab: Lab, run: BoxRun, truths: Truths, language: Language) -> dict[str, Verdict]:
    """Return the verdict on every question of a lab that is not graded by hand, by question id."""
    findings = run.findings
    verdicts: dict[str, Verdict] = {}
    for question in lab.questions:
        if question.kind is Kind.FINDING:
            verdict = judge(question, findings.get(question.id), truths.own[question.id], language)
        elif question.kind is Kind.METHOD:
            verdict = judge_method(question, run.methods.get(question.id, ()), truths.siblings[question.id], language)
        elif question.kind is Kind.REPORT:
            continue
        else:
            verdict = judge_rule(question, findings.get(question.id), truths.materials[question.id], language)
        verdicts[question.id] = _with_ending(verdict, run, language)
    return verdicts


def _with_ending(verdict: Verdict, run: BoxRun, language: Language) -> Verdict:
    if verdict.worth == 1 or run.ended not in STOPPED:
        return verdict
    return Verdict(verdict.worth, f"{verdict.reason} {translator('grading', language)(STOPPED[run.ended])}")


def verdict_outputs(lab: Lab, question: Question, verdict: Verdict, language: Language) -> list[dict[str, Any]]:
    """Return the outputs of a verdict cell: the reason, the lab's feedback, the points.

    nbgrader reads the first ``execute_result`` as the score (``nbgrader.utils.determine_grade``).
    """
    tell = translator("grading", language)
    outputs = [
        _shown({"text/plain": verdict.reason, "text/html": f"<p><strong>{html.escape(verdict.reason)}</strong></p>"})
    ]
    if feedback := lab_texts(lab, language).questions[question.id].feedback:
        told = f"**{tell('How an analyst finds it')}**\n\n{feedback}"
        outputs.append(_shown({"text/plain": feedback, "text/markdown": told}))
    return [
        *outputs,
        {
            "output_type": "execute_result",
            "execution_count": None,
            "data": {"text/plain": str(points_of(question, verdict))},
            "metadata": {},
        },
    ]


def points_of(question: Question, verdict: Verdict) -> float:
    """Return the points that a verdict is worth, to the hundredth, never beyond the question's."""
    return min(float(question.points), max(0.0, round(question.points * verdict.worth, 2)))


def _shown(data: dict[str, str]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}
