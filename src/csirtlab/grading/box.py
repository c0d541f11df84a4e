"""The box: bubblewrap round a warm worker, in which one submission after the other runs sealed off."""

import json
import logging
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Self

from csirtlab.errors import BoxError, SetupError
from csirtlab.grading import walls
from csirtlab.grading.probing import explain_failure
from csirtlab.grading.runs import BoxRun, Cell, Limits, is_curtain, read_run
from csirtlab.grading.seccomp import write_filter
from csirtlab_grader.frames import BrokenFrameError, Splitter, packed

BOX_UID = 199_000
"""The uid under which boxes run when they are started by root; nobody's, and below those of trainees."""

UNSAFE_VARIABLE = "CSIRTLAB_UNSAFE_NO_BOX"
UNSAFE_MARK = "[UNSAFE: NO BOX] "
_START_S = 120.0  # importing everything on a slow disk
_OVERTIME_S = 30.0  # for the worker to clear away, beyond the submission's own time
_MOST_BYTES = 128 * 2**20
_SIBLINGS = "siblings"
_SUBMISSION, _WORKER = b"S", b"W"  # as csirtlab_grader.worker marks its messages


def is_unsafe(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether somebody has asked for submissions to run without walls."""
    return environ.get(UNSAFE_VARIABLE) == "1"


class Box:
    """A box for many submissions, one at a time; a context manager.

    The worker is started at the first use and again after it was lost. The process dies with the thread
    that started it (``PR_SET_PDEATHSIG``): keep to one thread for each box.

    As root the box runs under ``uid``; otherwise under the caller's own.
    """

    def __init__(
        self,
        *,
        uid: int = BOX_UID,
        sizes: walls.Sizes | None = None,
        unsafe: bool | None = None,
        log: logging.Logger | logging.LoggerAdapter[Any] | None = None,
    ) -> None:
        self._uid = uid if os.geteuid() == 0 else None
        self._sizes = sizes or walls.Sizes()
        self.unsafe = is_unsafe() if unsafe is None else unsafe
        self._log = log or logging.getLogger(__name__)
        self._spool: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._replies = _Replies(-1)

    def __enter__(self) -> Self:
        self._ensure_started()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and remove what it has been given; safe to be called twice."""
        self._stop()
        if self._spool is not None:
            shutil.rmtree(self._spool, ignore_errors=True)
            self._spool = None

    def run(
        self,
        cells: Sequence[Cell],
        case_folder: Path,
        siblings: Mapping[str, Sequence[Path]] | None = None,
        limits: Limits | None = None,
    ) -> BoxRun:
        """Run code cells on a case; then each method question on its sibling cases.

        ``case_folder`` and each sibling hold ``evidence/``, of which the box gets a copy that nothing
        inside can change; of siblings only after all cells have run, when nothing more is shown.

        Raises:
            BoxError: The box could not be built or was lost; the run says nothing about the submission.
            SetupError: This machine cannot build boxes.
        """
        siblings, limits = siblings or {}, limits or Limits()
        spool = self._ensure_started()
        self._fill_case(spool / "case", case_folder)
        root = spool / "case" if self.unsafe else walls.CASE
        inside = {
            question: [str(root / _SIBLINGS / question / str(number)) for number in range(len(folders))]
            for question, folders in siblings.items()
            if folders
        }
        request = {"cells": [{"index": cell.index, "source": cell.source} for cell in cells], "siblings": inside}
        try:
            shown, tried, last = self._converse(request, limits, siblings)
        except BaseException:
            self._stop()
            raise
        finally:
            self._empty_case(spool / "case")
        if "worn" in last:
            self._log.warning("%sthe box is replaced: %s", self._mark, last["worn"])
            self._stop()
        counts = {name: len(all_) for name, all_ in siblings.items()}
        return read_run(shown, tried, str(last["ended"]), cells, counts)

    @property
    def _mark(self) -> str:
        return UNSAFE_MARK if self.unsafe else ""

    def _ensure_started(self) -> Path:
        if self._spool is None:
            self._spool = self._make_spool()
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._start(self._spool)
        return self._spool

    def _make_spool(self) -> Path:
        spool = Path(tempfile.mkdtemp(prefix="csirtlab-box-"))
        for name in ("etc", "case", "scratch"):
            (spool / name).mkdir()
        for name, text in walls.ETC.items():
            (spool / "etc" / name).write_text(text, encoding="utf-8")
        self._hand_over(spool)
        if self.unsafe and self._uid is not None:
            os.chown(spool / "scratch", self._uid, self._uid)
        return spool

    def _hand_over(self, folder: Path) -> None:
        """Make everything in ``folder`` readable for the box's uid, and for nobody else."""
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o750 if path.is_dir() else 0o640)
            if self._uid is not None:
                os.chown(path, 0, self._uid)

    def _start(self, spool: Path) -> None:
        started = time.monotonic()
        with (spool / "worker.log").open("wb") as errors, tempfile.TemporaryFile() as filter_file:
            command, descriptors = self._command(spool, filter_file)
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    pass_fds=descriptors,
                    env=self._environment(spool),
                    cwd="/",
                    # Never as root: there a submission could ptrace PID 1 of its box.
                    user=self._uid,
                    group=self._uid,
                    extra_groups=None if self._uid is None else [],
                )
            except FileNotFoundError:
                raise SetupError(explain_failure("bwrap is not installed")) from None
        assert self._process.stdout is not None
        self._replies = _Replies(self._process.stdout.fileno())
        mark, message = self._replies.next(time.monotonic() + _START_S)
        if mark != _WORKER or "ready" not in _loaded(message):
            self._stop()
            said = (spool / "worker.log").read_text(encoding="utf-8", errors="replace").strip()
            if "bwrap:" in said:
                raise SetupError(explain_failure(said))
            raise BoxError(f"The worker did not start: {said[-2000:] or 'it said nothing'}. Try csirtlab box check.")
        self._log.info("%sa worker is ready after %.1f s", self._mark, time.monotonic() - started)

    def _command(self, spool: Path, filter_file: BinaryIO) -> tuple[list[str], tuple[int, ...]]:
        if self.unsafe:
            self._log.warning("%ssubmissions run without walls, because %s=1", UNSAFE_MARK, UNSAFE_VARIABLE)
            return walls.worker_command(), ()
        write_filter(filter_file)
        descriptor = filter_file.fileno()
        arguments = walls.bwrap_arguments(spool, descriptor, self._sizes)
        return ["bwrap", *arguments, "--", *walls.worker_command()], (descriptor,)

    def _environment(self, spool: Path) -> dict[str, str]:
        if not self.unsafe:
            return {"PATH": os.environ.get("PATH", os.defpath)}
        scratch = spool / "scratch"
        return walls.environment(
            sealed=False, work=scratch / "work", home=scratch / "home", case=spool / "case", scratch=(scratch,)
        )

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # what was still to be written has no reader any more

    def _fill_case(self, place: Path, case_folder: Path) -> None:
        self._empty_case(place)
        shutil.copytree(case_folder / "evidence", place / "evidence")
        self._hand_over(place)

    def _add_siblings(self, siblings: Mapping[str, Sequence[Path]]) -> None:
        """Put the hidden cases into the box, all at once, under the running submission."""
        assert self._spool is not None
        with tempfile.TemporaryDirectory(prefix="next-", dir=self._spool) as folder:
            made = Path(folder, _SIBLINGS)
            made.mkdir()
            for question, folders in siblings.items():
                for number, sibling in enumerate(folders):
                    shutil.copytree(sibling / "evidence", made / question / str(number) / "evidence")
            self._hand_over(made)
            made.rename(self._spool / "case" / _SIBLINGS)

    @staticmethod
    def _empty_case(place: Path) -> None:
        for entry in place.iterdir():
            shutil.rmtree(entry)

    def _converse(
        self, request: Mapping[str, Any], limits: Limits, siblings: Mapping[str, Sequence[Path]]
    ) -> tuple[list[bytes], list[bytes], dict[str, Any]]:
        """Return what the submission said before it saw hidden cases, what it said then, and the worker's last word."""
        assert self._process is not None and self._process.stdin is not None
        deadline = time.monotonic() + limits.total_s + _OVERTIME_S
        try:
            # Apart: the worker reads the limits, and only a fork of it the cells.
            for part in (asdict(limits), request):
                self._process.stdin.write(packed(json.dumps(part).encode("ascii")))
            self._process.stdin.flush()
        except BrokenPipeError:
            raise BoxError("The box was lost before the submission ran. Grade it again.") from None
        shown: list[bytes] = []
        tried: list[bytes] = []
        messages = shown
        while True:
            mark, message = self._replies.next(deadline)
            if mark == _WORKER:
                return shown, tried, _loaded(message)
            if mark != _SUBMISSION:
                raise BoxError("The box was lost while the submission ran. Grade it again; see csirtlab box check.")
            if messages is shown and any(siblings.values()) and is_curtain(message):
                # In this order: whatever was said with a hidden case in sight is never shown.
                messages = tried
                self._add_siblings(siblings)
            messages.append(message)


