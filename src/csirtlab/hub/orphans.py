"""What a killed hub leaves behind, ended before the next one starts; its users' servers are not among it."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from csirtlab.cohorts.folders import Home

PROGRAM = "nginx"
SECONDS_TO_END = 5.0
PAUSE_S = 0.05


def end_orphaned_gate(home: Home) -> None:
    """End what a killed ``up`` of this home left of its nginx: it holds the port, and leads nowhere.

    For who holds the home's lock. Of an nginx whose first process was killed the others go on listening, so all
    are looked for: by where they work, since nginx writes a title over its command line.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = _gate_of(home)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if _comes_true(lambda: all(_has_ended(pid) for pid in left)):  # noqa: B023  # called before the next turn
            break


def _gate_of(home: Home) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_nginx = (folder / "comm").read_text().strip() == PROGRAM
            if is_nginx and (folder / "cwd").readlink() == home.gate.resolve():
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended
    return found


def _has_ended(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    # A process gives back its memory first and its ports after that; as a zombie it has given back both.
    return status.rpartition(")")[2].split()[0] in ("Z", "X")


def _comes_true(claim: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS_TO_END
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_S)
    return True
