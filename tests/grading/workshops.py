"""A cohort on a real scenario with a lab that takes no time, graded by real commands."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import case_seed
from csirtlab.grading.nbgrader_setup import configure
from csirtlab.labs.source import assemble_source
from csirtlab.settings import content_root

LAB = "quick"
SECRET = "3c" * 32
_LAB_TOML = """
title = "Quick"
summary = "Two answers and a note."
scenario = "c2-beacon"
minutes = 5
level = "beginner"

[[question]]
id = "infected_host"
kind = "finding"
form = "address"
fact = "infected_host"
points = 10
prompt = "Which host?"
feedback = "Look at the rhythm."

[[question]]
id = "first_beacon"
kind = "finding"
form = "time"
fact = "first_beacon"
tolerance = { absolute = 2 }
points = 5
prompt = "When?"
feedback = "Look at the clock."

[[question]]
id = "note"
kind = "report"
points = 4
prompt = "Write a note."
rubric = ["4 points: it is there."]
"""
_LAB_MD = """
---
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Quick

```{code-cell} ipython3
from csirtlab.kit import open_case

case = open_case()
```

```{code-cell} ipython3
:question: infected_host

case.answer("infected_host", None)
```

```{code-cell} ipython3
:question: first_beacon

case.answer("first_beacon", None)
```

+++ {"question": "note"}

TLP:
"""
CONFIG = """
from csirtlab.settings import content_root

c = get_config()
load_subconfig(str(content_root() / "grader" / "nbgrader_config.py"))
"""


def make_workshop(root: Path, names: Sequence[str]) -> "Workshop":
    """Make content, cohort and release under ``root``."""
    content = root / "content"
    lab = content / "labs" / LAB
    lab.mkdir(parents=True)
    (lab / "lab.toml").write_text(_LAB_TOML)
    (lab / "lab.md").write_text(_LAB_MD.strip() + "\n")
    (content / "datasets").symlink_to(content_root() / "datasets")
    (content / "grader").mkdir()
    shutil.copy(content_root() / "grader" / "nbgrader_config.py", content / "grader")
    workshop = Workshop(root)
    workshop.cohort.mkdir()
    (workshop.cohort / "nbgrader_config.py").write_text(CONFIG)
    make_cohort(workshop.cohort, content, LAB, SECRET, dict.fromkeys(names, "en"))
    return workshop


def make_cohort(cohort: Path, content: Path, lab: str, secret: str, languages: Mapping[str, str]) -> None:
    """Make a cohort's folder, with trainees by their language, and generate its lab there."""
    for name in ("source", "release", "submitted", "autograded", "feedback"):
        (cohort / name).mkdir(parents=True)
    (cohort / "secret").write_text(secret + "\n")
    (cohort / "cohort.json").write_text(json.dumps({"name": "demo", "course": "x", "title": "x", "language": "en"}))
    people = [
        {"username": name, "name": name.title(), "language": language, "role": "trainee"}
        for name, language in languages.items()
    ]
    (cohort / "roster.json").write_text(json.dumps({"people": people}))
    assemble_source(read_lab(content, lab), cohort / "source" / lab)
    api = api_of(cohort)
    made = api.generate_assignment(lab)
    api.gradebook.close()
    assert made["success"], made


def api_of(cohort: Path) -> Any:
    """Return nbgrader's own interface to a cohort's folder; its gradebook is the caller's to close."""
    config = Config()
    configure(config, cohort)
    return NbGraderAPI(CourseDirectory(config=config), config=config)


