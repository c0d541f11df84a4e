"""Every lab: complete, in all languages, solvable from the evidence alone, and quiet when nobody answers."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from csirtlab.content.labs import Kind, Lab
from csirtlab.content.scenarios import Scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.kit.case import FINDING
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.labs.catalogue import catalogue_problems
from csirtlab.labs.check import check_lab
from csirtlab.labs.compile import compile_lab
from csirtlab.labs.leaks import leak_problems
from csirtlab.labs.metadata import metadata_problems
from csirtlab.labs.texts import lab_languages
from csirtlab.languages import Language
from csirtlab.proofs.labs import NEIGHBOUR_LIMIT, last_hints, prove_lab, reference_answers
from csirtlab.settings import content_root

SEEDS = 2
_CELL_S = 15  # a trainee waits no longer


def test_a_lab_is_in_order(lab: Lab) -> None:
    assert check_lab(lab) == []


def test_it_says_truly_what_it_is_about(lab: Lab) -> None:
    assert metadata_problems(content_root(), lab) == []
    assert lab.attack or lab.services
    assert lab.nice


def test_nothing_that_a_trainee_receives_gives_an_answer_away(lab: Lab) -> None:
    assert leak_problems(content_root(), lab, SEEDS) == []


def test_it_asks_six_to_nine_questions_of_five_to_twenty_points(lab: Lab) -> None:
    assert 6 <= len(lab.questions) <= 9
    assert all(5 <= question.points <= 20 for question in lab.questions)


def test_it_asks_for_a_method(lab: Lab) -> None:
    assert any(question.kind is Kind.METHOD for question in lab.questions)


def test_its_parts_take_the_minutes_that_it_announces(lab: Lab) -> None:
    text = (lab.folder / "lab.md").read_text(encoding="utf-8")

    minutes = [int(line.rsplit("(", 1)[1].split()[0]) for line in text.splitlines() if line.endswith(" min)")]

    assert sum(minutes) == lab.minutes
    assert 45 <= lab.minutes <= 90


def test_each_question_explains_how_its_answer_is_found(lab: Lab) -> None:
    for question in lab.questions:
        assert len(question.feedback) > 100 or question.rubric, question.id


def test_each_question_has_three_hints_of_which_the_last_is_code(lab: Lab) -> None:
    assert set(last_hints(lab)) == {question.id for question in lab.questions if question.kind is not Kind.REPORT}


def test_a_rubric_gives_away_the_points_of_its_report(lab: Lab) -> None:
    for question in lab.questions:
        if question.kind is Kind.REPORT:
            assert sum(int(line.split()[0]) for line in question.rubric) == question.points


def test_it_can_be_had_in_all_four_languages(lab: Lab) -> None:
    assert set(lab_languages(lab)) == set(Language)


@pytest.mark.parametrize("language", [Language.ES, Language.PT, Language.FR])
def test_its_translation_is_complete(lab: Lab, language: Language) -> None:
    assert catalogue_problems(lab, language) == []


def test_the_reference_solution_answers_every_question(lab: Lab) -> None:
    assert set(reference_answers(lab)) == {question.id for question in lab.questions}


@pytest.mark.slow
def test_it_is_solved_from_the_evidence_and_gives_nothing_for_nothing(lab: Lab) -> None:
    proof = prove_lab(content_root(), lab, SEEDS)

    assert proof.wrong == {}
    assert (proof.full_marks, proof.hints_full_marks) == (SEEDS, SEEDS)
    assert proof.empty_score_max == 0
    assert proof.neighbour_score_max <= NEIGHBOUR_LIMIT


@pytest.mark.slow
def test_a_notebook_that_nobody_filled_in_runs_and_finds_nothing(lab: Lab, scenario: Scenario, tmp_path: Path) -> None:
    make_case(lab, scenario, tmp_path, "an empty notebook")

    answered = findings(run(compile_lab(lab, Language.ES), tmp_path))

    assert {name for name in answered if lab.question(name).kind is Kind.FINDING} == set()


@pytest.mark.slow
def test_no_cell_of_the_solved_notebook_makes_a_trainee_wait(lab: Lab, scenario: Scenario, tmp_path: Path) -> None:
    make_case(lab, scenario, tmp_path, "a solved notebook")
    notebook = compile_lab(lab, Language.EN)
    answers = reference_answers(lab)
    for cell in notebook.cells:
        if (question := cell.metadata.get("nbgrader", {}).get("grade_id")) in answers:
            cell.source = answers[question]

    answered = findings(run(notebook, tmp_path))

    assert set(answered) == {question.id for question in lab.questions if question.kind is not Kind.REPORT}


def make_case(lab: Lab, scenario: Scenario, folder: Path, seed: str) -> None:
    make_evidence(scenario, seed_of_text(seed), folder / "evidence")
    write_case_sheet(lab, folder / "evidence", cohort="workshop", trainee="ana", language=Language.ES)


def run(notebook: Any, folder: Path) -> Any:
    NotebookClient(notebook, timeout=_CELL_S, resources={"metadata": {"path": str(folder)}}).execute()
    nbformat.validate(notebook)
    return notebook


def findings(notebook: Any) -> list[str]:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output["data"][FINDING]["question"] for output in outputs if FINDING in output.get("data", {})]
