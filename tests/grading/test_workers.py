"""A worker's start: it happens at every grading run, so what is of no use is left out."""

import importlib
import sys

from tests.processes import until

from csirtlab.grading.pool import BoxPool


def load(module: str, then: str) -> bool:
    """Import ``module``; return whether ``then`` is loaded as well."""
    importlib.import_module(module)
    return then in sys.modules


def test_a_worker_does_not_build_a_parser_that_no_notebook_needs() -> None:
    with BoxPool(1) as pool:
        assert pool.submit(load, "csirtlab.grading.conducting", "jsonschema").result()
        assert not pool.submit(load, "csirtlab.grading.conducting", "lark").result()


def is_loaded(module: str) -> bool:
    """Return whether ``module`` is loaded here."""
    return module in sys.modules


def test_workers_start_before_there_is_a_task_and_import_what_it_needs() -> None:
    with BoxPool(2) as pool:
        pool.begin()
        until(lambda: len(pool.pids()) == 2)

        assert pool.submit(is_loaded, "csirtlab.grading.conducting").result()
