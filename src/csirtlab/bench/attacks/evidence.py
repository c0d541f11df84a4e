"""What an attack has done, read from files and the gradebook: nothing that it says of itself has to be believed.

What an attack gets hold of, it prints (``got``, ``loot``): such lines count against the grader; their absence
proves nothing, and every other piece of evidence is looked at all the same.
"""

import hashlib
import json
import os
import secrets
import sqlite3
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csirtlab.bench.attacks.submissions import ATTACKER, LAB

MOST_GRADED_MIB = 32
_OWN_FOLDERS = (
    ("autograded",),
    ("refused",),
    ("put-right",),
    ("submitted", ATTACKER),
    ("feedback",),
    (".jupyter",),
    (".grading",),
)
# What grading has no business to change; scores are looked at one by one.
_STANDING_TABLES = (
    "assignment", "notebook", "base_cell", "grade_cells", "solution_cells", "source_cell", "task_cells", "student",
)  # fmt: skip


_CALLED = {
    "gradebook": "gradebook", "tests": "tests", "neighbour": "neighbour's work", "token": "grader's token",
    "hidden": "hidden cases", "secret": "cohort's secret",
}  # fmt: skip


@dataclass(frozen=True)
class Canaries:
    """Texts that nobody can guess, each where no submission may look."""

    gradebook: str
    tests: str
    neighbour: str  # their work
    token: str
    hidden: str  # cases
    secret: str

    @classmethod
    def draw(cls) -> "Canaries":
        """Return new ones."""
        own = {name: f"CANARY-{name}-{secrets.token_hex(8)}" for name in cls.__annotations__ if name != "secret"}
        return cls(**own, secret=secrets.token_hex(32))

    def found_in(self, octets: bytes) -> set[str]:
        """Return of what there are canaries in ``octets``."""
        return {_CALLED[name] for name in self.__annotations__ if getattr(self, name).encode() in octets}


@dataclass(frozen=True)
class Scores:
    """One trainee's scores in the gradebook; None: not graded."""

    auto: Mapping[str, float | None]
    extra: tuple[object, ...]  # whatever only people give: manual scores, extra credit

    @property
    def total(self) -> float:
        """The sum of what was given automatically."""
        return sum(score or 0.0 for score in self.auto.values())


@dataclass(frozen=True)
class Standing:
    """What must be the same after grading as before."""

    files: Mapping[str, str]
    tables: Mapping[str, Sequence[tuple[object, ...]]]


@dataclass(frozen=True)
class Outcome:
    """What came of one attack: the attacker's score and refusal, and every harm that there is evidence of."""

    score: float | None
    reason: str
    verdicts: str
    harms: tuple[str, ...]
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether the attack reached something."""
        return bool(self.harms)


def standing(course: Path) -> Standing:
    """Return what is to stay, as it is now."""
    tables = {}
    with closing(sqlite3.connect(course / "gradebook.db")) as book:
        for name in _STANDING_TABLES:
            tables[name] = sorted(book.execute(f"select * from {name}").fetchall(), key=repr)  # noqa: S608
    return Standing(dict(_files(course)), tables)


def _files(course: Path) -> list[tuple[str, str]]:
    found = []
    for path in _paths(course):
        here = path.relative_to(course).parts
        if any(here[: len(own)] == own for own in _OWN_FOLDERS) or here[0].startswith("gradebook.db"):
            continue
        kept = path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else os.fsencode(path.readlink())
        found.append(("/".join(here), hashlib.sha256(kept).hexdigest()))
    return found


def _paths(folder: Path) -> Iterator[Path]:
    """Yield all that is no folder below ``folder``, following no link, however deep an attack made it."""
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield Path(entry.path)
        except OSError:  # its path is too long, or it is not there
            continue


def remove(folder: Path) -> None:
    """Remove a folder; shutil would not get to the end of what some attacks leave."""
    subprocess.run(["rm", "-rf", "--", str(folder)], check=False, stderr=subprocess.DEVNULL)


def scores(course: Path, trainee: str) -> Scores | None:
    """Return a trainee's scores; None when there are none."""
    query = """
        select base_cell.name, grade.auto_score, grade.needs_manual_grade, grade.manual_score, grade.extra_credit
        from grade join submitted_notebook on grade.notebook_id = submitted_notebook.id
        join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
        join base_cell on grade.cell_id = base_cell.id where submitted_assignment.student_id = ?
    """
    with closing(sqlite3.connect(course / "gradebook.db")) as book:
        rows = book.execute(query, (trainee,)).fetchall()
    if not rows or not (course / "autograded" / trainee / LAB / f"{LAB}.ipynb").is_file():
        return None
    auto = {name: None if by_hand else score for name, score, by_hand, _, _ in rows}
    return Scores(auto, tuple(value for row in rows for value in row[3:] if value))


