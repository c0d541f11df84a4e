"""A submission that cannot be graded, the whole way: handed in, refused, told to its trainee, handed in again."""

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from tests.grading.workshops import LAB, Workshop, make_workshop
from traitlets.config import Config

from csirtlab.exchange.nbgrader_setup import configure as configure_exchange
from csirtlab.grading.nbgrader_plugins import close_shared_workplace
from csirtlab.grading.nbgrader_setup import configure as configure_grading

Server = Any

pytestmark = [
    pytest.mark.slow,
    # nbgrader 0.9.6 itself
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A cohort whose trainee ana reads Spanish."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader starts alembic
    workshop = make_workshop(tmp_path, ("ana", "bob"))
    roster = workshop.cohort / "roster.json"
    people = json.loads(roster.read_text())["people"]
    people[0]["language"] = "es"
    roster.write_text(json.dumps({"people": people}))
    monkeypatch.setenv("CSIRTLAB_CONTENT", str(tmp_path / "content"))
    yield workshop
    close_shared_workplace()


@pytest.fixture
def api(workshop: Workshop, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[NbGraderAPI]:
    """The instructor's nbgrader, as formgrader uses it, with the lab released."""
    server.people.roles = {("demo", "ana"): "trainee", ("demo", "bob"): "trainee", ("demo", "eva"): "instructor"}
    monkeypatch.setenv("CSIRTLAB_EXCHANGE_URL", server.url)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "eva-token")
    config = Config()
    configure_grading(config, workshop.cohort)
    configure_exchange(config)
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    succeed(api.release_assignment(LAB))
    yield api
    api.gradebook.close()


@pytest.fixture
def hand_in(server: Server, archive: Callable[..., bytes]) -> Callable[..., int]:
    """Hands in a notebook's text and returns the number of the receipt."""

    def submit(trainee: str, notebook: str) -> int:
        number: int = server.as_(trainee).send("demo", LAB, archive({f"{LAB}.ipynb": notebook.encode()})).position
        return number

    return submit


def succeed(result: dict[str, Any]) -> None:
    assert result["success"], result.get("log", "") + result.get("error", "")


def right(workshop: Workshop, trainee: str) -> str:
    notebook = nbformat.read(workshop.cohort / "release" / LAB / f"{LAB}.ipynb", as_version=4)
    answers = workshop.right(trainee)
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return str(nbformat.writes(notebook))


ANOTHER = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))


def feedback(server: Server, trainee: str, number: int) -> dict[str, str]:
    """Return the files of the feedback on a submission, as its trainee gets them."""
    with zipfile.ZipFile(io.BytesIO(server.as_(trainee).feedback("demo", LAB, submission=number))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def has_feedback(server: Server, number: int) -> bool:
    return server.store.index.feedback(number) is not None


def test_the_trainee_reads_why_and_after_handing_in_again_reads_the_feedback(
    workshop: Workshop, api: NbGraderAPI, server: Server, hand_in: Callable[..., int]
) -> None:
    first = hand_in("ana", ANOTHER)
    succeed(api.collect(LAB))
    later = hand_in("ana", right(workshop, "ana"))  # before she knows: not what was collected

    assert not api.autograde(LAB, "ana")["success"]
    succeed(api.release_feedback(LAB))

    told = feedback(server, "ana", first)
    assert set(told) == {f"{LAB}.html", "not-graded.txt"}
    assert f"Su entrega n.º {first}, del" in told[f"{LAB}.html"]
    assert "Ninguna celda del cuaderno pertenece al laboratorio «quick»." in told[f"{LAB}.html"]
    assert told["not-graded.txt"].startswith("Ninguna celda del cuaderno")
    assert not has_feedback(server, later)

    succeed(api.collect(LAB, update=True))
    succeed(api.autograde(LAB, "ana"))
    succeed(api.generate_feedback(LAB))
    succeed(api.release_feedback(LAB))

    assert set(feedback(server, "ana", later)) == {f"{LAB}.html"}
    assert "es correcto." in feedback(server, "ana", later)[f"{LAB}.html"]
    assert feedback(server, "ana", first) == told
    assert list((workshop.cohort / "refused" / LAB).iterdir()) == []


def test_a_refusal_and_the_feedback_on_an_earlier_submission_are_both_released_once(
    workshop: Workshop, api: NbGraderAPI, server: Server, hand_in: Callable[..., int]
) -> None:
    first = hand_in("ana", right(workshop, "ana"))
    succeed(api.collect(LAB))
    succeed(api.autograde(LAB, "ana"))
    succeed(api.generate_feedback(LAB))
    second = hand_in("ana", ANOTHER)
    succeed(api.collect(LAB, update=True))
    assert not api.autograde(LAB, "ana")["success"]

    succeed(api.release_feedback(LAB))
    entries = [server.store.index.feedback(number) for number in (first, second)]
    succeed(api.release_feedback(LAB))

    assert "not-graded.txt" not in feedback(server, "ana", first)
    assert "not-graded.txt" in feedback(server, "ana", second)
    assert [server.store.index.feedback(number) for number in (first, second)] == entries


def test_a_refusal_is_released_to_whom_it_was_asked_for(
    api: NbGraderAPI, server: Server, hand_in: Callable[..., int]
) -> None:
    numbers = {trainee: hand_in(trainee, ANOTHER) for trainee in ("ana", "bob")}
    succeed(api.collect(LAB))
    api.autograde(LAB, "*")

    succeed(api.release_feedback(LAB, "bob"))

    assert has_feedback(server, numbers["bob"]) and not has_feedback(server, numbers["ana"])
    assert "No cell of the notebook belongs" in feedback(server, "bob", numbers["bob"])[f"{LAB}.html"]


def test_what_did_not_come_from_the_exchange_is_told_to_the_instructor_and_put_on_no_other_submission(
    workshop: Workshop, api: NbGraderAPI, server: Server, hand_in: Callable[..., int]
) -> None:
    other = hand_in("ana", right(workshop, "ana"))
    workshop.hand_in("ana", nbformat.reads(ANOTHER, as_version=4))
    api.autograde(LAB, "ana")

    result = api.release_feedback(LAB)

    succeed(result)
    assert "Tell the reason yourself" in result["log"]
    assert not has_feedback(server, other)


def test_a_submission_that_has_its_scores_keeps_its_feedback_when_grading_it_again_fails(
    workshop: Workshop, api: NbGraderAPI, server: Server, hand_in: Callable[..., int]
) -> None:
    number = hand_in("ana", right(workshop, "ana"))
    succeed(api.collect(LAB))
    succeed(api.autograde(LAB, "ana"))
    succeed(api.generate_feedback(LAB))
    workshop.change('id = "note"', 'id = "remark"')  # what `csirtlab grade --regrade` then refuses
    assert workshop.run("--regrade", "--yes").returncode == 1
    assert (workshop.cohort / "refused" / LAB / "ana.html").is_file()

    succeed(api.release_feedback(LAB))

    assert "not-graded.txt" not in feedback(server, "ana", number)
