"""The warm worker, PID 1 of a box: one fork per submission, watched, then cleared away.

It talks with the outside over two pipes that no submission inherits. What a submission reports is
passed on unread, marked as the submission's; only how it ended is the worker's own word. Nor does the
worker read the cells that it is sent: a fork does (``passage``).
"""

import os
import select
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csirtlab_grader import scene
from csirtlab_grader.frames import BrokenFrameError, packed, read_frame, write_all, write_frame
from csirtlab_grader.passage import Relay, Request
from csirtlab_grader.submission import Limits, Submission
from csirtlab_grader.warm import warm_shell

FROM_SUBMISSION = b"S"
FROM_WORKER = b"W"
_TICK_S = 0.1
_GRACE_S = 3.0  # for a cell that catches its own timeout
_OUTPUT_SLACK = 8 * 2**20  # findings and JSON's own marks, beyond what a recorder lets through
_MOST_MESSAGES = 10_000  # several times what the longest notebook has to say
_MOST_FILES = 20_000  # a tmpfs counts bytes, and empty files have none


@dataclass(frozen=True)
class Stage:
    """Where a worker lives."""

    requests: int
    replies: int
    work: Path  # emptied before each submission, which starts in it
    scratch: tuple[Path, ...]  # every other folder in which a submission can write
    case: Path  # the evidence of the submission that runs now
    sealed: bool  # whether this is PID 1 of a box


def serve(stage: Stage) -> None:
    """Answer requests until the outside closes its pipe or the box is worn."""
    scene.hide_memory()
    _deaf_to_signals()
    shell = warm_shell()
    _prepare(stage)
    write_all(stage.replies, FROM_WORKER + packed(b'{"ready": true}'))
    while (limits := read_frame(stage.requests)) is not None:
        with Request(stage.requests) as request:
            ended = _run_one(stage, shell, Limits.read(limits), request)
        try:
            _prepare(stage)
        except scene.WornError as error:
            _tell(stage, {"ended": ended, "worn": str(error)})
            return
        _tell(stage, {"ended": ended})


def _deaf_to_signals() -> None:
    # Init gets a signal from its own namespace only if it has a handler, and Python has one for SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)


def _prepare(stage: Stage) -> None:
    if stage.sealed:
        scene.kill_everyone()
    for folder in (*stage.scratch, stage.work):
        folder.mkdir(parents=True, exist_ok=True)
        scene.empty(folder)
    for folder in (stage.work, Path(os.environ["HOME"])):
        folder.mkdir(parents=True, exist_ok=True)
    (stage.work / "evidence").symlink_to(stage.case / "evidence")


def _tell(stage: Stage, message: Mapping[str, Any]) -> None:
    write_all(stage.replies, FROM_WORKER)
    write_frame(stage.replies, message)


def _run_one(stage: Stage, shell: Any, limits: Limits, request: Request) -> str:
    inside, outside = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(inside)
            _leave_the_worker(stage)
            asked = request.read()
            Submission(shell, outside, limits, stage.work).run(asked["cells"], asked["siblings"])
            status = 0
        finally:
            # Whatever happens, no submission ever returns into the worker's code.
            os._exit(status)
    os.close(outside)
    try:
        return _watch(stage, child, inside, limits)
    finally:
        os.close(inside)
        if stage.sealed:
            scene.kill_everyone()
        else:
            scene.kill_session(child)


def _leave_the_worker(stage: Stage) -> None:
    os.setsid()
    os.close(stage.requests)
    os.close(stage.replies)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _watch(stage: Stage, child: int, pipe: int, limits: Limits) -> str:
    """Pass on what the child says until it ends or breaks a limit; return how it ended."""
    heard = messages = 0
    last_word = started = last_look = time.monotonic()
    end = os.pidfd_open(child)
    relay = Relay()
    try:
        while True:
            ready, _, _ = select.select([pipe, end], [], [], _TICK_S)
            now = time.monotonic()
            if pipe in ready:
                octets = relay.take(pipe)
                heard += octets
                for message in relay.whole():
                    messages += 1
                    write_all(stage.replies, FROM_SUBMISSION)
                    write_all(stage.replies, message)
                    last_word = now
                if heard > limits.output_mib * 2**20 + _OUTPUT_SLACK or messages > _MOST_MESSAGES:
                    return "output"
                if not octets:
                    return _end_of(child)
            elif end in ready:
                return _end_of(child)
            # Also while there is always news: who talks without end is stopped as well.
            if now > min(started + limits.total_s, last_word + limits.cell_s + _GRACE_S):
                return "time"
            if stage.sealed and now > last_look + _TICK_S:
                last_look = now
                if (too_much := _too_much(stage, limits)) is not None:
                    return too_much
    except BrokenFrameError:
        return "died"
    finally:
        relay.close()
        os.close(end)


def _too_much(stage: Stage, limits: Limits) -> str | None:
    """Return of what the submission has taken too much, None if of nothing."""
    if scene.resident_mib() > limits.memory_mib:
        return "memory"
    return "files" if scene.files_in(stage.scratch) > _MOST_FILES else None


def _end_of(child: int) -> str:
    """Return how the child ended; it has closed its pipe or is a zombie already."""
    os.kill(child, signal.SIGKILL)  # a child that only closed its pipe has nothing more to say
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return "time"
    return "finished" if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 else "died"


def main() -> None:
    """Serve on the pipes that came as standard input and output."""
    requests, replies = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    sealed = os.environ.pop("CSIRTLAB_BOX_SEALED", "") == "1"
    work, case = Path(os.environ["CSIRTLAB_BOX_WORK"]), Path(os.environ["CSIRTLAB_BOX_CASE"])
    scratch = tuple(Path(name) for name in os.environ["CSIRTLAB_BOX_SCRATCH"].split(":") if name)
    if sealed and os.getpid() != 1:
        sys.exit("the worker is not PID 1 of its box")
    serve(Stage(requests, replies, work=work, scratch=scratch, case=case, sealed=sealed))