def probe_box(uid: int = BOX_UID) -> float:
    """Build a box, run a cell in it, and return how many seconds the worker took to be ready.

    Raises:
        SetupError: No box can be built here; the message says which setting to change.
        BoxError: The box was built and does not hold.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="csirtlab-probe-") as folder, Box(uid=uid, unsafe=False) as box:
        ready = time.monotonic() - started
        Path(folder, "evidence").mkdir()
        result = box.run([Cell(0, "import os, sys\nprint(os.getpid() > 1, os.getuid())")], Path(folder))
    said = [output.get("text") for output in result.outputs.get(0, ())]
    if said != [f"True {walls.INSIDE_UID}\n"]:
        raise BoxError(f"The box was built, but a cell in it answered {said}. Report this with csirtlab version.")
    return ready


def _loaded(message: bytes) -> dict[str, Any]:
    parsed = json.loads(message) if message else {}
    return parsed if isinstance(parsed, dict) else {}


class _Replies:
    """The worker's messages: one byte that says whose words they are, then a frame."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._mark = b""
        self._ahead = b""

    def next(self, deadline: float) -> tuple[bytes, bytes]:
        """Return mark and payload of the next message; two empty texts when there is none in time."""
        mark = self._read(1, deadline)
        splitter = Splitter()
        whole: list[bytes] = []
        while mark and not whole:
            header = self._read(4, deadline)
            size = int.from_bytes(header)
            if len(header) < 4 or size > _MOST_BYTES:
                return b"", b""
            payload = self._read(size, deadline)
            if len(payload) < size:
                return b"", b""
            try:
                whole = list(splitter.feed(header + payload))
            except BrokenFrameError:
                return b"", b""
        return (mark, whole[0]) if whole else (b"", b"")

    def _read(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._descriptor], [], [], left)[0]:
                return b""
            part = os.read(self._descriptor, min(size - len(parts), 2**20))
            if not part:
                return b""
            parts += part
        return bytes(parts)
