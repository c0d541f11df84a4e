"""``csirtlab bench grading``: it grades on both sides, to the same points. No figure is judged: machines differ."""

import json

import pytest
from typer.testing import CliRunner

from csirtlab.cli.bench import commands

KEYS = {"vs_nbgrader", "vs_floor", "two_workers_gain", "peak_mib", "submissions_per_min"}


@pytest.mark.slow
def test_a_quick_run_prints_every_figure_as_one_json_object() -> None:
    told = CliRunner().invoke(commands, ["grading", "--quick", "--json"])

    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found.keys() >= KEYS
    assert all(found[key] > 0 for key in KEYS)
    assert set(found["samples"]) == {"ours", "stock", "two", "box", "floor", "methods", "methods_unread"}
