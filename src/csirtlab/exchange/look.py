"""The process that looks at what strangers send: for each archive a fork of it, with limits, that then ends.

Parsing 20 MiB of hostile JSON takes seconds and half a gigabyte, and holds the interpreter's lock meanwhile; so it
is done apart from the service, and what it took is given back with the fork. Imports little: a fork is quick then.
"""

import gc
import json
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from csirtlab.exchange.archives import Bounds, check_feedback_archive, check_lab_archive
from csirtlab.exchange.limits import MIB
from csirtlab.exchange.refusals import Refusal
from csirtlab.parents import end_with

MOST_CPU_S = 20
MOST_WALL_S = 60.0
MOST_MEMORY_B = 1280 * MIB  # of address space; the worst that 20 MiB of JSON become is 700 MiB
MOST_ANSWER_B = MIB

_CLEAR = "Clear its outputs (Edit, Clear Outputs of All Cells), save it, then submit again."
TOO_MUCH_TIME = f"It takes too long to read this. {_CLEAR}"
TOO_MUCH_MEMORY = f"It takes too much memory to read this. {_CLEAR}"


def main() -> None:
    """Answer each line of stdin, ``{"path": ..., "lab": ...}``, with one of stdout, until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the service, which then ends this
    gc.collect()
    gc.freeze()
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        sys.stdout.buffer.write(look_aside(Path(asked["path"]), asked["lab"]) + b"\n")
        sys.stdout.buffer.flush()


def look_aside(path: Path, lab: str | None) -> bytes:
    """Return what a fork says about an archive, as JSON: ``{}`` or ``{"refused": ..., "status": ...}``."""
    parent, (reading, writing) = os.getpid(), os.pipe()
    child = os.fork()
    if child == 0:
        _look_and_end(path, lab, writing, parent)
    os.close(writing)
    answer = _read(reading, time.monotonic() + MOST_WALL_S)
    os.close(reading)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if answer:
        return answer
    # Ended by a limit: SIGXCPU or, at the hard limit and at ours, SIGKILL. All else is a lack of memory.
    killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return _refused(TOO_MUCH_TIME if killed_by in (signal.SIGXCPU, signal.SIGKILL) else TOO_MUCH_MEMORY, 413)


def judged(path: Path, lab: str | None) -> bytes:
    """Look at an archive here: a lab's, or feedback (None)."""
    try:
        if lab is None:
            check_feedback_archive(path, Bounds())
        else:
            check_lab_archive(path, lab, Bounds())
    except Refusal as refusal:
        return _refused(str(refusal), refusal.status)
    except MemoryError:
        return _refused(TOO_MUCH_MEMORY, 413)
    return b"{}"


def _look_and_end(path: Path, lab: str | None, writing: int, parent: int) -> NoReturn:
    try:
        gc.disable()  # nothing in here lives long, and looking for cycles in millions of lists takes seconds
        _limit()
        end_with(parent)
        answer = judged(path, lab)
        while answer:
            answer = answer[os.write(writing, answer) :]
    finally:
        os._exit(0)


def _limit() -> None:
    for limit, most in (
        (resource.RLIMIT_AS, MOST_MEMORY_B),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(limit, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S + 1))
    os.nice(5)  # the service answers everybody else meanwhile


def _read(reading: int, deadline: float) -> bytes:
    answer = bytearray()
    while select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(reading, 1 << 16)
        if not piece:
            return bytes(answer)
        answer += piece
        if len(answer) > MOST_ANSWER_B:
            break
    return b""


def _refused(sentence: str, status: int) -> bytes:
    told: dict[str, Any] = {"refused": sentence, "status": status}
    return json.dumps(told).encode()


if __name__ == "__main__":
    main()
