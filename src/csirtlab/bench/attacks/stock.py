"""Attacks played against stock ``nbgrader autograde``, as its documentation sets it up.

Several of them would take the machine down: each is played in a throw-away bubblewrap with its own processes,
network, uid and limits, in which nbgrader is what it always is.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from csirtlab.bench.attacks import evidence
from csirtlab.bench.attacks.sources import Attack, Expect
from csirtlab.bench.attacks.submissions import (
    ATTACKER,
    LAB,
    NEIGHBOURS,
    Notebook,
    Places,
    attackers,
    code_cell,
    hand_in,
    neighbours,
)  # fmt: skip
from csirtlab.errors import SetupError

UID = 199_002
"""Who grades in the throw-away sandbox, when this is root: neither root nor a box of ours."""

CELL_S = 10
"""nbgrader's own limit for a cell, shorter than its usual 30 s, for the sake of the benchmark alone."""

MOST_S = 100.0
_PORT = 7777  # in a network of its own, nobody else has it
_COURSE, _DROP = Path("/course"), Path("/drop")

_CONFIGURATION = f"""
c = get_config()
c.CourseDirectory.course_id = "{LAB}"
c.ExecutePreprocessor.timeout = {CELL_S}
"""
# Watches from within and tells over a pipe that nbgrader and its kernels do not inherit.
_INSIDE = """
import os, resource, socket, subprocess, sys, threading, time
lab, port = sys.argv[1], int(sys.argv[2])
for what, most in ((resource.RLIMIT_NPROC, 200), (resource.RLIMIT_AS, 8 << 30), (resource.RLIMIT_FSIZE, 1 << 30),
                   (resource.RLIMIT_NOFILE, 4096), (resource.RLIMIT_CORE, 0)):
    resource.setrlimit(what, (most, most))
server = socket.create_server(("127.0.0.1", port))
def wait():
    while True:
        server.accept()[0].close()
        print("VISITOR", flush=True)
threading.Thread(target=wait, daemon=True).start()
quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
subprocess.run([sys.executable, "-m", "nbgrader", "autograde", lab], cwd="/course", **quiet)
def others(): return [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid())]
end = time.monotonic() + 2
while others() and time.monotonic() < end: time.sleep(0.05)
print("LEFT", len(others()), flush=True)
"""
_SETUP = """
class Case:
    def __init__(self, lookups, note=""):
        self.lookups, self.note = lookups, note
        self.answers, self.methods = {}, {}

    def answer(self, question, value):
        self.answers[question] = value

    def method(self, question, function):
        self.methods[question] = function

case = Case([("10.0.0.4", "teams.example"), ("10.0.0.7", "cdn.west-lake.example"), ("10.0.0.4", "teams.example")])
"""
_DETECT = """
def detect(case):
    return next(host for host, name in case.lookups if not name.startswith("teams."))
case.method("detector", detect)
"""
_RIGHT = {
    "infected_host": 'case.answer("infected_host", "10.0.0.7")',
    "c2_domain": 'case.answer("c2_domain", "cdn.west-lake.example")',
    "detector": _DETECT,
}
_POINTS = {"infected_host": 10, "c2_domain": 8, "detector": 6}


Usual = tuple[evidence.Scores, list[Any]]


