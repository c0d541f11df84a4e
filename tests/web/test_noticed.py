"""What an instructor sees of what grading noticed, read from a cohort's folder."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.grading.workshops import make_workshop

from csirtlab.grading.refusals import keep_refusal, lab_title
from csirtlab.grading.refusing import RefusalError, WayOut
from csirtlab.languages import Language
from csirtlab.settings import content_root
from csirtlab.web import comparing
from csirtlab.web.comparing import Comparisons
from csirtlab.web.noticed import LabNoticed, noticed_labs, value_text
from csirtlab.web.pages import page, preferred_language

LAB, OTHER = "c2-beacon", "scan-and-spray"
HOSTILE = "<script>alert('x')</script>\u202e"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cohort's folder in which nothing was graded."""
    people = [{"username": name, "name": name, "language": "pt", "role": "trainee"} for name in ("ana", "ben")]
    (tmp_path / "cohort.json").write_text(json.dumps({"name": "quito", "course": "detection", "language": "en"}))
    (tmp_path / "roster.json").write_text(json.dumps({"people": people}))
    (tmp_path / "secret").write_text("5e" * 32)
    return tmp_path


def grade(folder: Path, trainee: str, lab: str = LAB, *, at: float = 1000) -> None:
    path = folder / "autograded" / trainee / lab / f"{lab}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    os.utime(path, (at, at))


def compare(folder: Path, *found: Mapping[str, object], lab: str = LAB, at: float = 2000) -> None:
    path = folder / "neighbours" / f"{lab}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found))
    os.utime(path, (at, at))


def answer(value: object = "10.0.0.1", chance: float = 0.0012) -> dict[str, object]:
    return {"trainee": "ana", "question": "infected_host", "value": value, "true_for": ["ben"], "chance": chance}


def look(folder: Path, language: Language = Language.EN) -> list[LabNoticed]:
    return noticed_labs(folder, content_root(), "detection", language)


def shown(labs: list[LabNoticed], language: Language, running: frozenset[str] = frozenset(), problem: str = "") -> str:
    values = {
        "prefix": "/w/", "labs": "/w/", "is_unsafe": False, "cohort": "quito", "noticed": labs, "running": running,
        "problems": {lab.name: problem or None for lab in labs}, "most_chance": 0.05, "again": "/again?look=1#lab-x",
        "formgrader": "/user/grade-quito/formgrader/", "xsrf": "token",
    }  # fmt: skip
    return page("noticed.html", language, values)


def test_where_nothing_was_graded_the_page_says_what_to_do(folder: Path) -> None:
    assert look(folder) == []
    assert "Nothing has been graded yet" in shown([], Language.EN)
    assert "<form" not in shown([], Language.EN)


def test_labs_stand_in_the_order_of_their_course_and_what_is_none_is_left_out(folder: Path) -> None:
    for lab in (LAB, OTHER, "dns-tunnel", "older-lab"):
        grade(folder, "ana", lab)
    (folder / "autograded" / "ana" / "Not a lab").mkdir()
    (folder / "autograded" / "ana" / "emptied").mkdir()

    course = [lab.name for lab in look(folder)]

    assert course == [OTHER, LAB, "dns-tunnel", "older-lab"]


def test_a_refusal_is_told_in_the_instructors_language_whatever_the_trainees(folder: Path) -> None:
    reason = RefusalError("There is no {lab}.ipynb in the submission.", WayOut.OWN_NAME, lab=LAB).reason
    keep_refusal(folder, LAB, "ana", reason)

    (lab,) = look(folder, Language.FR)

    assert lab.title == lab_title(LAB, Language.FR) != lab_title(LAB, Language.EN)
    assert [each.reason for each in lab.refused] == [
        f"La remise ne contient pas de {LAB}.ipynb. Remettez le notebook du laboratoire sous son propre nom."
    ]
    text = shown([lab], Language.FR)
    assert "ne vient pas de l’échange" in text
    assert "Il n’y a rien à comparer" in text and "<form" not in text


def test_answers_are_listed_with_whose_truth_they_are_and_that_they_prove_nothing(folder: Path) -> None:
    grade(folder, "ana")
    compare(folder, answer(), answer(chance=0.0))

    (lab,) = look(folder)
    text = shown([lab], Language.ES)

    assert lab.compared == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=2000)
    assert "no es una prueba y no baja ninguna nota" in text
    assert "0,12\xa0%" in text and "&lt; 0,01\xa0%" in text and "más probable que 5\xa0%" in text
    assert "10.0.0.1" in text and "ben" in text
    assert "Después se calificaron" not in text


def test_a_comparison_from_before_the_last_grading_says_so(folder: Path) -> None:
    compare(folder, at=2000)
    grade(folder, "ana", at=3000)

    (lab,) = look(folder)

    assert lab.is_stale
    assert "Submissions were graded after that." in shown([lab], Language.EN)
    assert "No wrong answer is true in somebody else&#39;s case." in shown([lab], Language.EN)


