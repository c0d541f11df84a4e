"""``csirtlab box``."""

import json
from pathlib import Path

import nbformat
import pytest
from tests.grader.conftest import write_case
from typer.testing import CliRunner

from csirtlab.cli.box import commands
from csirtlab.errors import SetupError
from csirtlab.grading import box


def test_check_says_that_submissions_can_be_sealed_off() -> None:
    done = CliRunner().invoke(commands, ["check", "--json"])

    assert done.exit_code == 0
    assert json.loads(done.stdout)["works"] is True


def test_check_answers_no_with_the_setting_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> float:
        raise SetupError("No box can be built. Set user.max_user_namespaces to 10000.")

    monkeypatch.setattr(box, "probe_box", refuse)

    done = CliRunner().invoke(commands, ["check"])

    assert done.exit_code == 1
    assert "user.max_user_namespaces" in done.stderr


def test_run_prints_the_findings_as_json(tmp_path: Path) -> None:
    case = write_case(tmp_path / "case", "ana", "10.0.0.1")
    notebook = tmp_path / "tiny.ipynb"
    source = "from csirtlab.kit import open_case\nopen_case().answer('infected_host', '10.0.0.1')"
    cells = [nbformat.v4.new_code_cell(source), nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)

    done = CliRunner().invoke(commands, ["run", str(notebook), "--case", str(case)])

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "ended": "finished",
        "findings": {"infected_host": "10.0.0.1"},
        "errors": {"1": "ZeroDivisionError: division by zero"},
    }
