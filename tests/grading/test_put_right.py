"""What is told of a notebook that had to be put right: one line, and the rest in a file."""

import copy
import json
from pathlib import Path

import pytest
from tests.grading.conftest import CohortInTest
from tests.grading.workshops import LAB, Workshop, make_workshop

from csirtlab.grading.put_right import keep_notes, notes_path, summary


def test_one_note_is_told_itself_and_many_by_their_number() -> None:
    assert summary(["note: x"], Path("/c"), "tiny", "ana") == "note: x"
    assert summary(["a", "b"], Path("/c"), "tiny", "ana") == (
        "2 things were put right in the notebook before it was graded; put-right/tiny/ana.txt lists them"
    )


def test_the_same_note_is_kept_once_with_how_often(tmp_path: Path) -> None:
    keep_notes(tmp_path, "tiny", "ana", ["a", "b", "a"])

    assert notes_path(tmp_path, "tiny", "ana").read_text() == "a (2 times)\nb\n"


def test_notes_on_an_earlier_submission_are_forgotten(tmp_path: Path) -> None:
    keep_notes(tmp_path, "tiny", "ana", ["a"])

    keep_notes(tmp_path, "tiny", "ana", [])

    assert not notes_path(tmp_path, "tiny", "ana").exists()


def repeat_each_cell(notebook: Path) -> None:
    read = json.loads(notebook.read_text())
    read["cells"] = [copy.deepcopy(cell) for cell in read["cells"] for _ in range(20)]
    notebook.write_text(json.dumps(read))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    workshop = make_workshop(tmp_path_factory.mktemp("repeated"), ["ana", "ben"])
    for trainee in ("ana", "ben"):
        workshop.hand_in(trainee, workshop.right(trainee))
        repeat_each_cell(workshop.cohort / "submitted" / trainee / LAB / f"{LAB}.ipynb")
    return workshop


@pytest.mark.slow
def test_twenty_copies_of_each_question_are_no_flood_on_the_terminal(workshop: Workshop) -> None:
    done = workshop.run()

    assert done.returncode == 0, done.stderr
    assert len((done.stdout + done.stderr).splitlines()) < 6
    assert "its answer cell is there several times" in notes_path(workshop.cohort, LAB, "ana").read_text()
    assert workshop.scores()["ana"] == (10, 5, None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_nbgraders_log_has_one_line_for_each_submission(cohort: CohortInTest) -> None:
    cohort.hand_in("ben", cohort.fill(cohort.right_answers("ben")))
    repeat_each_cell(cohort.folder / "submitted" / "ben" / "tiny" / "tiny.ipynb")

    result = cohort.grade("ben")

    assert result["success"], result
    assert result["log"].count("ben/tiny: ") == 2  # what was put right, and the points
    assert "things were put right" in result["log"]
