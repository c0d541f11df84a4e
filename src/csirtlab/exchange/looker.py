"""Asks the processes that look at archives (``look.py``), which are started when the first is needed."""

import json
import os
import queue
import select
import signal
import subprocess
import sys
import weakref
from pathlib import Path
from typing import IO

from csirtlab.exchange.look import MOST_WALL_S
from csirtlab.exchange.refusals import Refusal

HANDS = 2
"""So many at a time: one person's archive, however hostile, leaves the other hand for everybody else."""

_PATIENCE_S = MOST_WALL_S + 30


class Looker:
    """A few processes that look at archives. Its methods may be called in threads."""

    def __init__(self, hands: int = HANDS) -> None:
        self._free: queue.SimpleQueue[_Hand] = queue.SimpleQueue()
        for _ in range(hands):
            self._free.put(_Hand())

    def check_lab(self, path: Path, lab: str) -> None:
        """Refuse an archive that cannot be taken as the folder of a lab."""
        self._check(path, lab)

    def check_feedback(self, path: Path) -> None:
        """Refuse an archive that cannot be taken as feedback."""
        self._check(path, None)

    def _check(self, path: Path, lab: str | None) -> None:
        hand = self._free.get()
        try:
            answer = hand.ask({"path": str(path), "lab": lab})
        finally:
            self._free.put(hand)
        if "refused" in answer:
            raise Refusal(str(answer["refused"]), int(str(answer["status"])))


class _Hand:
    """One process; a new one takes its place when it has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, asked: dict[str, object]) -> dict[str, object]:
        """Return the process's answer.

        Raises:
            Refusal: Twice there was none (503).
        """
        for _ in range(2):
            process = self._running()
            try:
                return _asked(process, asked)
            except (OSError, ValueError):
                _end(process)
        raise Refusal("The server could not look at this now. Keep your work, and try again in a minute.", 503)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            # Its environment is its own: the service's token is not for a process that reads strangers' files.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "csirtlab.exchange.look"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"LANG": "C.UTF-8"}, cwd="/",
            )  # fmt: skip
            weakref.finalize(self, _end, self._process)
        return self._process


def _asked(process: "subprocess.Popen[bytes]", asked: dict[str, object]) -> dict[str, object]:
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    process.stdin.flush()
    if not select.select([process.stdout], [], [], _PATIENCE_S)[0]:
        raise TimeoutError("no answer")
    answer = json.loads(process.stdout.readline())
    if not isinstance(answer, dict):
        raise TypeError(answer)
    return answer


def _end(process: "subprocess.Popen[bytes]") -> None:
    pipes: tuple[IO[bytes] | None, ...] = (process.stdin, process.stdout)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in pipes:
        if pipe:
            try:
                pipe.close()
            except OSError:
                continue  # what it did not read any more