@pytest.mark.parametrize("damaged", ["", "{", "[7]", '[{"trainee": "ana"}]', '{"x": 1}'])
def test_a_damaged_comparison_counts_as_none(folder: Path, damaged: str) -> None:
    grade(folder, "ana")
    compare(folder)
    (folder / "neighbours" / f"{LAB}.json").write_text(damaged)

    (lab,) = look(folder)

    assert lab.compared is None
    assert "Not compared yet" in shown([lab], Language.EN) and "Compare now" in shown([lab], Language.EN)


def test_while_a_lab_is_compared_the_page_says_so_and_comes_again(folder: Path) -> None:
    grade(folder, "ana")

    text = shown(look(folder), Language.PT, running=frozenset({LAB}))

    assert '<meta http-equiv="refresh" content="3; url=/again?look=1#lab-x">' in text and "<progress" in text
    assert "sendo comparadas" in text and "<form" not in text


class Elements(HTMLParser):
    """Collects the names of all elements."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)


def test_nothing_that_a_trainee_wrote_acts_on_the_page(folder: Path) -> None:
    grade(folder, "ana")
    compare(folder, answer(HOSTILE), answer([{"name": HOSTILE}]))
    reason = RefusalError("The submission holds a link, {name}.", WayOut.PLAIN_FILES, name=HOSTILE).reason
    keep_refusal(folder, LAB, "ben", reason)

    text = shown(look(folder), Language.EN, problem="<script>")
    elements = Elements()
    elements.feed(text)

    assert "script" not in elements.names
    assert text.count("&lt;script&gt;") == 4, "two answers, a file name, a problem"
    assert "\u202e" not in text.replace(
        f"did not succeed: {'&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;'}\u202e", ""
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("10.0.0.1", "10.0.0.1"),
        (3, "3"),
        (["a", "b"], "a, b"),
        ([{"port": 80, "host": "a"}, {"port": 443, "host": "b"}], "port: 80, host: a; port: 443, host: b"),
        (None, "None"),
    ],
)
def test_a_value_is_a_line_of_text(value: object, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("header", "language"),
    [("pt-BR,pt;q=0.9", Language.PT), ("de,fr;q=0.5", Language.FR), ("", Language.EN), ("*", Language.EN)],
)
def test_the_browser_says_what_language_an_unknown_instructor_reads(header: str, language: Language) -> None:
    assert preferred_language(header) is language


async def test_one_comparison_runs_at_a_time_and_none_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    script = f'echo "begin $0" >> {log}; sleep 0.2; echo "end $0" >> {log}'
    monkeypatch.setattr(comparing, "comparing_command", lambda _folder, lab: ["sh", "-c", script, lab])
    comparisons = Comparisons(tmp_path)

    for lab in ("one", "one", "two"):
        comparisons.start(lab)
    assert comparisons.running == {"one", "two"}
    await comparisons.ended("two")

    assert log.read_text().split("\n") == ["begin one", "end one", "begin two", "end two", ""]
    assert comparisons.running == frozenset() and comparisons.problem("one") is None


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["sh", "-c", "echo first >&2; echo 'csirtlab: no lab \u202ehere.' >&2; exit 2"], "no lab \\u202ehere."),
        (["sh", "-c", "exit 3"], "exit code 3"),
        (["/nowhere/csirtlab"], "No such file or directory: /nowhere/csirtlab"),
    ],
)  # fmt: skip
async def test_a_comparison_that_fails_says_why_until_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], problem: str
) -> None:
    commands = [["true"], command]
    monkeypatch.setattr(comparing, "comparing_command", lambda *_: commands.pop())
    comparisons = Comparisons(tmp_path)

    comparisons.start(LAB)
    await comparisons.ended(LAB)

    assert comparisons.problem(LAB) == problem
    comparisons.start(LAB)
    await comparisons.ended(LAB)
    assert comparisons.problem(LAB) is None


@pytest.mark.slow
async def test_the_button_finds_what_the_command_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = make_workshop(tmp_path, ("ana", "ben"))
    workshop.hand_in("ana", workshop.right("ana") | {"infected_host": workshop.right("ben")["infected_host"]})
    workshop.hand_in("ben", workshop.right("ben"))
    workshop.nbgrader("autograde", "quick")
    monkeypatch.setenv("CSIRTLAB_CONTENT", str(tmp_path / "content"))
    assert [lab.compared for lab in noticed_labs(workshop.cohort, tmp_path / "content", "x", Language.EN)] == [None]
    comparisons = Comparisons(workshop.cohort)

    comparisons.start("quick")
    await comparisons.ended("quick")

    assert comparisons.problem("quick") is None
    (lab,) = noticed_labs(workshop.cohort, tmp_path / "content", "x", Language.EN)
    assert lab.graded == 2 and not lab.is_stale
    assert [(each.trainee, each.question, each.true_for) for each in lab.neighbours] == [
        ("ana", "infected_host", ("ben",))
    ]
