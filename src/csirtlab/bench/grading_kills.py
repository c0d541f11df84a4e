"""A grading run, killed at random moments and started again until it is through; then its scores are looked at."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from csirtlab.bench.processes import command_line, end_tree, kill, tree
from csirtlab.cohorts.create import cohort_account, create_cohort
from csirtlab.cohorts.folders import Home, give_tree
from csirtlab.cohorts.release import generate
from csirtlab.cohorts.roster import Entry, Role
from csirtlab.cohorts.store import open_store
from csirtlab.content.courses import Course
from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.errors import SetupError
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import case_seed
from csirtlab.grading.cohort_folder import read_cohort_folder
from csirtlab.languages import Language
from csirtlab.settings import content_root

COHORT, LAB, SCENARIO = "bench", "kept", "first-look"
TRAINEES = 6
POINTS = {"gateway_mac": 3.0, "stranger_address": 5.0, "top_host": 2.0}
_FORMS = {"gateway_mac": "text", "stranger_address": "address", "top_host": "text"}
_RUN_S = 300.0  # a run that takes longer hangs
_GONE_S = 30.0  # for what a killed run had started to end by itself
_ALONE = 0.5  # of the kills: the command alone, not all that it started

Scores = dict[str, dict[str, float | None]]  # by trainee, by cell
Stopped = Callable[[], bool]


@dataclass
class GradingFigures:
    """What was found. ``problems`` names each score that is wrong."""

    kills: int = 0
    kills_of_command_alone: int = 0
    rounds: int = 0  # of so many submissions each, graded to the end
    submissions: int = 0  # graded to the end
    scores_wrong: int = 0
    graded_again: int = 0  # submissions that were done before a kill and done once more after it
    left_behind: int = 0  # processes that outlived a killed command
    uninterrupted_s: float = 0.0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Workshop:
    """A cohort with submissions that wait, and what each of them is worth."""

    folder: Path
    uid: int
    environment: Mapping[str, str]
    right: Scores


def grading_command(folder: Path, workers: int) -> list[str]:
    """Return the command that grades what is new in a cohort's folder, and that is killed here."""
    return [str(Path(sys.executable).with_name("csirtlab")), "grade", str(folder), LAB, "--workers", str(workers)]


@dataclass(frozen=True)
class Moment:
    """When a run is killed: so long after so many submissions were graded in it."""

    graded: int
    seconds: float


def measure_grading(
    root: Path, kills: int, seed: int, *, is_over: Stopped, step: Callable[[str], None]
) -> GradingFigures:
    """Kill grading runs ``kills`` times in all, or until ``is_over``, and return what was found.

    Raises:
        SetupError: Undisturbed, the command does not grade the submissions right.
    """
    workshop = prepare(root)
    found = GradingFigures()
    rng = random.Random(seed)  # noqa: S311  # moments, not secrets
    with _copied(workshop, root / "undisturbed") as once:
        step("grading: once without any kill")
        began = time.monotonic()
        _run(once, 1, None, False, found)
        found.uninterrupted_s = round(time.monotonic() - began, 2)
        if problems := [*found.problems, *_wrong(once, is_complete=True)]:
            raise SetupError(f"grading without any kill went wrong: {'; '.join(problems)}")
    while found.kills < kills and not is_over():
        with _copied(workshop, root / "round") as round_:
            _one_round(round_, rng, found, kills, is_over, step)
    return found


def _one_round(
    workshop: Workshop, rng: random.Random, found: GradingFigures, kills: int, is_over: Stopped,
    step: Callable[[str], None],
) -> None:  # fmt: skip
    """Kill and start again until all is graded."""
    done: dict[str, int] = {}
    while True:
        is_last = found.kills >= kills or is_over()
        is_through = _run(
            workshop, rng.choice((1, 2)), None if is_last else _moment(rng, found), rng.random() < _ALONE, found
        )
        found.problems += (problems := _wrong(workshop, is_complete=is_through))
        found.scores_wrong += len(problems)
        now = _complete(workshop)
        again = [trainee for trainee, inode in done.items() if now.get(trainee) != inode]
        found.graded_again += len(again)
        done = now
        step(f"grading: {found.kills} kills, {len(done)} of {TRAINEES} graded, {found.scores_wrong} scores wrong")
        if is_through:
            found.rounds += 1
            found.submissions += len(done)
            return


def _moment(rng: random.Random, found: GradingFigures) -> Moment:
    """Return a moment to kill at: while it starts, or around the recording of one of the first submissions."""
    graded = rng.randrange(4)
    most = found.uninterrupted_s * (0.5 if graded == 0 else 0.1)
    return Moment(graded, rng.uniform(0, most))


