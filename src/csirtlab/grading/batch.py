"""All submissions of a lab: conducted by workers, recorded one by one as they come."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from csirtlab.errors import CsirtlabError, GradingError
from csirtlab.grading.conducting import Conducted, Failed, Refused, conduct
from csirtlab.grading.recording import Records

_LOCK = ".grading.lock"
_AHEAD = 2  # submissions given out for each worker: one that runs, one that waits
_TRIES = 2  # of a submission whose worker died

Step = Callable[[str], None]


@dataclass
class Result:
    """What came of a run, by trainee. ``points`` are those that were recorded now."""

    points: dict[str, Mapping[str, float | None]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    neighbours: int = 0


@dataclass(frozen=True)
class Change:
    """That regrading gives a trainee other points for a question; ``after`` or ``before`` may wait for a person."""

    trainee: str
    cell: str
    before: float | None
    after: float | None

    @property
    def gain(self) -> float:
        """How many points more; negative for fewer."""
        return (self.after or 0.0) - (self.before or 0.0)


def grade_new(records: Records, pool: Executor, workers: int, folder: Path, lab: str, who: Sequence[str],
              *, step: Step) -> Result:  # fmt: skip
    """Grade ``who``; each is kept before ``step`` is told their name.

    Stopped at any moment, what was kept is complete and the rest is new.
    """
    result = Result()
    for outcome in conduct_all(pool, workers, folder, lab, who):
        _take(outcome, result, records.record)
        step(outcome.trainee)
    return result


def conduct_again(pool: Executor, workers: int, folder: Path, lab: str, who: Sequence[str],
                  *, step: Step) -> tuple[list[Conducted], Result]:  # fmt: skip
    """Conduct ``who`` and keep nothing yet; the result names those who could not be graded."""
    result = Result()
    conducted: list[Conducted] = []
    for outcome in conduct_all(pool, workers, folder, lab, who):
        _take(outcome, result, conducted.append)
        step(outcome.trainee)
    return sorted(conducted, key=lambda each: each.trainee), result


def keep_all(records: Records, conducted: Sequence[Conducted], result: Result) -> None:
    """Record what ``conduct_again`` returned, and enter it in its result."""
    for each in conducted:
        _take(each, result, records.record)


def changes(records: Records, conducted: Sequence[Conducted]) -> list[Change]:
    """Return what recording would change in the gradebook."""
    found = []
    for each in conducted:
        before = records.points(each.trainee)
        found += [
            Change(each.trainee, cell, before.get(cell), after)
            for cell, after in sorted(each.points.items())
            if before.get(cell) != after
        ]
    return found


def conduct_all(
    pool: Executor, workers: int, folder: Path, lab: str, who: Sequence[str]
) -> Iterator[Conducted | Refused | Failed]:
    """Yield what came of each submission, as they end.

    Only a few are given out at a time, so that notebooks do not pile up in memory.
    """
    waiting = [(trainee, _TRIES) for trainee in reversed(who)]
    running: dict[Future[Conducted | Refused | Failed], tuple[str, int]] = {}
    while waiting or running:
        while waiting and len(running) < workers * _AHEAD:
            trainee, tries = waiting.pop()
            running[pool.submit(conduct, folder, lab, trainee)] = (trainee, tries)
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            trainee, tries = running.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool:
                if tries > 1:
                    waiting.append((trainee, tries - 1))
                else:
                    yield Failed(trainee, "The process that graded it was killed, twice. Is the memory too small?")


def _take(outcome: Conducted | Refused | Failed, result: Result, keep: Callable[[Conducted], None]) -> None:
    match outcome:
        case Conducted():
            try:
                keep(outcome)
            except CsirtlabError as error:
                result.failed[outcome.trainee] = str(error)
                return
            result.points[outcome.trainee] = outcome.points
        case Refused():
            result.refused[outcome.trainee] = outcome.reason
        case Failed():
            result.failed[outcome.trainee] = outcome.reason


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Be the only grading run of a cohort.

    Raises:
        GradingError: Another one is going on.
    """
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise GradingError(f"Another run grades {folder.name} now. Wait for its end, or stop it with Ctrl-C.") from None
    else:
        yield
    finally:
        os.close(descriptor)
