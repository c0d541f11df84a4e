"""A worker's start: it happens at every grading run, so what is of no use is left out."""

import importlib
import sys

from csirtlab.grading.pool import BoxPool


def load(module: str, then: str) -> bool:
    """Import ``module``; return whether ``then`` is loaded as well."""
    importlib.import_module(module)
    return then in sys.modules


def test_a_worker_does_not_build_a_parser_that_no_notebook_needs() -> None:
    with BoxPool(1) as pool:
        assert pool.submit(load, "csirtlab.grading.conducting", "jsonschema").result()
        assert not pool.submit(load, "csirtlab.grading.conducting", "lark").result()