def _run(workshop: Workshop, workers: int, moment: Moment | None, is_alone: bool, found: GradingFigures) -> bool:
    """Run the command; return whether it came to its end before it was killed."""
    before = len(_complete(workshop))
    deadline = time.monotonic() + _RUN_S
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            grading_command(workshop.folder, workers), cwd="/", env=workshop.environment, stdin=subprocess.DEVNULL,
            stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
        try:
            while moment and len(_complete(workshop)) - before < moment.graded and process.poll() is None:
                if time.monotonic() > deadline:
                    raise SetupError(f"a grading run did not go on for {_RUN_S:.0f} s")
                time.sleep(0.005)
            code = process.wait(moment.seconds if moment else _RUN_S)
        except subprocess.TimeoutExpired:
            if moment is None:
                raise SetupError(f"a grading run was not through after {_RUN_S:.0f} s") from None
            _kill(process, is_alone, found)
            return False
        finally:
            end_tree(process)
        if code != 0:
            said.seek(0)
            found.problems.append(f"the run ended with code {code}: {said.read().decode(errors='replace')[-500:]}")
            found.scores_wrong += 1
        return True


def _kill(process: "subprocess.Popen[bytes]", is_alone: bool, found: GradingFigures) -> None:
    found.kills += 1
    if not is_alone:
        end_tree(process)
        return
    found.kills_of_command_alone += 1
    process.send_signal(signal.SIGSTOP)  # so that it starts nothing while its tree is read
    below = tree(process.pid)[1:]
    process.kill()
    process.wait()
    deadline = time.monotonic() + _GONE_S
    while any(command_line(pid) for pid in below) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = [pid for pid in below if command_line(pid)]
    found.left_behind += len(left)
    kill(left)


def _complete(workshop: Workshop) -> dict[str, int]:
    """Return whose graded notebook is in its place, with its inode: another one was written anew."""
    found = {}
    for trainee in workshop.right:
        path = workshop.folder / "autograded" / trainee / LAB / f"{LAB}.ipynb"
        if path.exists():
            found[trainee] = path.stat().st_ino
    return found


def _wrong(workshop: Workshop, *, is_complete: bool) -> list[str]:
    """Return every score that is not what it must be: after a kill some may lack, at the end none may."""
    scores, times = read_scores(workshop.folder / "gradebook.db")
    problems = [f"{trainee} is {count} times in the gradebook" for trainee, count in times.items() if count > 1]
    for trainee, right in workshop.right.items():
        there = scores.get(trainee, {})
        is_graded = trainee in _complete(workshop)
        if is_complete and not is_graded:
            problems.append(f"{trainee} has no graded notebook")
        for cell, points in right.items():
            told = there.get(cell)
            # Before its notebook is in place a submission counts as new, with or without a score.
            if told != points and (is_complete or is_graded or told is not None):
                problems.append(f"{trainee}: {cell} is {told}, must be {points}")
        if is_graded and (problem := _damage(workshop, trainee)):
            problems.append(problem)
    return problems


def _damage(workshop: Workshop, trainee: str) -> str | None:
    path = workshop.folder / "autograded" / trainee / LAB / f"{LAB}.ipynb"
    try:
        cells = json.loads(path.read_bytes())["cells"]
    except (ValueError, KeyError) as error:
        return f"{trainee}: the graded notebook is damaged: {error!r}"
    has_verdicts = [cell for cell in cells if cell.get("outputs") and "verdict" in str(cell["metadata"])]
    return None if len(has_verdicts) == len(POINTS) else f"{trainee}: the graded notebook lacks verdicts"


def read_scores(gradebook: Path) -> tuple[Scores, dict[str, int]]:
    """Return the automatic scores by trainee and cell, and how often each trainee's submission is there.

    It reads a copy: what a kill left half written is for the grading run itself to mend.
    """
    with tempfile.TemporaryDirectory(prefix="csirtlab-scores-") as folder:
        copy = Path(folder) / gradebook.name
        for part in (gradebook, *gradebook.parent.glob(f"{gradebook.name}-*")):
            shutil.copy(part, copy.with_name(part.name))
        with closing(sqlite3.connect(copy)) as connection:
            rows = connection.execute(
                "SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade"
                " JOIN base_cell ON base_cell.id = grade.cell_id"
                " JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id"
                " JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"
            ).fetchall()
            counted = connection.execute(
                "SELECT student_id, COUNT(*) FROM submitted_assignment GROUP BY student_id"
            ).fetchall()
    scores: Scores = {}
    for trainee, cell, points in rows:
        scores.setdefault(trainee, {})[cell] = points
    return scores, dict(counted)


