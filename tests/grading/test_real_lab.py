"""The first lab, on its real scenario, set up by the real configuration file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import case_seed
from csirtlab.labs.source import assemble_source
from csirtlab.settings import content_root

pytestmark = pytest.mark.slow
SECRET = "a7" * 32
LAB = "c2-beacon"


def nbgrader(cohort: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=cohort, env={**os.environ, "JUPYTER_CONFIG_DIR": str(cohort / ".jupyter")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_true_answers_get_all_points_by_the_nbgrader_command(tmp_path: Path) -> None:
    cohort = tmp_path / "demo"
    cohort.mkdir()
    (cohort / "secret").write_text(SECRET)
    (cohort / "cohort.json").write_text(json.dumps({"name": "demo", "course": "x", "title": "x", "language": "en"}))
    people = [{"username": "bia", "name": "Bia", "language": "pt", "role": "trainee"}]
    (cohort / "roster.json").write_text(json.dumps({"people": people}))
    configuration = content_root() / "grader" / "nbgrader_config.py"
    (cohort / "nbgrader_config.py").write_text(f"load_subconfig({str(configuration)!r})\n")
    lab = read_lab(content_root(), LAB)
    assemble_source(lab, cohort / "source" / LAB)
    nbgrader(cohort, "generate_assignment", LAB)
    notebook = nbformat.read(cohort / "release" / LAB / f"{LAB}.ipynb", as_version=4)
    facts = ground_truth(read_scenario(content_root(), lab.scenario), case_seed(bytes.fromhex(SECRET), LAB, "bia"))
    for cell in notebook.cells:
        question = cell.metadata.get("nbgrader", {}).get("grade_id")
        if cell.cell_type == "code" and question in {each.id for each in lab.questions}:
            fact = lab.question(question).fact
            if lab.question(question).kind == "finding" and fact is not None:
                cell.source = (
                    f'from datetime import datetime, timezone\ncase.answer("{question}", {_code(facts[fact])})'
                )
        elif question == "incident_note":
            cell.source = "TLP:AMBER. It was found."
    place = cohort / "submitted" / "bia" / LAB
    place.mkdir(parents=True)
    nbformat.write(notebook, place / f"{LAB}.ipynb")

    nbgrader(cohort, "autograde", LAB)

    with Gradebook(f"sqlite:///{cohort}/gradebook.db") as gradebook:
        grades = gradebook.find_submission_notebook(LAB, LAB, "bia").grades
        scores = {grade.name: grade.auto_score for grade in grades}
    assert scores.pop("incident_note") is None
    assert scores.pop("verdict-beacon_detector") == 0
    assert scores == {f"verdict-{each.id}": each.points for each in lab.questions if each.kind == "finding"}


def _code(fact: object) -> str:
    if hasattr(fact, "isoformat"):
        return f'datetime.fromisoformat("{fact.isoformat()}")'
    return repr(fact)