class StockGround:
    """A stock nbgrader course that is attacked again and again, each time as new."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("bwrap") is None:
            raise SetupError("bwrap is not installed. Install it: apt-get install bubblewrap.")
        self._folder = folder
        self._canaries = evidence.Canaries.draw()
        self._template = folder / "stock-template"
        self._released = self._make_template()
        self._usual: dict[str, Future[Usual]] = {}

    def begin(self, pool: Executor, attacks: Sequence[Attack]) -> dict[str, Future[evidence.Outcome]]:
        """Play attacks in a pool of threads, first of all what the neighbours get beside somebody honest."""
        for neighbour in dict.fromkeys(attack.neighbour for attack in attacks):
            if neighbour not in self._usual:
                self._usual[neighbour] = pool.submit(self._peace, neighbour)
        return {attack.name: pool.submit(self.play, attack) for attack in attacks}

    def play(self, attack: Attack) -> evidence.Outcome:
        """Grade a batch of attacker and neighbour, and look at what is left.

        Raises:
            SetupError: nbgrader does not even grade honest notebooks here.
        """
        with self._played(attack) as (course, drop, before, harms, seconds):
            return evidence.judge(
                course, before, neighbour=attack.neighbour, usual=self._usual[attack.neighbour].result(),
                canaries=self._canaries, drop=drop, own=attack.own, seconds=seconds, also=harms,
            )  # fmt: skip

    def _peace(self, neighbour: str) -> Usual:
        nothing = Attack(f"peace-{neighbour}", "", "", Expect.SCORE, 10, "", "", neighbour, False, False, ("pass",), "")
        with self._played(nothing) as (course, _, _, harms, _):
            usual, mine = evidence.scores(course, neighbour), evidence.scores(course, ATTACKER)
            shown = evidence.outputs(course, neighbour)
        if usual is None or usual.total != 24 or mine is None or mine.total != 10 or harms:
            raise SetupError(f"stock nbgrader does not grade honest notebooks here: {usual}, {mine}, {harms}")
        return usual, shown

    @contextmanager
    def _played(self, attack: Attack) -> Iterator[tuple[Path, Path, evidence.Standing, list[str], float]]:
        place = self._folder / f"stock-{attack.name}"
        course, drop = place / "course", place / "drop"
        shutil.copytree(self._template, course)
        drop.mkdir()
        try:
            self._submit(course, attack)
            before, began = evidence.standing(course), time.monotonic()
            harms = self._grade(place)
            yield course, drop, before, harms, time.monotonic() - began
        finally:
            evidence.remove(place)

    def _submit(self, course: Path, attack: Attack) -> None:
        places = Places(str(_COURSE), str(_DROP / "note"), _PORT, attack.neighbour)
        theirs = course / "submitted" / attack.neighbour / LAB
        theirs.mkdir(parents=True)
        notebook = neighbours(self._released, _RIGHT, self._canaries.neighbour)
        (theirs / f"{LAB}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        mine = attackers(self._released, attack, places, _RIGHT["infected_host"])
        hand_in(course / "submitted", attack, mine, places)

    def _grade(self, place: Path) -> list[str]:
        user = UID if os.geteuid() == 0 else None
        if user is not None:
            for path in (place, *place.rglob("*")):
                os.chown(path, user, user, follow_symlinks=False)
        process = subprocess.Popen(
            self._command(place), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, cwd="/", user=user, group=user, extra_groups=None if user is None else [],
        )  # fmt: skip
        try:
            told, _ = process.communicate(timeout=MOST_S)
        except subprocess.TimeoutExpired:
            # The sandbox dies with its bubblewrap, and with the sandbox everything in it.
            process.kill()
            process.communicate()
            return [f"grading did not come to its end in {MOST_S:g} s"]
        harms = []
        if "VISITOR" in told:
            harms.append("a service of the machine was reached")
        left = [int(line.split()[1]) for line in told.splitlines() if line.startswith("LEFT ")]
        if left and left[-1]:
            harms.append(f"{left[-1]} processes were left running")
        return harms

    def _command(self, place: Path) -> list[str]:
        binds: list[str] = []
        for prefix in dict.fromkeys((sys.base_prefix, sys.prefix)):
            if not Path(prefix).is_relative_to("/usr"):
                binds += ["--ro-bind", prefix, prefix]
        for name in ("bin", "sbin", "lib", "lib64"):
            folder = Path("/", name)
            if folder.is_symlink():
                binds += ["--symlink", str(folder.readlink()), str(folder)]
            elif folder.is_dir():
                binds += ["--ro-bind", str(folder), str(folder)]
        environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
            "HOME": "/home/grader",
            "LANG": "C.UTF-8",
            "JUPYTERHUB_API_TOKEN": self._canaries.token,
        }
        return [
            "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
            "--ro-bind", "/usr", "/usr", *binds, "--ro-bind", "/etc", "/etc",
            "--proc", "/proc", "--dev", "/dev",
            "--size", str(2**30), "--tmpfs", "/tmp", "--tmpfs", "/home/grader",  # noqa: S108  # the sandbox's own
            "--bind", str(place / "course"), str(_COURSE), "--bind", str(place / "drop"), str(_DROP),
            *(word for name, value in environment.items() for word in ("--setenv", name, value)),
            "--", sys.executable, "-c", _INSIDE, LAB, str(_PORT),
        ]  # fmt: skip

    def _make_template(self) -> Notebook:
        from nbgrader.apps import NbGraderAPI
        from nbgrader.coursedir import CourseDirectory
        from traitlets.config import Config

        course = self._template
        for name in ("source", "release", "submitted", "autograded", "feedback"):
            (course / name).mkdir(parents=True)
        (course / "nbgrader_config.py").write_text(_CONFIGURATION)
        (course / "secret").write_text(self._canaries.secret + "\n")
        for lab, notebook in ((LAB, self._source()), ("next-lab", {"x": self._canaries.tests})):
            (course / "source" / lab).mkdir()
            (course / "source" / lab / f"{lab}.ipynb").write_text(json.dumps(notebook))
        config = Config()
        config.CourseDirectory.root = str(course)
        config.CourseDirectory.course_id = LAB
        # nbgrader starts alembic by its bare name.
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        api = NbGraderAPI(CourseDirectory(config=config), config=config)
        made = api.generate_assignment(LAB)
        if not made["success"]:
            raise SetupError(f"stock nbgrader cannot release a lab here: {str(made)[-500:]}")
        about: dict[str, Any] = {"last_name": self._canaries.gradebook}
        with api.gradebook as book:
            for name in (ATTACKER, *NEIGHBOURS):
                book.update_or_create_student(name, **about)
        released: Notebook = json.loads((course / "release" / LAB / f"{LAB}.ipynb").read_bytes())
        return released

    def _source(self) -> Notebook:
        """Return the source notebook, with hidden tests as nbgrader's documentation shows them."""
        # Far from the asserts: a traceback shows the lines around the one that fails.
        apart = "\n#" * 12 + "\n"
        hidden = (
            f'note = "{self._canaries.hidden}"{apart}'
            f'for host, name in (("10.0.0.21", "x.east-hill.example"), ("10.0.0.34", "y.north-sea.example")):\n'
            f'    hidden = Case([("10.0.0.3", "teams.example"), (host, name)], note)\n'
            f'    assert case.methods["detector"](hidden) == host'
        )
        tests = {
            "infected_host": 'assert case.answers["infected_host"] == "10.0.0.7"',
            "c2_domain": f'assert case.answers["c2_domain"] == "cdn.west-lake.example"{apart}# {self._canaries.tests}',
            "detector": hidden,
        }
        cells = [code_cell(_SETUP, "setup")]
        for question, test in tests.items():
            answer = code_cell(f'case.answer("{question}", None)', f"answer-{question}")
            answer["metadata"]["nbgrader"] = _about(question, solution=True)
            verdict = code_cell(f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS", f"verdict-{question}")
            verdict["metadata"]["nbgrader"] = {
                **_about(f"verdict-{question}", grade=True, locked=True), "points": _POINTS[question],
            }  # fmt: skip
            cells += [answer, verdict]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def _about(grade_id: str, *, solution: bool = False, grade: bool = False, locked: bool = False) -> dict[str, Any]:
    return {
        "schema_version": 3, "grade_id": grade_id, "solution": solution, "grade": grade, "locked": locked,
        "task": False, "cell_type": "code",
    }  # fmt: skip
