"""``csirtlab bench durability``: what is left of submissions and scores when processes are killed again and again."""

import os
import platform
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock

from csirtlab.bench.exchange_kills import measure_exchange
from csirtlab.bench.grading_kills import measure_grading
from csirtlab.errors import SetupError

Say = Callable[[str], None]

CONDITIONS = {
    "exchange": "the workshop's service as the hub starts it, with a stand-in for the hub's answer to whose a token "
    "is; four clients hand in without a pause, each sends again what got no answer; SIGKILL up to a second after the "
    "start, one in seven while it starts",
    "grading": "csirtlab grade, one or two workers, six submissions with three questions on a real scenario; SIGKILL "
    "while it starts or within moments of a submission being recorded, of the command alone or of all processes",
    "power": "what a kill cannot show: the disk is asked to sync, and trusted to have done it",
}


@dataclass(frozen=True)
class Amount:
    """How much is killed; ``at_most_s`` ends it before."""

    exchange: int
    grading: int
    at_most_s: float

    @property
    def steps(self) -> int:
        """How many steps are told at most."""
        return self.exchange + 2 * self.grading


FULL = Amount(exchange=440, grading=60, at_most_s=3 * 3600)
QUICK = Amount(exchange=40, grading=8, at_most_s=25)


def measure_durability(amount: Amount, *, say: Say, seed: int | None = None) -> dict[str, object]:
    """Kill both, side by side, and return the report.

    Raises:
        SetupError: The service or the grading run does not work even undisturbed.
    """
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    began = time.monotonic()
    ended, guard = Event(), Lock()

    def is_over() -> bool:
        return ended.is_set() or time.monotonic() - began > amount.at_most_s

    def step(text: str) -> None:
        with guard:
            say(text)

    with _temporary_folder() as root, ThreadPoolExecutor(2) as pool:
        for name in ("exchange", "grading"):
            (root / name).mkdir(mode=0o711)
        try:
            exchange_part = pool.submit(
                measure_exchange, root / "exchange", amount.exchange, chosen, is_over=is_over, step=step
            )
            grading_part = pool.submit(
                measure_grading, root / "grading", amount.grading, chosen, is_over=is_over, step=step
            )
            exchange, grading = exchange_part.result(), grading_part.result()
        finally:
            ended.set()
    return {
        "kills": exchange.kills + grading.kills,
        "acknowledged": exchange.acknowledged,
        "lost": exchange.lost,
        "doubled": exchange.doubled,
        "scores_wrong": grading.scores_wrong,
        "graded_again": grading.graded_again,
        "problems": [*exchange.problems, *grading.problems],
        "exchange": asdict(exchange),
        "grading": asdict(grading),
        "seed": chosen,
        "seconds": round(time.monotonic() - began, 1),
        "versions": {"python": platform.python_version(), "linux": platform.release()},
        "cores": len(os.sched_getaffinity(0)),
        "conditions": CONDITIONS,
    }


def is_clean(found: dict[str, object]) -> bool:
    """Return whether a report says that nothing was lost."""
    return not any(found[key] for key in ("lost", "doubled", "scores_wrong", "graded_again", "problems"))


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="csirtlab-bench-"))
    try:
        # As root, grading goes on as the account that owns the cohort's folder.
        folder.chmod(0o711)
        if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in folder.parents):
            raise SetupError(f"other users cannot reach {folder.parent}. Name a folder they can: TMPDIR=/tmp")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
