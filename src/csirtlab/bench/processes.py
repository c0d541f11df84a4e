"""What processes cost: their memory and processor time, read from ``/proc``."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from csirtlab.errors import SetupError
from csirtlab.hub.run import descendants

QUIET_SHARE = 0.1
"""Of one core: a tree that uses less is at rest."""


def parse_pss_kib(rollup: str) -> int:
    """Return the proportional set size from the text of ``smaps_rollup``: private pages, and a share of the others.

    A zombie's is empty: 0. Source: proc(5).
    """
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def parse_ticks(stat: str) -> int:
    """Return the clock ticks of processor time from the text of ``/proc/PID/stat`` (utime and stime).

    The program's name, the second field, may hold spaces and brackets. Source: proc(5).
    """
    after_name = stat.rpartition(")")[2].split()
    return int(after_name[11]) + int(after_name[12])


def pss_mib(pids: Iterable[int]) -> float:
    """Return the memory of some processes together; who has ended counts nothing.

    Raises:
        SetupError: One of them may not be looked at.
    """
    return sum(parse_pss_kib(_read(pid, "smaps_rollup")) for pid in pids) / 1024


def tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    return [pid, *descendants(pid)]


def command_line(pid: int) -> str:
    """Return how a process was started; empty once it has ended."""
    return _read(pid, "cmdline").replace("\0", " ")


async def until_at_rest(pids: Callable[[], Iterable[int]], *, at_most_s: float, interval_s: float = 0.3) -> None:
    """Wait until the processes together use hardly any processor time, or until it has taken too long."""
    most_ticks = QUIET_SHARE * interval_s * os.sysconf("SC_CLK_TCK")
    deadline = time.monotonic() + at_most_s
    before = _ticks(pids())
    while time.monotonic() < deadline:
        await asyncio.sleep(interval_s)
        now = _ticks(pids())
        # A process that started meanwhile is work too.
        if sum(ticks - before.get(pid, 0) for pid, ticks in now.items()) <= most_ticks:
            return
        before = now


def end_tree(process: "subprocess.Popen[bytes]") -> None:
    """Kill a child and all below it, at once.

    It is halted first: what does not run starts no further processes while its tree is read.
    """
    if process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        kill(tree(process.pid))
        process.wait()


def kill(pids: Sequence[int]) -> None:
    """Kill processes, children before their parents; who has ended is left out."""
    for pid in reversed(pids):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _ticks(pids: Iterable[int]) -> dict[int, int]:
    found = {pid: _read(pid, "stat") for pid in pids}
    return {pid: parse_ticks(stat) for pid, stat in found.items() if stat}


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except PermissionError as error:
        raise SetupError(
            f"/proc/{pid}/{name} may not be read, so memory cannot be measured. Run it as root."
        ) from error
    except OSError:
        return ""
