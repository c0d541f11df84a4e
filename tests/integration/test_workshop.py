"""A workshop from end to end, as its people live it: in a browser, on a real hub, with nothing replaced."""

import importlib.util
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.integration.hubs import ROOT, Hub, Visitor
from tests.integration.workshop import (
    LAB,
    findings,
    open_lab,
    run_all_and_save,
    run_code,
    submit,
    write_answers,
)

from csirtlab.content.labs import Kind, read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import case_seed
from csirtlab.grading.verdict_cells import points_of
from csirtlab.grading.verdicts import judge
from csirtlab.labs.texts import lab_texts
from csirtlab.languages import Language

pytestmark = [pytest.mark.slow, pytest.mark.browser]

FORMGRADER = "/user/grade-demo/formgrader"
QUESTIONS = {
    "infected_host": 10, "c2_domain": 10, "look_alike": 10, "first_beacon": 10, "beacon_interval": 15,
    "bytes_out": 10, "beacon_detector": 20,
}  # fmt: skip


@pytest.fixture(scope="module")
def solution() -> ModuleType:
    spec = importlib.util.spec_from_file_location("solution", ROOT / "labs" / LAB / "solution.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ana(browser: Browser, shared_hub: Hub) -> Iterator[Visitor]:
    visitor = Visitor(browser, shared_hub, "es-PE")
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def ben(browser: Browser, shared_hub: Hub) -> Iterator[Visitor]:
    visitor = Visitor(browser, shared_hub)
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def irene(browser: Browser, shared_hub: Hub) -> Iterator[Visitor]:
    visitor = Visitor(browser, shared_hub)
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def solved(ana: Visitor, solution: ModuleType) -> dict[str, Any]:
    """Ana's findings, after she solved the lab on her own evidence and submitted it."""
    ana.sign_in("ana")
    assert ana.page.get_attribute("html", "lang") == "es"
    open_lab(ana.page, "Abrir el laboratorio")
    ana.page.wait_for_selector(".lm-MenuBar-item:has-text('Archivo')")  # JupyterLab itself speaks Spanish
    write_answers(ana.page, "ana", solution.ANSWERS)
    found: dict[str, Any] = findings(run_all_and_save(ana.page, "ana"))
    submit(ana.page, "ana")
    return found


@pytest.fixture(scope="module")
def copied(ben: Visitor, solved: dict[str, Any]) -> None:
    """Ben has submitted Ana's answers, her method's answer for his own method too."""
    ben.sign_in("ben")
    open_lab(ben.page, "Open the lab")
    answers = {
        question: f'case.answer("{question}", {value!r})' for question, value in solved.items() if value is not None
    }
    answers["beacon_detector"] = (
        f"def find_beacon(case):\n    return {solved['infected_host']!r}\n\ncase.method('beacon_detector', find_beacon)"
    )
    write_answers(ben.page, "ben", answers)
    run_all_and_save(ben.page, "ben")
    submit(ben.page, "ben")


@pytest.fixture(scope="module")
def graded(irene: Visitor, copied: None) -> None:
    """Irene has collected, graded by machine and by hand, and released feedback, all in the formgrader."""
    page = irene.page
    irene.sign_in("irene")
    page.click("text=Open the formgrader")
    page.wait_for_url(f"**{FORMGRADER}/**")
    page.click("td.collect a")
    page.wait_for_selector(".modal-title:has-text('Success')")
    for trainee in ("ana", "ben"):
        page.goto(f"{irene.hub.url}{FORMGRADER}/manage_submissions/{LAB}")
        page.click(f"tr:has(td.student-id:text-is('{trainee}')) td.autograde a")
        page.wait_for_selector(".modal-title:has-text('Success')")
    grade_report_by_hand(irene, credit="Full credit", is_all_right=True)
    grade_report_by_hand(irene, credit="No credit", is_all_right=False)
    for action in ("generate-feedback", "release-feedback"):
        page.goto(f"{irene.hub.url}{FORMGRADER}/manage_assignments")
        page.click(f"td.{action} a")
        page.wait_for_selector(".modal-title:has-text('Success')")


def grade_report_by_hand(irene: Visitor, *, credit: str, is_all_right: bool) -> None:
    """Open the submission whose code has all its points, or the other one, and grade its report."""
    page = irene.page
    page.goto(f"{irene.hub.url}{FORMGRADER}/gradebook/{LAB}/{LAB}")
    all_right = ":has(td:text-is('85 / 85'))"
    row = all_right if is_all_right else f":not({all_right})"
    page.click(f"tbody tr{row} td a:has-text('Submission')")
    page.wait_for_load_state("networkidle")  # a button that is pressed before the grades have come does nothing
    report = page.locator(".panel:has(#incident_note)").last  # the innermost: that of the cell
    with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT"):
        report.locator(f"button:has-text('{credit}'), .btn:has-text('{credit}')").first.click()


def feedback_text(visitor: Visitor, link: str) -> str:
    visitor.page.goto(f"{visitor.hub.url}/services/workshop/")
    with visitor.page.expect_navigation():  # to its end: the last question stands there
        visitor.page.click(f"text={link}")
    text: str = visitor.page.inner_text("body")
    return text


def scores(text: str) -> list[tuple[float, float]]:
    """Return score and points of each graded cell, as the feedback lists them at its top."""
    return [(float(got), float(most)) for got, most in re.findall(r"cell \(Score: ([\d.]+) / ([\d.]+)\)", text)]


def test_the_kernel_found_an_answer_to_every_question(solved: dict[str, Any]) -> None:
    assert set(solved) == set(QUESTIONS)


def test_who_solves_the_lab_has_full_marks_and_reads_it_in_spanish(ana: Visitor, graded: None) -> None:
    text = feedback_text(ana, "Leer la retroalimentación")

    assert "(Score: 100.0 / 100.0)" in text
    assert "es correcto." in text and "Cómo lo encuentra un analista" in text
    lab = read_lab(ROOT, LAB)
    for question in lab_texts(lab, Language.ES).questions.values():
        assert " ".join(question.feedback.split()[:6]).replace("`", "") in " ".join(text.split())


def coincidences(hub: Hub, copied_from: dict[str, Any], trainee: str) -> list[float]:
    """Return what each copied finding is worth for ``trainee``: 0, but where two cases happen to agree.

    An interval within a tenth of a second of the neighbour's is right for both: less than one pair in a hundred.
    """
    lab = read_lab(ROOT, LAB)
    secret = bytes.fromhex((hub.home / "cohorts" / "demo" / "secret").read_text())
    truth = ground_truth(read_scenario(ROOT, lab.scenario), case_seed(secret, LAB, trainee))
    return [
        points_of(question, judge(question, copied_from[question.id], truth[question.fact], Language.EN))
        if question.kind is Kind.FINDING and question.fact
        else 0.0
        for question in map(lab.question, QUESTIONS)
    ]


def test_who_copies_a_neighbours_answers_has_nothing_on_every_personal_question(
    ben: Visitor, solved: dict[str, Any], graded: None
) -> None:
    by_chance = coincidences(ben.hub, solved, "ben")

    text = feedback_text(ben, "Read the feedback")

    assert scores(text) == list(zip(by_chance, map(float, QUESTIONS.values()), strict=True))
    assert sum(points > 0 for points in by_chance) <= 1


def test_the_list_of_labs_shows_that_the_work_is_kept(ana: Visitor, graded: None) -> None:
    ana.page.goto(f"{ana.hub.url}/services/workshop/")

    assert re.search(r"✓ Entregado el .* UTC\.\s+Comprobante n\.º \d+", ana.page.inner_text(f"#lab-demo-{LAB}"))


def test_the_formgraders_links_lead_into_jupyterlab(irene: Visitor, graded: None) -> None:
    irene.page.goto(f"{irene.hub.url}{FORMGRADER}/manage_assignments")

    link = irene.page.get_attribute("td.name a", "href")

    assert link == f"/user/grade-demo/lab/tree/./source/{LAB}"


def test_scores_are_exported_by_nbgrader_in_the_cohorts_folder(irene: Visitor, graded: None) -> None:
    irene.page.goto(f"{irene.hub.url}/user/grade-demo/lab")
    told = run_code(irene.page, "grade-demo", "!nbgrader export 2>&1 | tail -1; cut -d, -f1,4,10 grades.csv")

    assert f"{LAB},ana,100.0" in told and f"{LAB},ben," in told


def test_nobodys_browser_asked_a_foreign_host_for_anything(
    ana: Visitor, ben: Visitor, irene: Visitor, graded: None
) -> None:
    assert ana.foreign + ben.foreign + irene.foreign == []
