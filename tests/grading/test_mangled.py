"""Notebooks after an accident: graded with every intact question at its full worth, or refused with the reason.

``CSIRTLAB_MANGLED=2000`` plays that many, newly drawn each time; the usual run plays 200, always the same.
Each runs in the real box and is judged by the real judge. nbgrader's own steps round them are played by the
batch test, some notebooks at a time, with honest neighbours.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.grading.conftest import SECRET, CohortInTest, address_of
from tests.grading.mangling import NOTE, Mangling, Right, intact, manglings

from csirtlab.content.labs import Lab, read_lab
from csirtlab.errors import GradingError
from csirtlab.evidence.seeds import sibling_seed
from csirtlab.grading import cases
from csirtlab.grading.cohort_folder import read_cohort_folder
from csirtlab.grading.intake import check_submission
from csirtlab.grading.mending import VERDICT, Mended, mend
from csirtlab.grading.nbgrader_plugins import Workplace, close_shared_workplace, shared_workplace
from csirtlab.grading.runs import Cell
from csirtlab.grading.verdict_cells import judge_run, points_of
from csirtlab.languages import Language

# nbgrader's own: it adds a submission to a student before it adds it to the session.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    # What nbformat puts right by itself.
    pytest.mark.filterwarnings("ignore::nbformat.warnings.MissingIDFieldWarning"),
    pytest.mark.filterwarnings("ignore::nbformat.warnings.DuplicateCellId"),
]

MANY = int(os.environ.get("CSIRTLAB_MANGLED", "200"))
BATCH = 8
POINTS = {"infected_host": 10.0, "ports": 8.0, "detector": 6.0}
TRAINEE = "ben"


def played(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize="CSIRTLAB_MANGLED" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )


@dataclass(frozen=True)
class Desk:
    """What grades one mangled notebook after the other."""

    lab: Lab
    place: Workplace
    folders: cases.CaseFolders
    truths: cases.Truths
    submission: Path
    notebook: dict[str, Any]
    right: Right

    def grade(self, octets: bytes) -> tuple[dict[str, float], Mended]:
        """Do what the steps in nbgrader's converter do; raise what they raise."""
        (self.submission / "tiny.ipynb").write_bytes(octets)
        check_submission(self.submission, "tiny")
        read = nbformat.reads(octets.decode(), as_version=4)
        mended = mend(read.cells, self.lab, Language.EN)
        graded = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": mended.cells})
        nbformat.validate(graded)
        cells = [
            Cell(index, cell.source)
            for index, cell in enumerate(graded.cells)
            if cell.cell_type == "code"
            and not cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith(VERDICT)
        ]
        run = self.place.box.run(cells, self.folders.own, self.folders.siblings)
        verdicts = judge_run(self.lab, run, self.truths, Language.EN)
        return {name: points_of(self.lab.question(name), verdict) for name, verdict in verdicts.items()}, mended


@pytest.fixture
def desk(cohort: CohortInTest, content: Path, tmp_path: Path) -> Iterator[Desk]:
    lab = read_lab(content, "tiny")
    place = shared_workplace(logging.getLogger(__name__))
    folder = read_cohort_folder(cohort.folder)
    (tmp_path / "submission").mkdir()
    with place.shelf.folders(content, lab, folder, TRAINEE) as folders:
        yield Desk(
            lab, place, folders, cases.truths(content, lab, folder, TRAINEE), tmp_path / "submission",
            submission_of(cohort, TRAINEE), right_for(cohort, TRAINEE, folders.siblings["detector"][0]),
        )  # fmt: skip
    close_shared_workplace()


def grade_id_of(cell: Any) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def submission_of(cohort: CohortInTest, trainee: str) -> dict[str, Any]:
    notebook: dict[str, Any] = cohort.fill(cohort.right_answers(trainee) | {"note": NOTE})
    return dict(notebook)


def right_for(cohort: CohortInTest, trainee: str, sibling: Path) -> Right:
    address = address_of(sibling_seed(bytes.fromhex(SECRET), "tiny", "detector", 0))
    return Right({"infected_host": cohort.own_address(trainee), "ports": {80, 443, 8080}}, sibling, address)


def report_in(mended: Mended) -> str:
    (report,) = [cell for cell in mended.cells if cell["metadata"].get("nbgrader", {}).get("grade_id") == "note"]
    return str(report["source"])


def test_no_points_are_lost_in_silence(desk: Desk) -> None:
    """The claim of the module's first line, over drawn accidents; fixtures are made once for all of them."""
    counts = {"graded": 0, "refused": 0, "intact": 0}
    reasons: Counter[str] = Counter()

    @played(MANY)
    @given(manglings)
    def accident(mangling: Mangling) -> None:
        octets = mangling.of(desk.notebook)
        note(octets.decode("utf-8", "replace"))
        left = intact(octets, desk.right)
        try:
            points, mended = desk.grade(octets)
        except GradingError as error:
            assert left is None, f"a notebook with {left} intact was refused: {error}"
            assert len(str(error).split(". ")) > 1, f"no way out is told: {error}"
            counts["refused"] += 1
            reasons[str(error)[:70]] += 1
            return
        lost = {name: points[name] for name in (left or set()) & set(POINTS) if points[name] != POINTS[name]}
        assert lost == {}
        assert all(0 <= points[name] <= POINTS[name] for name in POINTS)
        assert NOTE in report_in(mended) or "note" not in (left or set())
        counts["graded"] += 1
        counts["intact"] += len(left or ())

    accident()

    logging.getLogger(__name__).warning("%s %s", counts, dict(reasons))  # what pytest --log-cli-level=WARNING shows
    assert counts["graded"] > counts["refused"] > 0


def test_no_other_submission_in_the_batch_is_touched(cohort: CohortInTest, desk: Desk) -> None:
    @played(max(3, MANY // 100))
    @given(st.lists(manglings, min_size=BATCH, max_size=BATCH))
    def batch(all_manglings: list[Mangling]) -> None:
        names = [f"t{number}" for number in range(BATCH)]
        left = {}
        for name, mangling in zip(names, all_manglings, strict=True):
            octets = mangling.of(submission_of(cohort, name))
            note(f"{name}: {octets.decode('utf-8', 'replace')}")
            left[name] = intact(octets, right_for(cohort, name, desk.folders.siblings["detector"][0]))
            place = cohort.folder / "submitted" / name / "tiny"
            place.mkdir(parents=True, exist_ok=True)
            (place / "tiny.ipynb").write_bytes(octets)
        for honest in ("ana", "zoe"):
            cohort.hand_in(honest, cohort.fill(cohort.right_answers(honest) | {"note": NOTE}))

        cohort.grade("*")

        for honest in ("ana", "zoe"):
            assert cohort.scores(honest) == {f"verdict-{name}": most for name, most in POINTS.items()} | {"note": None}
        for name in names:
            check_one(cohort, name, left[name])

    batch()


def check_one(cohort: CohortInTest, name: str, left: set[str] | None) -> None:
    refused = cohort.folder / "refused" / "tiny" / f"{name}.txt"
    if not (cohort.folder / "autograded" / name / "tiny" / "tiny.ipynb").exists():
        assert left is None, f"{name} with {left} intact was not graded: {refused.read_text()}"
        assert refused.read_text().strip()
        return
    assert not refused.exists()
    scores = cohort.scores(name)
    for question in (left or set()) & set(POINTS):
        assert scores[f"verdict-{question}"] == POINTS[question]
    if "note" in (left or set()):
        assert scores["note"] is None
