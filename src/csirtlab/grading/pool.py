"""A pool of processes, each with a box of its own, behind ``concurrent.futures.Executor``."""

import importlib
import logging
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from csirtlab.grading.cases import share_hidden_cases
from csirtlab.parents import end_with
from csirtlab.slow_modules import leave_out_slow_modules

P = ParamSpec("P")
T = TypeVar("T")


class BoxPool(Executor):
    """Runs each task in one of ``workers`` processes.

    Where a process dies, only the task that it had ends, with ``BrokenProcessPool``; the next task gets a new
    process. Workers ignore Ctrl-C: who holds the pool decides. They die with it, and so do their boxes.
    """

    def __init__(self, workers: int) -> None:
        # What workers write lies in one folder, so that it is gone even after they were killed.
        self._folder = Path(tempfile.mkdtemp(prefix="csirtlab-grading-"))
        self._folder.chmod(0o711)  # boxes have a uid of their own and pass through it
        # A worker starts with "python -c", which would import from the folder that somebody stands in.
        os.environ["PYTHONSAFEPATH"] = "1"
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="box")
        self._own = threading.local()
        self._processes: set[ProcessPoolExecutor] = set()
        self._lock = threading.Lock()
        self._closing = False

    def begin(self) -> None:
        """Let all processes start and import what grading needs; do not wait for them."""
        for _ in range(self._workers):
            self.submit(_import_grading)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``fn`` in a worker; it and its arguments are pickled."""
        task = partial(fn, *args, **kwargs)
        return self._threads.submit(self._run, task)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the pool; with ``cancel_futures`` tasks that wait are dropped and those that run are killed."""
        with self._lock:
            self._closing = cancel_futures
            held = tuple(self._processes)
        if cancel_futures:
            for process in held:
                _kill(process)
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        for process in held:
            process.shutdown(wait=wait, cancel_futures=True)
        if wait:
            shutil.rmtree(self._folder, ignore_errors=True)

    def pids(self) -> list[int]:
        """Return the process ids of the workers that run now."""
        with self._lock:
            return [pid for process in self._processes for pid in list(process._processes or ())]

    def _run(self, task: Callable[[], T]) -> T:
        process = self._process()
        try:
            return process.submit(task).result()
        except BrokenProcessPool:
            self._drop(process)
            raise

    def _process(self) -> ProcessPoolExecutor:
        """Return this thread's process; the thread that starts it must outlive it (``PR_SET_PDEATHSIG``)."""
        process: ProcessPoolExecutor | None = getattr(self._own, "process", None)
        if process is None:
            process = ProcessPoolExecutor(
                1, get_context("spawn"), initializer=_begin_worker, initargs=(os.getpid(), str(self._folder))
            )
            with self._lock:
                if self._closing:
                    raise BrokenProcessPool("the pool is closed")
                self._processes.add(process)
            self._own.process = process
        return process

    def _drop(self, process: ProcessPoolExecutor) -> None:
        self._own.process = None
        with self._lock:
            self._processes.discard(process)
        process.shutdown(wait=False)


def _import_grading() -> None:
    importlib.import_module("csirtlab.grading.conducting")


def _kill(process: ProcessPoolExecutor) -> None:
    for worker in list((process._processes or {}).values()):
        worker.kill()


def _begin_worker(parent: int, folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
    tempfile.tempdir = folder
    leave_out_slow_modules()  # before the first task, which imports nbgrader
    share_hidden_cases(Path(folder, "hidden"))
    logging.basicConfig(level=logging.ERROR)
