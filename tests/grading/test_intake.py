"""What is handed in, looked at before nbgrader opens it."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps import api, autogradeapp
from tests.grading.conftest import CohortInTest

from csirtlab.errors import GradingError
from csirtlab.grading.converter import CheckedAutograde
from csirtlab.grading.intake import MOST_FILES, check_submission

# nbgrader's own: it adds a submission to a student before it adds it to the session.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    """A folder with a notebook in it."""
    folder = tmp_path / "submission"
    folder.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), folder / "tiny.ipynb")
    return folder


def refused(submission: Path) -> str:
    with pytest.raises(GradingError) as caught:
        check_submission(submission, "tiny")
    return str(caught.value)


def test_a_notebook_with_plain_files_beside_it_is_taken(submission: Path) -> None:
    (submission / "pictures").mkdir()
    (submission / "pictures" / "notes.txt").write_text("x")
    (submission / "timestamp.txt").write_text("2026-11-24 10:00:00 UTC\n")

    check_submission(submission, "tiny")


def test_a_link_is_refused_wherever_it_leads(submission: Path) -> None:
    (submission / "deep").mkdir()
    (submission / "deep" / "notes.txt").symlink_to("/dev/zero")

    assert refused(submission) == "The submission holds a link, notes.txt. Hand in plain files only."


def test_a_named_pipe_in_the_place_of_the_notebook_is_refused_without_waiting(submission: Path) -> None:
    (submission / "tiny.ipynb").unlink()
    os.mkfifo(submission / "tiny.ipynb")

    assert "Hand in plain files only" in refused(submission)


def test_a_submission_without_the_labs_notebook_is_refused(submission: Path) -> None:
    (submission / "tiny.ipynb").rename(submission / "tiny (1).ipynb")

    assert refused(submission).startswith("There is no tiny.ipynb in the submission.")


def test_more_files_than_anybody_needs_are_refused(submission: Path) -> None:
    for number in range(MOST_FILES):
        (submission / f"{number}").touch()

    assert f"more than {MOST_FILES} files" in refused(submission)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b'{"nbformat": 4}', b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}',
     b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {"x": 1}}',
     b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [7]}',
     b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [], "x": ' + b"9" * 5000 + b"}",
     b"[" * 100_000, b"\xff\xfe{}"],
)  # fmt: skip
def test_what_is_no_notebook_is_refused_with_the_way_out(submission: Path, content: bytes) -> None:
    (submission / "tiny.ipynb").write_bytes(content)

    reason = refused(submission)

    assert reason.startswith("The notebook cannot be read")
    assert "Open it in JupyterLab, save it, and hand it in again" in reason


def test_a_notebook_larger_than_the_exchange_takes_is_refused_unread(submission: Path) -> None:
    (submission / "tiny.ipynb").write_bytes(b" " * (21 * 2**20))

    assert "Clear its outputs" in refused(submission)


def test_a_timestamp_that_is_none_is_refused(submission: Path) -> None:
    (submission / "timestamp.txt").write_text("yesterday, I think")

    assert "holds no time" in refused(submission)


@pytest.mark.slow
def test_whatever_stops_grading_leaves_its_reason_and_no_score(
    cohort: CohortInTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr("csirtlab.grading.nbgrader_plugins.mend", stumble)
    cohort.hand_in("ben", cohort.fill(cohort.right_answers("ben")))

    result = cohort.grade("ben")

    reason = (cohort.folder / "refused" / "tiny" / "ben.txt").read_text()
    assert not result["success"]
    assert reason.startswith("Grading ended early (ZeroDivisionError: by accident), and no score was written.")
    assert not (cohort.folder / "autograded" / "ben" / "tiny").exists()


@pytest.mark.slow
def test_a_submission_that_cannot_be_read_stops_no_other(cohort: CohortInTest) -> None:
    cohort.hand_in("ana", cohort.fill({}))
    (cohort.folder / "submitted" / "ana" / "tiny" / "tiny.ipynb").write_text(json.dumps([]))
    cohort.hand_in("ben", cohort.fill(cohort.right_answers("ben")))

    cohort.grade("*")

    assert "cannot be read" in (cohort.folder / "refused" / "tiny" / "ana.txt").read_text()
    assert cohort.scores("ben")["verdict-infected_host"] == 10


def test_every_way_into_nbgraders_grading_looks_at_submissions_first(cohort: CohortInTest) -> None:
    assert api.Autograde is CheckedAutograde
    assert autogradeapp.Autograde is CheckedAutograde
