"""A tiny lab, its cohort's folder and a way to hand in, all real but for the scenario."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from tests.grading.workshops import api_of, make_cohort

from csirtlab.evidence.seeds import case_seed
from csirtlab.grading import cases
from csirtlab.grading.nbgrader_plugins import close_shared_workplace

SECRET = "5e" * 32
LAB_TOML = """
title = "Tiny"
summary = "A tiny lab."
scenario = "tiny"
minutes = 5
level = "beginner"

[[question]]
id = "infected_host"
kind = "finding"
form = "address"
fact = "host"
points = 10
prompt = "Which host?"
feedback = "Look at the asset list."

[[question]]
id = "ports"
kind = "finding"
form = "set"
items = "port"
fact = "ports"
points = 8
prompt = "Which ports?"
feedback = "Look at the ports."

[[question]]
id = "detector"
kind = "method"
form = "address"
fact = "host"
siblings = 2
points = 6
prompt = "Write a method."
feedback = "Read the list."

[[question]]
id = "note"
kind = "report"
points = 4
prompt = "Write a note."
rubric = ["4 points: it is there."]
"""
LAB_MD = """
---
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Tiny

```{code-cell} ipython3
from csirtlab.kit import open_case

case = open_case()
```

```{code-cell} ipython3
:question: infected_host

case.answer("infected_host", None)
```

```{code-cell} ipython3
:question: ports

case.answer("ports", None)
```

```{code-cell} ipython3
:question: detector

def detect(case):
    return None


case.method("detector", detect)
```

+++ {"question": "note"}

TLP:

+++

The end.
"""


def address_of(seed: bytes) -> str:
    return f"10.0.{seed[0]}.{seed[1]}"


def _write_evidence(_scenario: object, seed: bytes, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "assets.csv").write_text(f"hostname,address,role\nws1,{address_of(seed)},workstation\n")


def _fake_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "read_scenario", lambda _content, name: name)
    monkeypatch.setattr(cases, "make_evidence", _write_evidence)
    monkeypatch.setattr(
        cases, "ground_truth", lambda _scenario, seed: {"host": address_of(seed), "ports": frozenset({80, 443, 8080})}
    )


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A content folder, and a cohort with its lab generated, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    lab = folder / "content" / "labs" / "tiny"
    lab.mkdir(parents=True)
    (lab / "lab.toml").write_text(LAB_TOML)
    (lab / "lab.md").write_text(LAB_MD.strip() + "\n")
    make_cohort(folder / "cohort", folder / "content", "tiny", SECRET, {"ana": "es", "ben": "en"})
    yield folder
    close_shared_workplace()


@pytest.fixture
def content(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content folder with one lab, on a scenario of two facts that is made up here."""
    shutil.copytree(template / "content", tmp_path / "content")
    _fake_scenario(monkeypatch)
    monkeypatch.setenv("CSIRTLAB_CONTENT", str(tmp_path / "content"))
    return tmp_path / "content"


@pytest.fixture
def cohort(tmp_path: Path, template: Path, content: Path) -> Iterator["CohortInTest"]:  # is made there
    """A cohort's folder with the tiny lab generated."""
    folder = tmp_path / "cohort"
    shutil.copytree(template / "cohort", folder)
    api = api_of(folder)
    yield CohortInTest(folder, api)
    api.gradebook.close()


Cells = dict[str, str]


@dataclass
class CohortInTest:
    """A cohort under test: hand in, grade, look at the gradebook."""

    folder: Path
    api: Any

    def own_address(self, trainee: str) -> str:
        return address_of(case_seed(bytes.fromhex(SECRET), "tiny", trainee))

    def release(self) -> Any:
        return nbformat.read(self.folder / "release" / "tiny" / "tiny.ipynb", as_version=4)

    def right_answers(self, trainee: str) -> Cells:
        """Return what to write into which cell for all points."""
        return {
            "infected_host": f'case.answer("infected_host", "{self.own_address(trainee)}")',
            "ports": 'case.answer("ports", {80, 443, 8080})',
            "detector": (
                "def detect(case):\n"
                '    return case.path("assets.csv").read_text().splitlines()[1].split(",")[1]\n'
                'case.method("detector", detect)'
            ),
            "note": "It was ws1.",
        }

    def fill(self, cells: Cells) -> Any:
        """Return the released notebook with some cells filled in."""
        notebook = self.release()
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id in cells:
                cell.source = cells[grade_id]
        return notebook

    def hand_in(self, trainee: str, notebook: Any) -> None:
        place = self.folder / "submitted" / trainee / "tiny"
        place.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, place / "tiny.ipynb", version=nbformat.NO_CONVERT)

    def grade(self, trainee: str) -> dict[str, Any]:
        result: dict[str, Any] = self.api.autograde("tiny", trainee, force=True)
        return result

    def scores(self, trainee: str) -> dict[str, float | None]:
        """Return the score of each grade cell as the gradebook has it; None waits for a person."""
        with self.api.gradebook as gradebook:
            notebook = gradebook.find_submission_notebook("tiny", "tiny", trainee)
            return {grade.name: None if grade.needs_manual_grade else grade.auto_score for grade in notebook.grades}

    def graded(self, trainee: str) -> dict[str, Any]:
        """Return the autograded notebook's cells by grade id."""
        path = self.folder / "autograded" / trainee / "tiny" / "tiny.ipynb"
        notebook = nbformat.read(path, as_version=4)
        return {cell.metadata.nbgrader["grade_id"]: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
