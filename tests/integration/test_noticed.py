"""Who is not graded hears why, and who teaches sees what grading noticed: in browsers, on a real hub."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser
from tests.integration.hubs import ROOT, Hub, Visitor
from tests.integration.workshop import LAB, read_notebook, run_code, submit

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import case_seed

pytestmark = [pytest.mark.slow, pytest.mark.browser]

COHORT = "loja-2027"
SERVER = f"grade-{COHORT}"
PAGE = f"/user/{SERVER}/csirtlab/grading"
COMPARED_MS = 300_000  # of eighty cases on a busy machine
ROSTER = """username,name,language,role
rosa,Rosa Prado,pt,instructor
tomas,Tomás Vera,es,trainee
vera,Vera Cruz,fr,trainee
"""


@pytest.fixture(scope="module")
def cohort(shared_hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """The hub, with a cohort created while it runs."""
    roster = tmp_path_factory.mktemp("loja") / "roster.csv"
    roster.write_text(ROSTER)
    command: list[str | Path] = [ROOT / "csirtlab", "cohort", "create", COHORT, "--course", "detection"]
    command += ["--roster", roster, "--home", shared_hub.home]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return shared_hub


def arrived(browser: Browser, hub: Hub, name: str, cohort: str = COHORT) -> Iterator[Visitor]:
    visitor = Visitor(browser, hub)
    visitor.sign_in(name, cohort)
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def rosa(browser: Browser, cohort: Hub) -> Iterator[Visitor]:
    """The instructor; she reads Portuguese, her browser is English."""
    yield from arrived(browser, cohort, "rosa")


@pytest.fixture(scope="module")
def tomas(browser: Browser, cohort: Hub) -> Iterator[Visitor]:
    """A trainee who reads Spanish."""
    yield from arrived(browser, cohort, "tomas")


@pytest.fixture(scope="module")
def vera(browser: Browser, cohort: Hub) -> Iterator[Visitor]:
    """A trainee who reads French."""
    yield from arrived(browser, cohort, "vera")


@pytest.fixture(scope="module")
def irene(browser: Browser, cohort: Hub) -> Iterator[Visitor]:
    """The instructor of another cohort."""
    yield from arrived(browser, cohort, "irene", "demo")


def tell(rosa: Visitor, *commands: str) -> str:
    """Run nbgrader's commands in the cohort's server, as an instructor does in a notebook there."""
    rosa.page.goto(f"{rosa.hub.url}/user/{SERVER}/lab")
    return run_code(rosa.page, SERVER, "\n".join(f"!nbgrader {command} 2>&1 | tail -40" for command in commands))


@pytest.fixture(scope="module")
def released(rosa: Visitor) -> str:
    """What the page says before anything was handed in; the lab is released then."""
    page = rosa.page
    page.click("text=O que a avaliação notou")
    page.wait_for_url(f"**{PAGE}")
    said: str = page.inner_text("main")
    told = tell(rosa, f"generate_assignment {LAB}", f"release_assignment {LAB}")
    assert f"Released as: {COHORT} {LAB}" in told
    return said


def host_of(hub: Hub, trainee: str) -> str:
    lab = read_lab(ROOT, LAB)
    secret = bytes.fromhex((hub.home / "cohorts" / COHORT / "secret").read_text())
    truth = ground_truth(read_scenario(ROOT, lab.scenario), case_seed(secret, LAB, trainee))
    return str(truth["infected_host"])


def hand_in(trainee: Visitor, name: str, change: Any) -> int:
    """Open the lab, let ``change`` make another notebook of it, submit; return the number of the receipt."""
    page = trainee.page
    page.goto(f"{trainee.hub.url}/hub/user-redirect/csirtlab/open?cohort={COHORT}&lab={LAB}")
    page.wait_for_url("**/lab/tree/**")
    page.goto(f"{trainee.hub.url}/user/{name}/csirtlab/submit?cohort={COHORT}&lab={LAB}")
    notebook = change(read_notebook(page, name, COHORT))
    cookies = page.context.cookies()
    xsrf = next(each["value"] for each in cookies if each["name"] == "_xsrf" and each["path"] == f"/user/{name}/")
    saved = page.request.put(
        f"{trainee.hub.url}/user/{name}/api/contents/{COHORT}/{LAB}/{LAB}.ipynb",
        data=json.dumps({"type": "notebook", "format": "json", "content": notebook}),
        headers={"X-XSRFToken": xsrf, "Content-Type": "application/json"},
    )
    assert saved.ok, saved.text()
    submit(page, name, COHORT)
    return int(page.inner_text("#receipt-number"))


@pytest.fixture(scope="module")
def graded(released: str, rosa: Visitor, tomas: Visitor, vera: Visitor) -> int:
    """Tomás handed in another notebook, Vera wrote his host into hers; returns the number of his receipt."""

    def another(_: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(
            nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
        )
        return made

    def copied(notebook: dict[str, Any]) -> dict[str, Any]:
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == "infected_host":
                cell["source"] = f'case.answer("infected_host", "{host_of(vera.hub, "tomas")}")'
        return notebook

    number = hand_in(tomas, "tomas", another)
    hand_in(vera, "vera", copied)
    told = tell(rosa, f"collect {LAB}", f"autograde {LAB}")
    assert "tomas" in told, told
    return number


@pytest.fixture(scope="module")
def compared(graded: int, rosa: Visitor) -> str:
    """What the page says after Rosa has let it compare."""
    page = rosa.page
    page.goto(rosa.hub.url + PAGE)
    page.click("button:has-text('Comparar agora')")
    page.wait_for_selector("progress")
    # The table is there a moment before the comparison has ended; the time is told when it has.
    page.wait_for_selector("text=Comparadas em", timeout=COMPARED_MS)
    said: str = page.inner_text("main")
    return said


@pytest.fixture(scope="module")
def told(graded: int, rosa: Visitor) -> None:
    """Rosa has released feedback in the formgrader, where nobody's was generated."""
    page = rosa.page
    page.goto(f"{rosa.hub.url}/user/{SERVER}/formgrader/manage_assignments")
    page.click(f"tr:has(td.name:has-text('{LAB}')) td.release-feedback a")
    page.wait_for_selector(".modal-title:has-text('Success')")


