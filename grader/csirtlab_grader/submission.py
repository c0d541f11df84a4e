"""One submission, run in a fork of the warm process: cells, then methods on their hidden cases.

Hidden cases are put into the box only when nothing more can be shown.

Everything here shares a process with the submission, which can therefore forge any message. The
messages hold answers and outputs only; what they are worth is decided elsewhere.
"""

import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from csirtlab_grader.frames import write_frame
from csirtlab_grader.recorder import FINDING, RecordedStream, Recorder

_MIB = 2**20
_MOST_WAIT_S = 20.0  # for hidden cases to be put into the box


class CellTimeoutError(BaseException):
    """A cell ran longer than a cell may; not an Exception, so that ``except Exception`` lets it through."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use; sizes in MiB, times in seconds."""

    cell_s: float
    total_s: float
    cpu_s: int
    memory_mib: int  # address space of each process, and resident memory of all together
    processes: int
    file_mib: int
    open_files: int
    output_mib: int

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Limits":
        """Return the limits from a message."""
        return cls(**values)


def set_limits(limits: Limits) -> None:
    """Put the limits on this process and all that it starts; none can be raised again."""
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_mib * _MIB),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_FSIZE, limits.file_mib * _MIB),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # The first CPU limit sends SIGXCPU, by which the worker knows why the process ended.
        soft = value - 2 if what == resource.RLIMIT_CPU and value > 2 else value
        resource.setrlimit(what, (soft, value))


class Submission:
    """The run of one notebook's cells; reports over ``pipe``, the one descriptor it has."""

    def __init__(self, shell: Any, pipe: int, limits: Limits, work: Path) -> None:  # IPython
        self._shell, self._pipe, self._limits, self._work = shell, pipe, limits, work
        self._recorder = Recorder(limits.output_mib * _MIB)
        self._spills: dict[str, int] = {}
        self._functions: dict[str, str] = {}

    def run(self, cells: Sequence[Mapping[str, Any]], siblings: Mapping[str, Sequence[str]]) -> None:
        """Run ``cells`` ({"index", "source"}), then each method on its sibling folders; report each."""
        self._take_the_stage()
        for cell in cells:
            write_frame(self._pipe, self._run_cell(cell["index"], cell["source"]))
        if siblings:
            self._wait_for_hidden_cases(siblings)
        for question, folders in siblings.items():
            for number, folder in enumerate(folders):
                write_frame(self._pipe, self._run_method(question, number, folder))
        write_frame(self._pipe, {"finished": True})

    def _wait_for_hidden_cases(self, siblings: Mapping[str, Sequence[str]]) -> None:
        """Say that all cells have run: from then on nothing is shown any more, and hidden cases appear."""
        write_frame(self._pipe, {"curtain": True})
        waiting = [Path(folder) for folders in siblings.values() for folder in folders]
        end = time.monotonic() + _MOST_WAIT_S
        while not all(folder.is_dir() for folder in waiting) and time.monotonic() < end:
            time.sleep(0.001)

    def _take_the_stage(self) -> None:
        os.chdir(self._work)
        self._spills = {"stdout": self._spill(1), "stderr": self._spill(2)}
        sys.stdout = RecordedStream(self._recorder, "stdout", 1)
        sys.stderr = RecordedStream(self._recorder, "stderr", 2)
        self._shell.record(self._recorder)
        # The same submission gives the same answers: its dice start where they started last time.
        random.seed(0)
        import numpy as np

        np.random.seed(0)  # the legacy generator is what a fork would share
        set_limits(self._limits)

    def _spill(self, descriptor: int) -> int:
        """Send what programs print on ``descriptor`` into a file without a name."""
        spill = os.open(self._work, os.O_RDWR | os.O_TMPFILE | os.O_APPEND, 0o600)
        os.dup2(spill, descriptor)
        return spill

    def _collect_spills(self) -> None:
        for name, spill in self._spills.items():
            size = os.fstat(spill).st_size
            if size:
                most = min(size, self._limits.output_mib * _MIB)
                self._recorder.stream(name, os.pread(spill, most, 0).decode("utf-8", "replace"))
                os.ftruncate(spill, 0)

    def _run_cell(self, index: int, source: str) -> dict[str, Any]:
        try:
            with self._alarm():
                self._shell.run_cell(source, store_history=True)
        except BaseException as error:  # a cell may break the shell: the next one still runs
            self._recorder.error(type(error).__name__, str(error), [])
        self._collect_spills()
        outputs = self._recorder.next_cell()
        self._note_methods(outputs)
        return {"cell": index, "outputs": _json_safe(outputs), "count": self._shell.execution_count - 1}

    @contextmanager
    def _alarm(self) -> Iterator[None]:
        def ring(_number: int, _frame: FrameType | None) -> None:
            raise CellTimeoutError(f"the cell ran longer than {self._limits.cell_s:g} s and was stopped")

        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, self._limits.cell_s)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _note_methods(self, outputs: Sequence[Mapping[str, Any]]) -> None:
        for output in outputs:
            said = output.get("data", {}).get(FINDING)
            if isinstance(said, dict) and isinstance(said.get("function"), str):
                self._functions[str(said.get("question"))] = said["function"]

    def _run_method(self, question: str, number: int, folder: str) -> dict[str, Any]:
        report: dict[str, Any] = {"method": question, "sibling": number, "value": None, "error": None}
        name = self._functions.get(question)
        if name is None:
            return report
        try:
            from csirtlab.kit import open_case

            with self._alarm():
                report["value"], report["error"] = open_case(folder).try_method(question, self._shell.user_ns[name])
        except BaseException as error:  # a method may raise anything; the next case still counts
            report["error"] = f"{type(error).__name__}: {error}"[:500]
        self._recorder.next_cell()
        self._collect_spills()
        return {name: _json_safe(item) for name, item in report.items()}


def _json_safe(value: Any) -> Any:
    """Return ``value`` with everything that JSON cannot hold replaced by its text."""
    if isinstance(value, dict):
        return {str(key): _json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_safe(item) for item in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return str(value)