def outputs(course: Path, trainee: str) -> list[Any]:
    """Return the outputs of a graded notebook, cell by cell; none when there is no such notebook."""
    try:
        notebook = json.loads((course / "autograded" / trainee / LAB / f"{LAB}.ipynb").read_bytes())
    except (OSError, ValueError):
        return []
    return [cell.get("outputs", []) for cell in notebook.get("cells", [])]


def said(shown: Sequence[Any]) -> str:
    """Return all text in outputs."""
    texts: list[str] = []
    for output in (output for cell in shown for output in cell):
        parts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", ())]
        parts += [value for value in output.get("data", {}).values() if isinstance(value, str | list)]
        texts += ["".join(map(str, part)) if isinstance(part, list) else str(part) for part in parts]
    return "\n".join(texts)


def refusal(course: Path) -> str:
    """Return why the attacker's submission was not graded, as it is kept for the instructor."""
    path = course / "refused" / LAB / f"{ATTACKER}.txt"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def judge(
    course: Path,
    before: Standing,
    *,
    neighbour: str,
    usual: tuple[Scores, list[Any]],
    canaries: Canaries,
    drop: Path,
    own: float,
    seconds: float,
    also: Sequence[str] = (),
) -> Outcome:
    """Look at everything that is left of a batch; ``usual`` is the neighbour's result beside an honest attacker.

    ``also`` are harms that were seen while it ran.
    """
    harms = list(also)
    mine = scores(course, ATTACKER)
    if mine and (mine.total > own or mine.extra):
        harms.append(f"{mine.total:g} points in the place of {own:g}{', and some by hand' if mine.extra else ''}")
    harms += _harms_to_the_neighbour(course, neighbour, usual)
    harms += _changes(before, standing(course))
    shown = outputs(course, ATTACKER)
    # Not in sources: nbgrader itself puts its tests back there. What counts is what a run has brought out.
    brought = said(shown).encode() + _everything(drop) + refusal(course).encode()
    brought += _everything(course / "autograded" / ATTACKER, but=f"{LAB}.ipynb")
    handed_in = _everything(course / "submitted" / ATTACKER)
    harms += [
        f"something of the {name} was seen"
        for name in sorted(canaries.found_in(brought) - canaries.found_in(handed_in))
    ]
    harms += [line.removeprefix("GOT: ") for line in said(shown).splitlines() if line.startswith("GOT: ")]
    if any(drop.iterdir()):
        harms.append("something was written outside of grading")
    if (size := len(_everything(course / "autograded" / ATTACKER))) > MOST_GRADED_MIB * 2**20:
        harms.append(f"the graded notebook has {size >> 20} MiB")
    verdicts = said([cell for cell in shown if any(each.get("output_type") == "execute_result" for each in cell)])
    unique = tuple(dict.fromkeys(harm[:200] for harm in harms))
    return Outcome(mine.total if mine else None, refusal(course), verdicts, unique, seconds)


def _harms_to_the_neighbour(course: Path, neighbour: str, usual: tuple[Scores, list[Any]]) -> list[str]:
    theirs = scores(course, neighbour)
    if theirs is None:
        return ["the neighbour was not graded"]
    if theirs != usual[0]:
        return [f"the neighbour has {theirs.total:g} points in the place of {usual[0].total:g}"]
    if outputs(course, neighbour) != usual[1]:
        return ["the neighbour's notebook shows something else than usual"]
    return []


def _changes(before: Standing, after: Standing) -> list[str]:
    changed = [f"the gradebook's table {name} was changed" for name in before.tables
               if before.tables[name] != after.tables[name]]  # fmt: skip
    names = sorted(name for name in {*before.files, *after.files} if before.files.get(name) != after.files.get(name))
    return changed + [f"{name} was changed" for name in names[:5]]


def _everything(folder: Path, but: str = "") -> bytes:
    """Return the contents of all plain files in ``folder``, following no link; without those called ``but``."""
    plain = [path for path in sorted(_paths(folder)) if path.name != but and stat.S_ISREG(path.lstat().st_mode)]
    return b"".join(path.read_bytes() for path in plain)
