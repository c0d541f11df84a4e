"""Attacks played against this grader: nbgrader's autograde with csirtlab's steps, in the real box."""

import json
import os
import shutil
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any, Self

from sqlalchemy.exc import SAWarning

from csirtlab.bench.attacks import evidence
from csirtlab.bench.attacks.pages import acting, feedback_page, formgraders_page
from csirtlab.bench.attacks.sources import CONTENT, Attack, Expect
from csirtlab.bench.attacks.submissions import (
    ATTACKER,
    LAB,
    NEIGHBOURS,
    Notebook,
    Places,
    attackers,
    hand_in,
    neighbours,
)  # fmt: skip
from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import case_seed
from csirtlab.grading.batch import grade_new
from csirtlab.grading.cases import HIDDEN
from csirtlab.grading.cohort_config import load_config
from csirtlab.grading.cohort_folder import submitters
from csirtlab.grading.nbgrader_plugins import close_shared_workplace
from csirtlab.grading.recording import Records
from csirtlab.grading.released import released_content
from csirtlab.hub.run import descendants
from csirtlab.labs.source import assemble_source

LIMITS = {"cell_s": 1.5, "total_s": 6, "cpu_s": 6}
"""Shorter than a cohort's, so that attacks that take all the time they get can be played by the dozen."""

MOST_S = 45.0
"""Two submissions at their limit on a busy machine take less than half of this."""

_CONFIGURATION = """
from csirtlab.grading.cohort_folder import find_cohort_folder
from csirtlab.grading.nbgrader_setup import configure

c = get_config()
configure(c, find_cohort_folder())
for step in (c.MendNotebook, c.RunInBox, c.WriteVerdicts):
    step.content = {content!r}
c.RunInBox.limits = {limits!r}
"""
_DETECT = """
def detect(case):
    for packet in case.packets():
        if packet.haslayer("DNSQR") and not packet["DNSQR"].qname.startswith((b"teams.", b"telemetry.")):
            return packet["IP"].src
case.method("detector", detect)
"""


class TooLongError(BaseException):
    """A batch did not come to its end; not an Exception, so that no grader takes it for a submission's."""


class Way(StrEnum):
    """By which command a batch is graded."""

    NBGRADER = "nbgrader autograde"
    OWN = "csirtlab grade"