@dataclass(frozen=True)
class Workshop:
    """A content folder and a cohort's folder; the lab has been released."""

    root: Path

    @property
    def cohort(self) -> Path:
        return self.root / "cohort"

    @property
    def environment(self) -> dict[str, str]:
        jupyter = str(self.cohort / ".jupyter")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader starts alembic by name
        return {
            **os.environ,
            "PATH": path,
            "CSIRTLAB_CONTENT": str(self.root / "content"),
            "JUPYTER_CONFIG_DIR": jupyter,
        }

    def at(self, root: Path) -> "Workshop":
        """Return the copy of it at another place."""
        return Workshop(root)

    @property
    def secret(self) -> bytes:
        return bytes.fromhex(SECRET)

    def truth(self, trainee: str) -> Mapping[str, Any]:
        return ground_truth(read_scenario(content_root(), "c2-beacon"), case_seed(self.secret, LAB, trainee))

    def answer_time(self, trainee: str, off_s: float = 0) -> str:
        found: datetime = self.truth(trainee)["first_beacon"] + timedelta(seconds=off_s)
        return f'case.answer("first_beacon", "{found.isoformat()}")'

    def right(self, trainee: str) -> dict[str, str]:
        """Return the right answer cells, and a note."""
        host = self.truth(trainee)["infected_host"]
        return {
            "infected_host": f'case.answer("infected_host", "{host}")',
            "first_beacon": self.answer_time(trainee),
            "note": "It was found.",
        }

    def wrong(self) -> dict[str, str]:
        return {
            "infected_host": 'case.answer("infected_host", "192.0.2.1")',
            "first_beacon": 'case.answer("first_beacon", "2020-01-01T00:00:00Z")',
            "note": "Nothing.",
        }

    def hand_in(self, trainee: str, answers: Any, timestamp: str | None = None) -> None:
        """Hand in answers by cell, or a whole notebook."""
        notebook = answers
        if isinstance(answers, dict) and "cells" not in answers:
            notebook = nbformat.read(self.cohort / "release" / LAB / f"{LAB}.ipynb", as_version=4)
            for cell in notebook.cells:
                grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
                if grade_id in answers:
                    cell.source = answers[grade_id]
        place = self.cohort / "submitted" / trainee / LAB
        place.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, place / f"{LAB}.ipynb", version=nbformat.NO_CONVERT)
        if timestamp:
            (place / "timestamp.txt").write_text(timestamp)

    def keep_only(self, *trainees: str) -> None:
        """Forget what everybody else handed in."""
        for place in (self.cohort / "submitted").iterdir():
            if place.name not in trainees:
                shutil.rmtree(place)

    def change(self, before: str, after: str) -> None:
        """Change the lab's questions."""
        path = self.root / "content" / "labs" / LAB / "lab.toml"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def command(self, *arguments: str, cohort: str | None = None, lab: str = LAB) -> list[str]:
        return [str(Path(sys.executable).parent / "csirtlab"), "grade", cohort or str(self.cohort), lab, *arguments]

    def run(
        self, *arguments: str, cohort: str | None = None, lab: str = LAB, stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        command = self.command(*arguments, cohort=cohort, lab=lab)
        return subprocess.run(
            command, env=self.environment, cwd=self.root, input=stdin, capture_output=True, text=True, check=False
        )

    def start(self, *arguments: str, start_new_session: bool = True) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments), env=self.environment, cwd=self.root, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=start_new_session,
        )  # fmt: skip

    def grade(self, *arguments: str) -> dict[str, Any]:
        done = self.run("--json", *arguments)
        assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def nbgrader(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=self.cohort, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]

    def dump(self) -> list[tuple[Any, ...]]:
        """Return every score and comment of the gradebook, by trainee and cell."""
        query = """
            SELECT s.student_id, s.timestamp, n.late_submission_penalty, c.name, g.auto_score, g.manual_score,
                   g.extra_credit, g.needs_manual_grade, gc.max_score, NULL
            FROM grade g JOIN submitted_notebook n ON g.notebook_id = n.id
            JOIN submitted_assignment s ON n.assignment_id = s.id JOIN base_cell c ON g.cell_id = c.id
            JOIN grade_cells gc ON gc.id = c.id
            UNION ALL
            SELECT s.student_id, s.timestamp, NULL, c.name, NULL, NULL, NULL, NULL, NULL, m.auto_comment
            FROM comment m JOIN submitted_notebook n ON m.notebook_id = n.id
            JOIN submitted_assignment s ON n.assignment_id = s.id JOIN base_cell c ON m.cell_id = c.id
        """
        connection = sqlite3.connect(self.cohort / "gradebook.db")
        try:
            return sorted(connection.execute(query).fetchall(), key=repr)
        finally:
            connection.close()

    def scores(self) -> dict[str, tuple[float | None, ...]]:
        """Return each graded trainee's automatic points: host, time, note."""
        found: dict[str, dict[str, float | None]] = {}
        for row in self.dump():
            if row[8] is not None:
                found.setdefault(row[0], {})[row[3]] = row[4]
        order = ("verdict-infected_host", "verdict-first_beacon", "note")
        return {trainee: tuple(cells.get(cell) for cell in order) for trainee, cells in found.items()}

    def autograded(self) -> dict[str, bytes]:
        """Return the bytes of everything in ``autograded/``."""
        root = self.cohort / "autograded"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
