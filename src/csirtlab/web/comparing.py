"""Comparisons of neighbours' answers that somebody started from a page: one at a time, beside the server."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from csirtlab.grading.refusing import shown

_log = logging.getLogger(__name__)


def comparing_command(folder: Path, lab: str) -> list[str]:
    """Return the command that compares, in a process of its own: it computes for minutes at times.

    ``nice``: trainees' servers are on the same machine.
    """
    csirtlab = Path(sys.executable).parent / "csirtlab"
    return ["nice", "-n", "10", str(csirtlab), "cohort", "neighbours", str(folder), lab, "--json"]


class Comparisons:
    """Those of one cohort; what they find is kept in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._problems: dict[str, str] = {}

    @property
    def running(self) -> frozenset[str]:
        """The labs that are compared now, or next."""
        return frozenset(self._running)

    def problem(self, lab: str) -> str | None:
        """Return why the last comparison of a lab failed; None if it did not."""
        return self._problems.get(lab)

    def start(self, lab: str) -> None:
        """Compare a lab, unless that is going on already."""
        if lab not in self._running:
            self._problems.pop(lab, None)
            task = asyncio.get_running_loop().create_task(self._compare(lab))
            self._running[lab] = task
            task.add_done_callback(lambda _: self._running.pop(lab, None))

    async def ended(self, lab: str) -> None:
        """Wait for the end of a lab's comparison."""
        if lab in self._running:
            await asyncio.wait([self._running[lab]])

    async def _compare(self, lab: str) -> None:
        async with self._turn:
            try:
                problem = await _run(comparing_command(self._folder, lab))
            except OSError as error:
                problem = f"{error.strerror}: {error.filename}"
        if problem:
            _log.error("comparing %s: %s", lab, problem)
            self._problems[lab] = str(shown(problem))


async def _run(command: Sequence[str]) -> str:
    """Run a command; return what its last line says went wrong, nothing if it went well."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode == 0:
        return ""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("csirtlab: ") if lines else f"exit code {process.returncode}"
