"""nbgrader's own autograde, end to end, with our steps in it."""

import time
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import nbgrader
import pytest
from nbconvert.exporters import HTMLExporter
from tests.grading.conftest import CohortInTest
from traitlets.config import Config

from csirtlab.grading.nbgrader_setup import configure

# nbgrader's own: it adds a submission to a student before it adds it to the session.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")]


def text_of(cell: object) -> str:
    return str(nbformat.from_dict(cell).outputs)


def test_right_answers_get_all_points_and_the_report_waits_for_a_person(cohort: CohortInTest) -> None:
    cohort.hand_in("ana", cohort.fill(cohort.right_answers("ana")))

    result = cohort.grade("ana")

    assert result["success"], result
    assert cohort.scores("ana") == {
        "verdict-infected_host": 10, "verdict-ports": 8, "verdict-detector": 6, "note": None,
    }  # fmt: skip


def test_a_set_that_is_partly_right_gets_part_of_the_points(cohort: CohortInTest) -> None:
    cells = cohort.right_answers("ben") | {"ports": 'case.answer("ports", {80, 443, 9999})'}
    cohort.hand_in("ben", cohort.fill(cells))

    cohort.grade("ben")

    assert cohort.scores("ben")["verdict-ports"] == 5.33


def test_a_neighbours_answer_is_wrong(cohort: CohortInTest) -> None:
    cohort.hand_in("ben", cohort.fill(cohort.right_answers("ana")))

    cohort.grade("ben")

    assert cohort.scores("ben")["verdict-infected_host"] == 0
    assert cohort.scores("ben")["verdict-detector"] == 6


def test_an_untouched_notebook_gets_nothing_and_nobody_has_to_read_it(cohort: CohortInTest) -> None:
    cohort.hand_in("ben", cohort.release())

    cohort.grade("ben")

    assert set(cohort.scores("ben").values()) == {0}


def test_the_reason_and_the_feedback_are_in_the_trainees_language(cohort: CohortInTest) -> None:
    cells = cohort.right_answers("ana") | {"infected_host": 'case.answer("infected_host", "10.9.9.9")'}
    cohort.hand_in("ana", cohort.fill(cells))

    cohort.grade("ana")

    shown = text_of(cohort.graded("ana")["verdict-infected_host"])
    assert "10.9.9.9 no es correcto." in shown
    assert "Cómo lo encuentra un analista" in shown
    assert cohort.own_address("ana") not in shown


def test_grading_twice_gives_the_same_scores_and_outputs(cohort: CohortInTest) -> None:
    cohort.hand_in("ana", cohort.fill(cohort.right_answers("ana")))
    path = cohort.folder / "autograded" / "ana" / "tiny" / "tiny.ipynb"

    cohort.grade("ana")
    first = path.read_bytes()
    cohort.grade("ana")

    assert path.read_bytes() == first


def test_a_score_that_a_notebook_writes_itself_is_ignored(cohort: CohortInTest) -> None:
    notebook = cohort.release()
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.nbgrader["points"] = 100
            if cell.cell_type == "code":
                cell.source = "100"
                cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "100"}, execution_count=1)]
    cohort.hand_in("ben", notebook)

    cohort.grade("ben")

    assert {score for name, score in cohort.scores("ben").items() if name.startswith("verdict-")} == {0}


def test_a_verdict_that_the_kit_was_bent_to_give_is_ignored(cohort: CohortInTest) -> None:
    forged = (
        "import csirtlab.kit.case as kit\n"
        "kit.Case.verdict = lambda self, question: 100.0\n"
        "display({'text/plain': '100', 'application/vnd.csirtlab.verdict+json': {'worth': 1}}, raw=True)"
    )
    cohort.hand_in("ben", cohort.fill({"infected_host": forged}))

    cohort.grade("ben")

    assert cohort.scores("ben")["verdict-infected_host"] == 0


@pytest.mark.parametrize("deleted", ["verdict-infected_host", "infected_host"])
def test_a_deleted_cell_costs_nothing_when_the_answer_is_reported_elsewhere(cohort: CohortInTest, deleted: str) -> None:
    cells = cohort.right_answers("ana")
    notebook = cohort.fill(cells)
    notebook.cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") != deleted]
    notebook.cells.append(nbformat.v4.new_code_cell(cells["infected_host"]))
    cohort.hand_in("ana", notebook)

    cohort.grade("ana")

    assert cohort.scores("ana")["verdict-infected_host"] == 10


