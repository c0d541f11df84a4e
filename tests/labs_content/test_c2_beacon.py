"""The lab ``c2-beacon``: complete, in all languages, solvable from the evidence alone, and quiet when empty."""

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from csirtlab.content.labs import Kind, Question, read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth, make_evidence
from csirtlab.evidence.model import FactValue
from csirtlab.grading.verdicts import judge, judge_method
from csirtlab.kit import open_case
from csirtlab.kit.case import FINDING
from csirtlab.kit.forms import canonical
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.labs.catalogue import catalogue_problems
from csirtlab.labs.check import check_lab
from csirtlab.labs.compile import compile_lab
from csirtlab.labs.texts import lab_languages
from csirtlab.languages import Language
from csirtlab.settings import content_root

LAB = read_lab(content_root(), "c2-beacon")
SCENARIO = read_scenario(content_root(), LAB.scenario)
FINDINGS = [question for question in LAB.questions if question.kind is Kind.FINDING]
WORTH = {"infected_host": 10, "c2_domain": 10, "look_alike": 10, "first_beacon": 10, "beacon_interval": 15,
         "bytes_out": 10, "beacon_detector": 20, "incident_note": 15}  # fmt: skip


@dataclass(frozen=True)
class GeneratedCase:
    """A case folder as a trainee has it, and the truth that only the graders have."""

    folder: Path
    truth: Mapping[str, FactValue]


def seed_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def make_case(folder: Path, name: str) -> GeneratedCase:
    make_evidence(SCENARIO, seed_of(name), folder / "evidence")
    write_case_sheet(LAB, folder / "evidence", cohort="workshop", trainee="ana", language=Language.ES)
    return GeneratedCase(folder, ground_truth(SCENARIO, seed_of(name)))


def reference_answers() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("c2_beacon_solution", LAB.folder / "solution.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answers: dict[str, str] = module.ANSWERS
    return answers


@pytest.fixture(scope="module", params=["first seed", "second seed"])
def solved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[GeneratedCase, Any, Any]:
    """A case, its kit object after the reference solution answered, and the solution's names."""
    generated = make_case(tmp_path_factory.mktemp("c2-beacon"), request.param)
    case = open_case(generated.folder)
    names: dict[str, Any] = {"case": case}
    answers = reference_answers()
    for question in LAB.questions:
        if question.kind is not Kind.REPORT:
            exec(compile(answers[question.id], question.id, "exec"), names)
    return generated, case, names


def test_the_lab_is_in_order() -> None:
    assert check_lab(LAB) == []


def test_its_points_add_up_to_one_hundred() -> None:
    assert {question.id: question.points for question in LAB.questions} == WORTH
    assert LAB.points == 100


def test_its_parts_take_the_minutes_that_it_announces() -> None:
    text = (LAB.folder / "lab.md").read_text(encoding="utf-8")

    minutes = [int(line.rsplit("(", 1)[1].split()[0]) for line in text.splitlines() if line.endswith(" min)")]

    assert sum(minutes) == LAB.minutes


@pytest.mark.parametrize("question", [each for each in LAB.questions if each.fact], ids=lambda each: each.id)
def test_each_question_asks_for_a_fact_in_its_form(question: Question) -> None:
    forms = {fact.name: str(fact.form) for fact in SCENARIO.facts}

    assert question.fact and question.form and forms[question.fact] == str(question.form)


@pytest.mark.parametrize("question", LAB.questions, ids=lambda each: each.id)
def test_each_question_explains_how_its_answer_is_found(question: Question) -> None:
    assert len(question.feedback) > 100 or question.rubric


def test_the_rubric_gives_away_the_points_of_the_report() -> None:
    note = LAB.question("incident_note")

    assert sum(int(line.split()[0]) for line in note.rubric) == note.points


def test_it_can_be_had_in_all_four_languages() -> None:
    assert set(lab_languages(LAB)) == set(Language)


@pytest.mark.parametrize("language", [Language.ES, Language.PT, Language.FR])
def test_its_translation_is_complete(language: Language) -> None:
    assert catalogue_problems(LAB, language) == []


@pytest.mark.parametrize("question", FINDINGS, ids=lambda each: each.id)
def test_the_reference_solution_finds_the_answer(question: Question, solved: tuple[GeneratedCase, Any, Any]) -> None:
    generated, case, _ = solved

    verdict = judge(question, case.answers()[question.id], generated.truth[question.fact or ""], Language.EN)

    assert verdict.worth == 1, verdict.reason


def test_the_reference_method_finds_the_beacon(solved: tuple[GeneratedCase, Any, Any]) -> None:
    generated, case, names = solved

    found = canonical("address", names["find_beacon"](case))

    question = LAB.question("beacon_detector")
    assert judge_method(question, [found], [generated.truth["infected_host"]], Language.EN).worth == 1


@pytest.mark.parametrize("question", FINDINGS, ids=lambda each: each.id)
def test_a_neighbours_answer_is_wrong(question: Question) -> None:
    assert question.fact and question.form
    ours, theirs = (ground_truth(SCENARIO, seed_of(name)) for name in ("first seed", "second seed"))

    verdict = judge(question, canonical(question.form, theirs[question.fact]), ours[question.fact], Language.EN)

    assert verdict.worth == 0


def test_no_answer_of_the_solution_holds_a_value_of_a_case() -> None:
    source = "\n".join(reference_answers().values())

    for name in ("first seed", "second seed"):
        for fact in ("infected_host", "c2_domain", "look_alike"):
            assert str(ground_truth(SCENARIO, seed_of(name))[fact]) not in source


def test_the_reference_solution_answers_every_question() -> None:
    assert set(reference_answers()) == {question.id for question in LAB.questions}


@pytest.mark.slow
def test_a_notebook_that_nobody_filled_in_runs_and_answers_nothing(tmp_path: Path) -> None:
    generated = make_case(tmp_path, "an empty notebook")
    notebook = run(compile_lab(LAB, Language.ES), generated.folder)

    assert [finding["question"] for finding in findings(notebook)] == ["beacon_detector"]


@pytest.mark.slow
def test_the_notebook_with_the_reference_answers_runs(tmp_path: Path) -> None:
    generated = make_case(tmp_path, "a solved notebook")
    notebook = compile_lab(LAB, Language.EN)
    answers = reference_answers()
    for cell in notebook.cells:
        if (grade_id := cell.metadata.get("nbgrader", {}).get("grade_id")) in answers:
            cell.source = answers[grade_id]

    found = {finding["question"]: finding.get("value") for finding in findings(run(notebook, generated.folder))}

    for question in FINDINGS:
        assert judge(question, found[question.id], generated.truth[question.fact or ""], Language.EN).worth == 1
    assert "beacon_detector" in found


def run(notebook: Any, folder: Path) -> Any:
    # Each cell has 15 seconds: a trainee waits no longer.
    NotebookClient(notebook, timeout=15, resources={"metadata": {"path": str(folder)}}).execute()
    nbformat.validate(notebook)
    return notebook


def findings(notebook: Any) -> list[dict[str, Any]]:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output["data"][FINDING] for output in outputs if FINDING in output.get("data", {})]