def test_before_anything_is_graded_the_page_says_so_in_the_instructors_language(released: str) -> None:
    assert "Nada foi avaliado ainda." in released


def test_the_instructor_reads_who_was_refused_and_why(compared: str, graded: int) -> None:
    assert "Avaliadas: 1. Sem avaliação: 1." in compared
    assert "tomas" in compared and f"N.º {graded}" in compared
    assert f"Nenhuma célula do notebook pertence ao laboratório “{LAB}”. Foi entregue outro notebook?" in compared


def test_the_instructor_reads_whose_truth_was_answered(compared: str, rosa: Visitor) -> None:
    page = rosa.page
    page.goto(rosa.hub.url + PAGE)

    (row,) = page.locator("table.neighbours tbody tr").all()
    cells = row.locator("td").all_inner_texts()

    assert cells[:4] == ["vera", "infected_host", host_of(rosa.hub, "tomas"), "tomas"]
    assert 0 < float(cells[4].strip("<% \xa0").replace(",", ".")) <= 5
    assert "não é uma prova e não diminui nenhuma nota" in compared and "Comparadas em" in compared


def test_who_was_refused_finds_the_reason_behind_a_link_that_says_so(told: None, tomas: Visitor, graded: int) -> None:
    page = tomas.page
    page.goto(f"{tomas.hub.url}/services/workshop/")
    page.click(f"text=La n.º {graded} no se calificó: lea por qué")

    said = page.inner_text("body")

    assert f"Su entrega n.º {graded}, del" in said and "no se pudo calificar" in said
    assert f"Ninguna celda del cuaderno pertenece al laboratorio «{LAB}»." in said
    assert f"la entrega n.º {graded} se conserva tal como la entregó" in said


def test_who_was_not_refused_is_told_nothing(told: None, vera: Visitor, graded: int) -> None:
    vera.page.goto(f"{vera.hub.url}/services/workshop/")

    assert "notée" not in vera.page.inner_text("main")
    assert vera.page.request.get(f"{vera.hub.url}/services/workshop/feedback/{COHORT}/{LAB}/{graded}").status == 404


@pytest.mark.parametrize("who", ["tomas", "vera", "irene"])
def test_the_page_is_closed_to_trainees_and_to_other_cohorts_instructors(
    request: pytest.FixtureRequest, compared: str, who: str
) -> None:
    visitor: Visitor = request.getfixturevalue(who)

    for place in (f"/services/workshop/noticed/{COHORT}", PAGE):
        answer = visitor.page.request.get(visitor.hub.url + place)
        assert answer.status == 403, place
        assert host_of(visitor.hub, "tomas") not in answer.text()
    posted = visitor.page.request.post(visitor.hub.url + PAGE, form={"lab": LAB})
    assert posted.status == 403
    visitor.page.goto(f"{visitor.hub.url}/services/workshop/")
    assert visitor.page.locator(f"a[href$='noticed/{COHORT}']").count() == 0


def test_another_site_cannot_press_the_button(rosa: Visitor, compared: str) -> None:
    posted = rosa.page.request.post(rosa.hub.url + PAGE, form={"lab": LAB})

    assert posted.status == 403 and "_xsrf" in posted.text()


def test_nobodys_browser_asked_a_foreign_host(rosa: Visitor, tomas: Visitor, vera: Visitor, told: None) -> None:
    assert rosa.foreign + tomas.foreign + vera.foreign == []
