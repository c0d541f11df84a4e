"""A cohort in which everybody has handed in a lab's reference solution: ours, and one that stock nbgrader grades."""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from csirtlab.content.labs import Kind, Lab, Question
from csirtlab.content.scenarios import Scenario, read_scenario
from csirtlab.errors import SetupError
from csirtlab.evidence.cases import ground_truth, make_evidence
from csirtlab.evidence.seeds import case_seed, sibling_seed
from csirtlab.grading.mending import VERDICT
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.labs.source import assemble_source
from csirtlab.languages import Language
from csirtlab.settings import content_root

_SECRET = bytes(range(32))
_OURS = """
from csirtlab.settings import content_root

c = get_config()
load_subconfig(str(content_root() / "grader" / "nbgrader_config.py"))
"""
_STOCK = """
c = get_config()
c.ExecutePreprocessor.timeout = 300
"""
_FINDING_TEST = """\
### BEGIN HIDDEN TESTS
import json
from datetime import datetime
truth, margin = json.load(open({truths!r}))[case.trainee][{question!r}]
said = case.answers().get({question!r})
if isinstance(truth, str) and {is_time}:
    truth, said = (datetime.fromisoformat(text).timestamp() for text in (truth, said))
{points} if said == truth or margin and abs(said - truth) <= margin else 0.0
### END HIDDEN TESTS"""
_METHOD_TEST = """\
### BEGIN HIDDEN TESTS
import json
from csirtlab.kit import open_case
siblings = json.load(open({truths!r}))[{question!r}]
method = globals()[case.answers()[{question!r}]]
right = [open_case(folder).try_method({question!r}, method)[0] == truth for folder, truth in siblings]
{points} * sum(right) / len(right)
### END HIDDEN TESTS"""


@dataclass(frozen=True)
class HandedIn:
    """A cohort's folder with submissions of one lab; for stock nbgrader, with the evidence beside each."""

    folder: Path
    lab: Lab

    def notebook(self, trainee: str) -> Path:
        """Return where somebody's submission is."""
        return self.folder / "submitted" / trainee / self.lab.name / f"{self.lab.name}.ipynb"

    def environment(self) -> dict[str, str]:
        """Return the environment for a command about this cohort."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        jupyter = str(self.folder / ".jupyter")
        return {**os.environ, "PATH": path, "JUPYTER_CONFIG_DIR": jupyter, "PYTHONWARNINGS": "ignore"}


def names(count: int) -> list[str]:
    """Return user names."""
    return [f"trainee-{number:03}" for number in range(count)]


def hand_in_ours(folder: Path, lab: Lab, trainees: Sequence[str]) -> HandedIn:
    """Make a cohort as csirtlab has it."""
    _make_cohort(folder, lab, trainees, _OURS)
    return _hand_in(HandedIn(folder, lab), trainees)


def hand_in_stock(folder: Path, lab: Lab, trainees: Sequence[str]) -> HandedIn:
    """Make one as nbgrader has it: hidden tests that hold the truths and call each method on the same hidden cases."""
    _make_cohort(folder, lab, trainees, _STOCK)
    scenario = read_scenario(content_root(), lab.scenario)
    path = folder / "source" / lab.name / f"{lab.name}.ipynb"
    source = nbformat.read(path, as_version=4)
    for cell in source.cells:
        question_id = cell.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix(VERDICT)
        if cell.metadata.get("nbgrader", {}).get("grade_id") == VERDICT + question_id:
            cell.source = _hidden_test(lab.question(question_id), folder / "truths.json")
    nbformat.write(source, path)
    done = HandedIn(folder, lab)
    (folder / "truths.json").write_text(json.dumps(_truths(lab, scenario, trainees, folder / "siblings")))
    _hand_in(done, trainees)
    for trainee in trainees:
        write_case(lab, scenario, trainee, done.notebook(trainee).parent / "evidence")
    return done


def write_case(lab: Lab, scenario: Scenario, trainee: str, evidence: Path) -> None:
    """Write somebody's evidence."""
    make_evidence(scenario, case_seed(_SECRET, lab.name, trainee), evidence)
    write_case_sheet(lab, evidence, cohort="bench", trainee=trainee, language=Language.EN)