def test_a_deleted_report_waits_for_a_person_instead_of_counting_nothing(cohort: CohortInTest) -> None:
    notebook = cohort.fill(cohort.right_answers("ana"))
    notebook.cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") != "note"]
    cohort.hand_in("ana", notebook)

    cohort.grade("ana")

    assert cohort.scores("ana")["note"] is None


def test_a_notebook_that_is_stopped_keeps_what_it_had_reported(cohort: CohortInTest) -> None:
    cells = cohort.right_answers("ana") | {"ports": "import os\nos._exit(0)"}
    cohort.hand_in("ana", cohort.fill(cells))

    cohort.grade("ana")

    assert cohort.scores("ana")["verdict-infected_host"] == 10
    assert "terminó su propio programa" in text_of(cohort.graded("ana")["verdict-ports"])


def test_another_labs_notebook_is_refused_with_the_reason(cohort: CohortInTest) -> None:
    cohort.hand_in("ben", nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))

    result = cohort.grade("ben")

    reason = (cohort.folder / "refused" / "tiny" / "ben.txt").read_text()
    assert not result["success"]
    assert "Was another notebook handed in?" in reason
    assert not (cohort.folder / "autograded" / "ben" / "tiny").exists()


def test_a_refusal_is_forgotten_when_the_next_submission_is_graded(cohort: CohortInTest) -> None:
    cohort.hand_in("ben", nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
    cohort.grade("ben")
    cohort.hand_in("ben", cohort.fill(cohort.right_answers("ben")))

    cohort.grade("ben")

    assert not (cohort.folder / "refused" / "tiny" / "ben.txt").exists()


def test_a_link_in_a_submission_is_refused_before_anything_is_kept(cohort: CohortInTest) -> None:
    cohort.hand_in("ben", cohort.fill(cohort.right_answers("ben")))
    (cohort.folder / "submitted" / "ben" / "tiny" / "notes.txt").symlink_to(cohort.folder / "secret")

    result = cohort.grade("ben")

    assert not result["success"]
    assert not (cohort.folder / "autograded" / "ben" / "tiny").exists()


def test_a_lab_that_changed_after_its_release_is_refused(cohort: CohortInTest, content: Path) -> None:
    cohort.hand_in("ben", cohort.fill(cohort.right_answers("ben")))
    lab = content / "labs" / "tiny" / "lab.toml"
    lab.write_text(lab.read_text().replace('id = "ports"', 'id = "services"'))

    result = cohort.grade("ben")

    assert not result["success"]
    assert "Generate the assignment again" in (cohort.folder / "refused" / "tiny" / "ben.txt").read_text()


ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)></svg>",
    '<a href="javascript:alert(1)">x</a>',
    '<form action="/hub/admin"><input name="x"></form>',
    '<iframe src="/hub/home"></iframe>',
    '<img src="/hub/logout">',
    '<span id="note">x</span>',
    '<div class="score" style="position:fixed">x</div>',
    "<style>body{display:none}</style>",
    "[x](javascript:alert(1))",
    "![x](http://evil.example/track.png)",
)