class _copied:  # noqa: N801  # reads as what it is
    """A workshop's folder copied for one round; removed at its end."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self._template, self._folder = workshop, folder

    def __enter__(self) -> Workshop:
        shutil.copytree(self._template.folder, self._folder)
        give_tree(self._folder, self._template.uid)
        template = self._template
        return Workshop(self._folder, template.uid, template.environment, template.right)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)


_LAB_MD = """\
---
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Kept

```{code-cell} ipython3
from csirtlab.kit import open_case

case = open_case()
```
"""
_QUESTION_MD = """
```{{code-cell}} ipython3
:question: {id}

case.answer("{id}", None)
```
"""
_LAB_TOML = f"""\
title = "Kept"
summary = "Three answers."
scenario = "{SCENARIO}"
minutes = 5
level = "beginner"
"""
_QUESTION_TOML = """
[[question]]
id = "{id}"
kind = "finding"
form = "{form}"
fact = "{id}"
points = {points}
prompt = "Which?"
feedback = "Look."
"""


def prepare(root: Path) -> Workshop:
    """Make a small lab on a real scenario, a cohort, and submissions of which some answers are right."""
    content = root / "content"
    _write_content(content)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CSIRTLAB_", "JUPYTER"))},
        "CSIRTLAB_CONTENT": str(content),
        "CSIRTLAB_HOME": str(root / "home"),
    }
    home = Home(root / "home")
    home.ensure()
    roster = [Entry(f"trainee{number}", f"Trainee {number}", Language.EN, Role.TRAINEE) for number in range(TRAINEES)]
    course = Course(name=COHORT, title="Kept", summary="Kept.", labs=(read_lab(content, LAB),))
    store = open_store(home.root)
    create_cohort(store, home, name=COHORT, course=course, roster=roster, language=Language.EN)
    account = store.account(cohort_account(COHORT))
    store.close()
    assert account is not None
    folder = home.cohort(COHORT)
    before = os.environ.get("CSIRTLAB_CONTENT")
    os.environ["CSIRTLAB_CONTENT"] = str(content)
    try:
        generate(folder, LAB)
    finally:
        del os.environ["CSIRTLAB_CONTENT"]
        if before is not None:
            os.environ["CSIRTLAB_CONTENT"] = before
    right = {entry.username: _hand_in(folder, content, entry.username, number) for number, entry in enumerate(roster)}
    give_tree(folder, account.uid)
    return Workshop(folder, account.uid, environment, right)


def _write_content(content: Path) -> None:
    lab = content / "labs" / LAB
    lab.mkdir(parents=True)
    (lab / "lab.md").write_text(_LAB_MD + "".join(_QUESTION_MD.format(id=name) for name in POINTS), encoding="utf-8")
    questions = [_QUESTION_TOML.format(id=name, form=_FORMS[name], points=POINTS[name]) for name in POINTS]
    (lab / "lab.toml").write_text(_LAB_TOML + "".join(questions), encoding="utf-8")
    shutil.copytree(content_root() / "datasets" / SCENARIO, content / "datasets" / SCENARIO)
    (content / "grader").mkdir()
    shutil.copy(content_root() / "grader" / "nbgrader_config.py", content / "grader")
    for path in (content, *content.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _hand_in(folder: Path, content: Path, trainee: str, number: int) -> dict[str, float | None]:
    """Write a submission in which each trainee has other answers right; return what each cell is worth."""
    secret = read_cohort_folder(folder).secret
    facts = ground_truth(read_scenario(content, SCENARIO), case_seed(secret, LAB, trainee))
    notebook: Any = nbformat.read(folder / "release" / LAB / f"{LAB}.ipynb", as_version=4)
    right: dict[str, float | None] = {}
    for place, (question, points) in enumerate(POINTS.items()):
        is_right = bool(number >> place & 1)
        wrong = "192.0.2.1" if _FORMS[question] == "address" else "none of them"
        answer = facts[question] if is_right else wrong
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == question:
                cell.source = f"case.answer({question!r}, {str(answer)!r})"
        right[f"verdict-{question}"] = points if is_right else 0.0
    place_ = folder / "submitted" / trainee / LAB
    place_.mkdir(parents=True)
    nbformat.write(notebook, place_ / f"{LAB}.ipynb")
    (place_ / "timestamp.txt").write_text("2026-03-02 09:00:00.000000 UTC")
    return right
