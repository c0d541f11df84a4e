"""What grading costs: ours from submission to gradebook, beside stock nbgrader and beside the cells alone."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import nbformat

from csirtlab.bench.handed_in import HandedIn, hand_in_ours, hand_in_stock, names, run, write_case, write_siblings
from csirtlab.bench.processes import pss_mib, tree
from csirtlab.content.labs import Lab, read_lab
from csirtlab.content.scenarios import Scenario, read_scenario
from csirtlab.errors import SetupError
from csirtlab.grading.box import Box
from csirtlab.grading.cases import read_beforehand
from csirtlab.grading.mending import VERDICT
from csirtlab.grading.runs import Cell, Ending, Limits
from csirtlab.hub.run import descendants
from csirtlab.settings import content_root

LAB = "c2-beacon"
_PATIENT = Limits(cell_s=300, total_s=900, cpu_s=900)  # a busy machine slows cells, it does not end them

Say = Callable[[str], None]
_Siblings = Mapping[str, Sequence[Path]]


@dataclass(frozen=True)
class Repeats:
    """How many submissions are graded, and in how many batches; each side has its turn in each batch."""

    submissions: int
    batches: int

    @property
    def steps(self) -> int:
        """How many steps are told."""
        return 1 + 6 * self.batches


FULL = Repeats(submissions=30, batches=3)
QUICK = Repeats(submissions=1, batches=1)


def measure_grading(repeats: Repeats, *, say: Say) -> dict[str, object]:
    """Measure and return the report.

    Raises:
        SetupError: A run failed, or the two sides gave different points.
    """
    lab = read_lab(content_root(), LAB)
    scenario = read_scenario(content_root(), lab.scenario)
    trainees = names(repeats.submissions)
    with tempfile.TemporaryDirectory(prefix="csirtlab-bench-") as root:
        folder = Path(root)
        folder.chmod(0o711)  # boxes have a uid of their own and pass through it
        say(f"{len(trainees)} submissions of {LAB}")
        one, two = (hand_in_ours(folder / name, lab, trainees) for name in ("one", "two"))
        stock = hand_in_stock(folder / "stock", lab, trainees)
        unread = write_siblings(lab, scenario, folder / "unread")
        siblings = write_siblings(lab, scenario, folder / "siblings")
        for place in (place for places in siblings.values() for place in places):
            read_beforehand(place / "evidence")
        sides = _Sides(lab, scenario, one, two, stock, siblings, unread, folder)
        with sides.ready():
            for number in range(repeats.batches):
                batch = trainees[number :: repeats.batches]
                for name, side in sides.turns():
                    say(f"batch {number + 1} of {repeats.batches}: {name}")
                    side(batch)
        if points_of(one, trainees) != points_of(stock, trainees):
            raise SetupError("Ours and stock nbgrader gave different points: nothing can be compared.")
    return sides.report(repeats)


class _Sides:
    """The sides, each of which grades a batch and notes the seconds of one submission in it."""

    def __init__(self, lab: Lab, scenario: Scenario, one: HandedIn, two: HandedIn, stock: HandedIn,
                 siblings: _Siblings, unread: _Siblings, folder: Path) -> None:  # fmt: skip
        self._lab, self._scenario, self._folder = lab, scenario, folder
        self._siblings, self._unread = siblings, unread
        self._one, self._two, self._stock = one, two, stock
        self._each_s: dict[str, list[float]] = {}
        self._peak_mib = 0.0
        self._box = Box()
        self._alone: subprocess.Popen[str] | None = None

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Keep the box and the warm process ready, so that their start is counted to nobody."""
        with self._box, subprocess.Popen(
            [sys.executable, "-m", "csirtlab.bench.cells_alone"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"},
        ) as self._alone:  # fmt: skip
            try:
                yield
            finally:
                self._alone.kill()

    def turns(self) -> list[tuple[str, Callable[[Sequence[str]], None]]]:
        """Return the sides in their order."""
        return [
            ("ours, one worker", self._grade_ours),
            ("stock nbgrader", self._grade_stock),
            ("ours, two workers", self._grade_by_two),
            ("the box", self._run_in_box),
            ("the cells alone", self._run_alone),
            ("what methods take", self._run_with_and_without_methods),
        ]

    def _grade_ours(self, batch: Sequence[str]) -> None:
        with self._watched() as started:
            self._note("ours", batch, lambda: self._grade(self._one, batch, 1, started))

    def _grade_by_two(self, batch: Sequence[str]) -> None:
        self._note("two", batch, lambda: self._grade(self._two, batch, 2, []))

    def _grade_stock(self, batch: Sequence[str]) -> None:
        command = [sys.executable, "-m", "nbgrader", "autograde", self._lab.name]
        with _only(self._stock, batch):
            self._note("stock", batch, lambda: run(command, self._stock))

    def _grade(self, cohort: HandedIn, batch: Sequence[str], workers: int, started: list[int]) -> None:
        program = str(Path(sys.executable).parent / "csirtlab")
        command = [program, "grade", str(cohort.folder), self._lab.name, "--workers", str(workers), "--json"]
        with _only(cohort, batch):
            going = subprocess.Popen(
                command, cwd=cohort.folder, env=cohort.environment(), text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            started.append(going.pid)
            said, errors = going.communicate()
        if going.returncode or sorted(json.loads(said)["graded"]) != sorted(batch):
            raise SetupError(f"csirtlab grade failed, nothing can be compared:\n{errors[-1500:]}")

    def _run_in_box(self, batch: Sequence[str]) -> None:
        for trainee in batch:
            with self._case(trainee) as case:
                cells = [Cell(**cell) for cell in self._cells(trainee)]
                began = time.perf_counter()
                ran = self._box.run(cells, case, self._siblings, _PATIENT)
                self._each_s.setdefault("box", []).append(time.perf_counter() - began)
            if ran.ended is not Ending.FINISHED:
                raise SetupError(f"The cells did not run to their end in the box: {ran.ended}. Try csirtlab box check.")

    def _run_alone(self, batch: Sequence[str]) -> None:
        for trainee in batch:
            self._each_s.setdefault("floor", []).append(self._alone_s(trainee, self._siblings))

    def _run_with_and_without_methods(self, batch: Sequence[str]) -> None:
        """Measure on one submission what stock nbgrader would be spared if it ran no method on hidden cases."""
        for name, siblings in (("methods", self._siblings), ("methods_unread", self._unread)):
            taken = self._alone_s(batch[0], siblings) - self._alone_s(batch[0], {})
            self._each_s.setdefault(name, []).append(max(0.0, taken))

    def _alone_s(self, trainee: str, siblings: _Siblings) -> float:
        assert self._alone and self._alone.stdin and self._alone.stdout
        with self._case(trainee) as case:
            folders = {name: [str(place) for place in places] for name, places in siblings.items()}
            request = {
                "cells": self._cells(trainee), "siblings": folders, "evidence": str(case / "evidence"),
            }  # fmt: skip
            self._alone.stdin.write(json.dumps(request) + "\n")
            self._alone.stdin.flush()
            return float(self._alone.stdout.readline())

    @contextmanager
    def _case(self, trainee: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._folder) as case:
            write_case(self._lab, self._scenario, trainee, Path(case) / "evidence")
            yield Path(case)

    def _cells(self, trainee: str) -> list[dict[str, Any]]:
        cells = nbformat.read(self._one.notebook(trainee), as_version=4).cells
        return [
            {"index": index, "source": cell.source}
            for index, cell in enumerate(cells)
            if cell.cell_type == "code"
            and not cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith(VERDICT)
        ]

    def _note(self, name: str, batch: Sequence[str], side: Callable[[], object]) -> None:
        began = time.perf_counter()
        side()
        self._each_s.setdefault(name, []).append((time.perf_counter() - began) / len(batch))

    @contextmanager
    def _watched(self) -> Iterator[list[int]]:
        """Note the most memory that a worker and all below it have while the block runs; it names the command."""
        started: list[int] = []
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.1):
                for pid in started:
                    for worker in _children(pid):
                        self._peak_mib = max(self._peak_mib, _memory_mib(worker))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield started
        finally:
            over.set()
            watcher.join()

    def report(self, repeats: Repeats) -> dict[str, object]:
        """Return the figures; each is a ratio of medians over the batches."""
        each = {name: median(values) for name, values in self._each_s.items()}
        return {
            "vs_nbgrader": round(each["stock"] / each["ours"], 2),
            "vs_floor": round(each["box"] / each["floor"], 2),
            "two_workers_gain": round(each["ours"] / each["two"], 2),
            "peak_mib": round(self._peak_mib, 1),
            "submissions_per_min": round(60 / each["ours"], 1),
            "whole_vs_floor": round(each["ours"] / each["floor"], 2),
            "methods_s": {"ours": round(each["methods"], 2), "stock": round(each["methods_unread"], 2)},
            "lab": LAB,
            "submissions": repeats.submissions,
            "conditions": {
                "vs_nbgrader": "seconds of nbgrader autograde for a submission, by those of csirtlab grade with one "
                "worker: whole commands, their start and the gradebook included; both use the same kit; stock judges "
                "in hidden tests and runs methods on the same hidden cases, which it has to read for each submission",
                "methods_s": "processor seconds that methods take of a submission: stock nbgrader has no such "
                "questions of its own, and without them its seconds would be fewer by so many",
                "vs_floor": "seconds in the box by the processor seconds of the same cells and methods in a fork of a "
                "warm process, with hidden cases read beforehand in both",
                "two_workers_gain": "whole commands; a batch has a start, so that few submissions show less",
                "peak_mib": "proportional memory of a worker, its box and what runs in it",
            },
            "samples": {name: [round(value, 3) for value in values] for name, values in self._each_s.items()},
            "load": os.getloadavg(),
        }


@contextmanager
def _only(cohort: HandedIn, batch: Sequence[str]) -> Iterator[None]:
    """Leave only the submissions of a batch in a cohort's folder for a while."""
    place, aside = cohort.folder / "submitted", cohort.folder / "handed-in"
    place.rename(aside)
    place.mkdir()
    try:
        for trainee in batch:
            (aside / trainee).rename(place / trainee)
        yield
    finally:
        for trainee in batch:
            (place / trainee).rename(aside / trainee)
        place.rmdir()
        aside.rename(place)


def points_of(cohort: HandedIn, trainees: Sequence[str]) -> list[float]:
    """Return everybody's automatic points, from the gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{cohort.folder / 'gradebook.db'}") as gradebook:
        name = cohort.lab.name
        found = [gradebook.find_submission_notebook(name, name, trainee) for trainee in trainees]
        return [round(sum(grade.auto_score or 0.0 for grade in notebook.grades), 2) for notebook in found]


def _children(pid: int) -> list[int]:
    """Return the workers of a grading command: its children that have a box, or will have one."""
    below = descendants(pid)
    return [child for child in below if _parent(child) == pid]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _memory_mib(worker: int) -> float:
    try:
        return pss_mib(tree(worker))
    except SetupError:
        # Only root may look into a box; others count each process's own pages.
        return sum(_own_mib(pid) for pid in tree(worker))


def _own_mib(pid: int) -> float:
    try:
        _, resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[:3]
    except OSError:
        return 0.0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE") / 2**20
