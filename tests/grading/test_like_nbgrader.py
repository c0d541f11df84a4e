"""The gradebook that ``csirtlab grade`` leaves is nbgrader's own, score by score."""

import json
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from tests.grading.workshops import LAB, Workshop, make_workshop

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import case_seed
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.languages import Language
from csirtlab.settings import content_root

pytestmark = pytest.mark.slow
LATE_COUNTS_NOTHING = '\nc.LateSubmissionPlugin.penalty_method = "zero"\n'
HIDDEN_TESTS = {
    "verdict-infected_host": """\
import json
truth = json.load(open({truths!r}))[json.load(open("evidence/case.json"))["trainee"]]
10.0 if case.answers().get("infected_host") == truth["infected_host"] else 0.0""",
    "verdict-first_beacon": """\
import pandas as pd
said = case.answers().get("first_beacon")
5.0 if said and abs((pd.Timestamp(said) - pd.Timestamp(truth["first_beacon"])).total_seconds()) <= 2 else 0.0""",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """One who is right and in time, one who is wrong and late, one who handed in the lab as it was."""
    workshop = make_workshop(tmp_path_factory.mktemp("template"), ("ana", "ben", "cid"))
    with (workshop.cohort / "nbgrader_config.py").open("a") as file:
        file.write(LATE_COUNTS_NOTHING)
    workshop.hand_in("ana", workshop.right("ana"), "2026-03-02 10:00:00 UTC")
    wrong = workshop.right("ben") | {"first_beacon": workshop.answer_time("ben", off_s=9)}
    workshop.hand_in("ben", wrong, "2026-03-02 13:00:00 UTC")
    workshop.hand_in("cid", {}, "2026-03-02 11:00:00 UTC")
    _change(workshop, "UPDATE assignment SET duedate = '2026-03-02 12:00:00.000000'")
    return workshop


def test_scores_penalties_and_notebooks_are_those_of_nbgrader_autograde(template: Workshop, tmp_path: Path) -> None:
    ours, theirs = _copies(template, tmp_path)

    ours.grade()
    theirs.nbgrader("autograde", LAB)

    assert ours.dump() == theirs.dump()
    assert ours.autograded() == theirs.autograded()
    assert [row[2] for row in ours.dump() if row[0] == "ben" and row[8]] == [10.0] * 3


def test_points_given_by_hand_stay_as_nbgrader_lets_them(template: Workshop, tmp_path: Path) -> None:
    ours, theirs = _copies(template, tmp_path)
    by_hand = (
        "UPDATE grade SET manual_score = 3, needs_manual_grade = 0 WHERE cell_id IN "
        "(SELECT id FROM base_cell WHERE name = 'note' OR name = 'verdict-infected_host')"
    )
    ours.grade()
    theirs.nbgrader("autograde", LAB)
    for workshop in (ours, theirs):
        _change(workshop, by_hand)

    ours.grade("--regrade", "--yes")
    theirs.nbgrader("autograde", LAB, "--force")

    assert ours.dump() == theirs.dump()
    assert {row[5] for row in ours.dump() if row[3] == "note" and row[8]} == {3.0}


def test_honest_submissions_get_the_points_that_stock_nbgrader_gives(template: Workshop, tmp_path: Path) -> None:
    """Stock: no step of ours, the answers tested in the notebook's own kernel."""
    ours, stock = _copies(template, tmp_path)
    _make_stock(stock, ("ana", "ben", "cid"), tmp_path / "truths.json")

    ours.grade()
    stock.nbgrader("autograde", LAB)

    assert ours.dump() == stock.dump()
    assert len(ours.dump()) == 3 * (3 + 3)


def _copies(template: Workshop, folder: Path) -> tuple[Workshop, Workshop]:
    for name in ("ours", "theirs"):
        shutil.copytree(template.root, folder / name, symlinks=True)
    return template.at(folder / "ours"), template.at(folder / "theirs")


def _change(workshop: Workshop, statement: str) -> None:
    connection = sqlite3.connect(workshop.cohort / "gradebook.db")
    with connection:
        connection.execute(statement)
    connection.close()


def _make_stock(workshop: Workshop, names: Sequence[str], truths: Path) -> None:
    """Turn a cohort into nbgrader's own, with hidden tests and each trainee's evidence beside their notebook."""
    told = {name: {key: str(workshop.truth(name)[key]) for key in ("infected_host", "first_beacon")} for name in names}
    truths.write_text(json.dumps(told))
    (workshop.cohort / "nbgrader_config.py").write_text("c = get_config()" + LATE_COUNTS_NOTHING)
    path = workshop.cohort / "source" / LAB / f"{LAB}.ipynb"
    source = nbformat.read(path, as_version=4)
    for cell in source.cells:
        if test := HIDDEN_TESTS.get(cell.metadata.get("nbgrader", {}).get("grade_id", "")):
            cell.source = f"### BEGIN HIDDEN TESTS\n{test.format(truths=str(truths))}\n### END HIDDEN TESTS"
    nbformat.write(source, path)
    (workshop.cohort / "gradebook.db").unlink()
    workshop.nbgrader("generate_assignment", LAB, "--force")
    workshop.hand_in("cid", {}, "2026-03-02 11:00:00 UTC")  # the lab as stock nbgrader releases it
    _change(workshop, "UPDATE assignment SET duedate = '2026-03-02 12:00:00.000000'")
    lab, scenario = read_lab(workshop.root / "content", LAB), read_scenario(content_root(), "c2-beacon")
    for name in names:
        evidence = workshop.cohort / "submitted" / name / LAB / "evidence"
        make_evidence(scenario, case_seed(workshop.secret, LAB, name), evidence)
        write_case_sheet(lab, evidence, cohort="demo", trainee=name, language=Language.EN)