class Ground:
    """A cohort that is attacked again and again, each time as new; a context manager."""

    def __init__(self, attacks: Path, folder: Path, way: Way) -> None:
        self._content = attacks / CONTENT
        self._way = way
        self._folder = folder
        self._template = folder / "template"
        self._stack = ExitStack()
        # Whose cases the hidden ones are stands on their sheets; whoever sees that has seen them.
        self._canaries = replace(evidence.Canaries.draw(), hidden=HIDDEN)
        self._usual: dict[str, tuple[evidence.Scores, list[Any]]] = {}
        self._released: Notebook = {}
        self._number = 0
        self._others: set[int] = set()  # boxes that somebody else in this process has

    def __enter__(self) -> Self:
        self._stack.callback(close_shared_workplace)
        close_shared_workplace()
        self._others = _boxes()
        self._stack.enter_context(_in_the_environment("JUPYTERHUB_API_TOKEN", self._canaries.token))
        self._make_template()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(self, attack: Attack) -> evidence.Outcome:
        """Grade a batch of attacker and neighbour, and look at what is left."""
        if attack.neighbour not in self._usual:
            self._usual[attack.neighbour] = self._peace(attack.neighbour)
        return self._play(attack, self._usual[attack.neighbour])

    def _peace(self, neighbour: str) -> tuple[evidence.Scores, list[Any]]:
        """Return what the neighbour gets beside somebody who tries nothing."""
        nothing = Attack("peace", "", "", Expect.SCORE, 10, "", "", neighbour, False, False, ("pass",), "")
        nobody: tuple[evidence.Scores, list[Any]] = (evidence.Scores({}, ()), [])
        self._play(nothing, nobody)
        course = self._course()
        usual = evidence.scores(course, neighbour)
        assert usual is not None and usual.total == 24, f"an honest notebook is not graded: {usual}"
        mine = evidence.scores(course, ATTACKER)
        assert mine is not None and mine.total == 10, f"a notebook with one right answer is not graded: {mine}"
        return usual, evidence.outputs(course, neighbour)

    def _course(self) -> Path:
        return self._folder / f"cohort-{self._number}"

    def _play(self, attack: Attack, usual: tuple[evidence.Scores, list[Any]]) -> evidence.Outcome:
        evidence.remove(self._course())
        self._number += 1
        course, drop = self._course(), self._folder / f"drop-{self._number}"
        shutil.copytree(self._template, course)
        drop.mkdir()
        with _listening() as (port, visitors):
            places = Places(str(course), str(drop / "note"), port, attack.neighbour)
            self._submit(course, attack, places)
            before, began = evidence.standing(course), time.monotonic()
            harms = _grade(course, self._way)
            harms += _show(course, self._way)
            seconds = time.monotonic() - began
            harms += self._left_running()
            if visitors:
                harms.append("a service of the machine was reached")
        return evidence.judge(
            course, before, neighbour=attack.neighbour, usual=usual, canaries=self._canaries, drop=drop,
            own=attack.own, seconds=seconds, also=harms,
        )  # fmt: skip

    def _left_running(self) -> list[str]:
        """Return the harm when something else than a resting worker and its bubblewrap is alive in the box."""
        deadline = time.monotonic() + 3
        while len(left := [pid for box in _boxes() - self._others for pid in (box, *descendants(box))]) > 2:
            if time.monotonic() > deadline:
                return [f"{len(left) - 2} processes were left running"]
            time.sleep(0.05)
        return []

    def _submit(self, course: Path, attack: Attack, places: Places) -> None:
        submitted = course / "submitted"
        theirs = submitted / attack.neighbour / LAB
        theirs.mkdir(parents=True)
        notebook = neighbours(self._released, self._answers(attack.neighbour), self._canaries.neighbour)
        (theirs / f"{LAB}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        right = self._answers(ATTACKER)["infected_host"]
        hand_in(submitted, attack, attackers(self._released, attack, places, right), places)

    def _answers(self, trainee: str) -> Mapping[str, str]:
        facts = ground_truth(
            read_scenario(self._content, LAB), case_seed(bytes.fromhex(self._canaries.secret), LAB, trainee)
        )
        found = {name: f'case.answer("{name}", {facts[name]!r})' for name in ("infected_host", "c2_domain")}
        return {**found, "detector": _DETECT}

    def _make_template(self) -> None:
        course = self._template
        for name in ("source", "release", "submitted", "autograded", "feedback"):
            (course / name).mkdir(parents=True)
        (course / "secret").write_text(self._canaries.secret + "\n")
        cohort = {"name": "besieged", "course": "besieged", "title": "Besieged", "language": "en"}
        (course / "cohort.json").write_text(json.dumps(cohort))
        people = [{"username": name, "name": name, "language": "en", "role": "trainee"}
                  for name in (ATTACKER, *NEIGHBOURS)]  # fmt: skip
        (course / "roster.json").write_text(json.dumps({"people": people}))
        (course / "nbgrader_config.py").write_text(_CONFIGURATION.format(content=str(self._content), limits=LIMITS))
        (course / "source" / "next-lab").mkdir()
        (course / "source" / "next-lab" / "next-lab.ipynb").write_text(json.dumps({"x": self._canaries.tests}))
        assemble_source(read_lab(self._content, LAB), course / "source" / LAB)
        api = _api(course)
        made = api.generate_assignment(LAB)
        assert made["success"], made
        # As after the first batch that was graded: from here on, grading itself writes nothing there.
        released_content(course, LAB)
        with api.gradebook as book:
            for name in (ATTACKER, *NEIGHBOURS):
                book.update_or_create_student(name, last_name=self._canaries.gradebook)
        self._released = json.loads((course / "release" / LAB / f"{LAB}.ipynb").read_bytes())


def _api(course: Path) -> Any:
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    config = load_config(course)
    return NbGraderAPI(CourseDirectory(config=config), config=config)


def _by_nbgrader(course: Path) -> None:
    api = _api(course)
    try:
        api.autograde(LAB, "*", force=True)
    finally:
        api.gradebook.close()


class _Here(Executor):
    """Runs what it is given at once, in this thread, so that one warm box serves all batches."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done."""
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def _by_csirtlab(course: Path) -> None:
    with Records(course, LAB) as records:
        grade_new(records, _Here(), 1, course, LAB, submitters(course, LAB), step=lambda _: None)


def _grade(course: Path, way: Way) -> list[str]:
    """Grade everybody; return the harm when that does not come to its end."""
    return _in_time("grading", lambda: (_by_nbgrader if way is Way.NBGRADER else _by_csirtlab)(course))


def _show(course: Path, way: Way) -> list[str]:
    """Make a page of what was graded, the formgrader's or the trainee's feedback; return the harms."""
    found: list[str] = []
    if evidence.scores(course, ATTACKER) is None:
        return found
    page = "formgrader's page" if way is Way.NBGRADER else "feedback"

    def show() -> None:
        if way is Way.NBGRADER:
            found.extend(acting(formgraders_page(course)))
            return
        api = _api(course)
        try:
            found.extend(acting(feedback_page(course, api)))
        finally:
            api.gradebook.close()

    try:
        return _in_time(f"the {page}", show) + found
    except Exception as error:  # whatever an attack makes nbconvert stumble over
        return [f"the {page} was not made: {type(error).__name__}: {error}"]


def _in_time(what: str, do: Callable[[], None]) -> list[str]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError

    kept = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, MOST_S)
    try:
        with warnings.catch_warnings():
            # nbgrader's own: it adds a submission to a student before it adds it to the session.
            warnings.simplefilter("ignore", SAWarning)
            do()
    except TooLongError:
        return [f"{what} did not come to its end in {MOST_S:g} s"]
    except (SystemExit, RecursionError, MemoryError) as error:
        return [f"{what} was ended by {type(error).__name__}"]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)
    return []


