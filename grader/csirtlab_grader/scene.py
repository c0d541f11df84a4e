"""The box between two submissions: nobody else alive, nothing left behind."""

import ctypes
import os
import shutil
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PR_SET_DUMPABLE = 4  # linux/prctl.h


class WornError(Exception):
    """Something could not be cleared away: this box must not be used again."""


def hide_memory() -> None:
    """Close this process and its forks to ptrace and ``/proc/PID/mem``, also for the same user."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise WornError("prctl(PR_SET_DUMPABLE) failed")


def kill_everyone() -> None:
    """Kill and reap every other process of this PID namespace.

    Only its init may do this: anywhere else it would kill all that the user runs.
    """
    assert os.getpid() == 1, "only the init of a PID namespace may kill everyone in it"
    while True:
        with suppress(ProcessLookupError):  # nobody but us is there
            os.kill(-1, signal.SIGKILL)
        try:
            # Orphans become children of init, so that waiting for all children is waiting for everyone.
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def kill_session(leader: int) -> None:
    """Kill what is left of one session's first group; all that can be done without a PID namespace."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(leader, 0)


def empty(folder: Path) -> None:
    """Remove everything in ``folder``.

    Raises:
        WornError: Something is left, whatever a submission has done to hold it there.
    """
    for entry in list(folder.iterdir()):
        try:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        except (OSError, RecursionError, ValueError) as error:
            raise WornError(f"{folder} cannot be emptied: {type(error).__name__}") from None
    if any(folder.iterdir()):
        raise WornError(f"{folder} is not empty")


def resident_mib() -> float:
    """Return the resident memory of all other processes together, in MiB."""
    pages = 0
    own = os.getpid()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != own:
            try:
                pages += int((entry / "statm").read_text().split()[1])
            except (OSError, IndexError):
                continue  # it has ended meanwhile
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def files_in(folders: Iterable[Path]) -> int:
    """Return how many files and folders there are on the file systems of ``folders``."""
    states = [os.statvfs(folder) for folder in folders]
    return sum(state.f_files - state.f_ffree for state in states)