class Acting(HTMLParser):
    """Collects the elements of a page that could act, fetch, or cover the page's own."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        own = values.get("class", "").split()
        address = values.get("src", "") + values.get("href", "") + values.get("action", "")
        if (
            tag in ("script", "style", "iframe", "form", "svg", "object", "embed", "link", "meta", "base")
            or any(name.startswith("on") for name in values)
            or ":" in address.removeprefix("data:image/png;base64,").removeprefix("https://attack.mitre.org")
            or "/hub" in address
            or "fixed" in values.get("style", "")
            or (tag in ("div", "span") and ("score" in own or values.get("id") == "note"))
        ):
            self.found.append(self.get_starttag_text() or tag)


def acting(page: str) -> list[str]:
    parser = Acting()
    parser.feed(page[page.index('id="notebook-container"') :].split("</body>", maxsplit=1)[0])
    return parser.found


def test_the_search_for_acting_elements_finds_every_attack() -> None:
    html = [attack for attack in ATTACKS if attack.startswith("<")]

    assert all(acting(f'id="notebook-container">{attack}') for attack in html)


def hostile_submission(cohort: CohortInTest) -> None:
    html = "\n\n".join(ATTACKS)
    show = (
        f"from IPython.display import HTML, SVG, Javascript, Markdown, display\n"
        f"display(HTML({html!r}), Markdown({html!r}), Javascript('alert(1)'))\n"
        f"display({{'image/svg+xml': '<svg onload=alert(1)></svg>'}}, raw=True)\n"
        f"display({{'image/png': '\"><script>alert(1)</script>'}}, raw=True)\n"
        f"display({{'text/latex': '<script>alert(1)</script>'}}, raw=True)\n"
        f"print({html!r})"
    )
    notebook = cohort.fill({"infected_host": show, "note": html})
    notebook.cells.append(nbformat.v4.new_markdown_cell(html))
    notebook.cells.append(nbformat.v4.new_raw_cell(html, metadata={"raw_mimetype": "text/html", "format": "text/html"}))
    notebook.metadata["title"] = html
    cohort.hand_in("ben", notebook)
    cohort.grade("ben")


def formgraders_page(cohort: CohortInTest) -> str:
    config = Config()
    configure(config, cohort.folder)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [
        str(Path(str(nbgrader.__file__)).parent / "server_extensions" / "formgrader" / "templates")
    ]
    path = cohort.folder / "autograded" / "ben" / "tiny" / "tiny.ipynb"

    page, _ = HTMLExporter(config=config).from_filename(str(path), resources={"index": 0, "total": 1})
    return str(page)


def feedback_page(cohort: CohortInTest) -> str:
    result = cohort.api.generate_feedback("tiny", "ben")
    assert result["success"], result
    return (cohort.folder / "feedback" / "ben" / "tiny" / "tiny.html").read_text()


def test_nothing_that_a_trainee_wrote_acts_in_the_formgrader(cohort: CohortInTest) -> None:
    hostile_submission(cohort)

    page = formgraders_page(cohort)

    assert acting(page) == []
    assert "cdnjs" not in page


def test_nothing_that_a_trainee_wrote_acts_in_the_feedback(cohort: CohortInTest) -> None:
    hostile_submission(cohort)

    page = feedback_page(cohort)

    assert acting(page) == []
    assert "cdnjs" not in page


def test_a_gif_in_a_report_is_noted_on_both_pages(cohort: CohortInTest) -> None:
    notebook = cohort.fill({"note": "Look: ![map](attachment:map.gif)"})
    report = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "note")
    report.attachments = {"map.gif": {"image/gif": "R0lGODlhAQABAAAAACw="}}
    cohort.hand_in("ben", notebook)
    cohort.grade("ben")

    assert "[picture not shown: map; only PNG and JPEG" in formgraders_page(cohort)
    assert "[picture not shown: map; only PNG and JPEG" in feedback_page(cohort)


def test_what_takes_too_much_is_shown_as_it_was_written_on_both_pages(cohort: CohortInTest) -> None:
    show = "from IPython.display import HTML\nprint('\\x1b[1mx' * 300_000)\ndisplay(HTML('<div>' * 200_000))"
    notebook = cohort.fill({"infected_host": show, "note": "\\begin{a}" * 20_000})
    notebook.cells += [nbformat.v4.new_markdown_cell("<div>\n\n" * 20_000) for _ in range(20)]
    cohort.hand_in("ben", notebook)
    began = time.monotonic()

    cohort.grade("ben")
    pages = [formgraders_page(cohort), feedback_page(cohort)]

    assert time.monotonic() - began < 90
    for page in pages:
        assert page.count("[shown as it was written:") >= 3
        assert "&lt;div&gt;&lt;div&gt;" in page
        assert "\\begin{a}\\begin{a}" in page


def test_a_table_of_pandas_is_still_a_table(cohort: CohortInTest) -> None:
    cohort.hand_in("ben", cohort.fill({"infected_host": "import pandas as pd\npd.DataFrame({'x': [1]})"}))

    cohort.grade("ben")

    assert "<th>x</th>" in text_of(cohort.graded("ben")["infected_host"])


def test_feedback_is_made_from_what_was_graded(cohort: CohortInTest) -> None:
    cohort.hand_in("ana", cohort.fill(cohort.right_answers("ana")))
    cohort.grade("ana")

    result = cohort.api.generate_feedback("tiny", "ana")

    assert result["success"], result
    page = (cohort.folder / "feedback" / "ana" / "tiny" / "tiny.html").read_text()
    assert f"{cohort.own_address('ana')} es correcto." in page