def _boxes() -> set[int]:
    found = set()
    for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        with suppress(OSError):  # it has ended meanwhile
            if b"csirtlab_grader" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(int(pid))
    return found


@contextmanager
def _listening() -> Iterator[tuple[int, list[object]]]:
    """Give a port of the loopback on which somebody waits, and the list of who came."""
    visitors: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def wait() -> None:
            while True:
                try:
                    connection, who = server.accept()
                except OSError:
                    return
                connection.close()
                visitors.append(who)

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            yield server.getsockname()[1], visitors
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def _in_the_environment(name: str, value: str) -> Iterator[None]:
    kept = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if kept is not None:
            os.environ[name] = kept


def broken_promises(attack: Attack, outcome: evidence.Outcome) -> list[str]:
    """Return every way in which an outcome is not what the attack says must happen."""
    broken = list(outcome.harms)
    was_refused = outcome.score is None
    if attack.expect is Expect.SCORE and outcome.score != attack.own:
        broken.append(f"{outcome.score} points in the place of {attack.own:g}; {outcome.reason or 'no reason'}")
    if attack.expect is Expect.REFUSED and not was_refused:
        broken.append("it was graded and not refused")
    if attack.expect is Expect.EITHER and outcome.score not in (None, attack.own):
        broken.append(f"{outcome.score} points in the place of {attack.own:g}")
    if was_refused and (not outcome.reason or attack.refused not in outcome.reason):
        broken.append(f'it was refused with "{outcome.reason}", which does not tell why')
    if attack.says not in outcome.verdicts:
        broken.append(f"no verdict says: {attack.says}")
    return broken