def write_siblings(lab: Lab, scenario: Scenario, folder: Path) -> dict[str, list[Path]]:
    """Write the hidden cases of every method question; return their folders."""
    made: dict[str, list[Path]] = {}
    for question in lab.questions:
        if question.kind is Kind.METHOD:
            made[question.id] = [folder / question.id / str(number) for number in range(question.siblings)]
            for number, place in enumerate(made[question.id]):
                make_evidence(scenario, sibling_seed(_SECRET, lab.name, question.id, number), place / "evidence")
                write_case_sheet(lab, place / "evidence", cohort="bench", trainee="hidden", language=Language.EN)
    return made


def _make_cohort(folder: Path, lab: Lab, trainees: Sequence[str], configuration: str) -> None:
    folder.mkdir(mode=0o711)
    about = {"name": "bench", "course": "bench", "title": "Bench", "language": "en"}
    people = [{"username": name, "name": name, "language": "en", "role": "trainee"} for name in trainees]
    (folder / "secret").write_text(_SECRET.hex())
    (folder / "cohort.json").write_text(json.dumps(about))
    (folder / "roster.json").write_text(json.dumps({"people": people}))
    (folder / "nbgrader_config.py").write_text(configuration)
    assemble_source(lab, folder / "source" / lab.name)


def _hand_in(done: HandedIn, trainees: Sequence[str]) -> HandedIn:
    run([sys.executable, "-m", "nbgrader", "generate_assignment", done.lab.name], done)
    answers = runpy.run_path(str(done.lab.folder / "solution.py"))["ANSWERS"]
    released = done.folder / "release" / done.lab.name / f"{done.lab.name}.ipynb"
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(grade_id, cell.source)
    for trainee in trainees:
        place = done.notebook(trainee)
        place.parent.mkdir(parents=True)
        nbformat.write(notebook, place)
    return done


def run(command: Sequence[str], cohort: HandedIn) -> str:
    """Run a command in a cohort's folder and return what it printed.

    Raises:
        SetupError: It failed; its last words are in the message.
    """
    done = subprocess.run(
        command, cwd=cohort.folder, env=cohort.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SetupError(f"{' '.join(command[-4:])} failed, nothing can be compared:\n{done.stderr[-1500:]}")
    return done.stdout


def _hidden_test(question: Question, truths: Path) -> str:
    test = _METHOD_TEST if question.kind is Kind.METHOD else _FINDING_TEST
    return test.format(
        truths=str(truths), question=question.id, points=float(question.points), is_time=question.form == "time"
    )


def _truths(lab: Lab, scenario: Scenario, trainees: Sequence[str], siblings: Path) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for trainee in trainees:
        facts = ground_truth(scenario, case_seed(_SECRET, lab.name, trainee))
        told[trainee] = {
            question.id: (_plain(facts[question.fact]), _margin(question, facts[question.fact]))
            for question in lab.questions
            if question.kind is Kind.FINDING and question.fact
        }
    for question_id, folders in write_siblings(lab, scenario, siblings).items():
        fact = lab.question(question_id).fact or ""
        told[question_id] = [
            (str(folder), _plain(ground_truth(scenario, sibling_seed(_SECRET, lab.name, question_id, number))[fact]))
            for number, folder in enumerate(folders)
        ]
    return told


def _plain(fact: object) -> object:
    return fact if isinstance(fact, int | float | str) else str(fact)


def _margin(question: Question, fact: object) -> float:
    share = question.tolerance.relative * fact if isinstance(fact, int | float) else 0.0
    return max(question.tolerance.absolute, share)
