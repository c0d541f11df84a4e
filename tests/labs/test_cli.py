"""``csirtlab labs``: what it prints and with which exit code it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from csirtlab.cli.labs import commands
from csirtlab.content.labs import Lab


@pytest.fixture(autouse=True)
def content(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The content folder that holds the sample lab."""
    folder = lab.folder.parents[1]
    monkeypatch.setenv("CSIRTLAB_CONTENT", str(folder))
    return folder


def test_list_tells_the_labs_with_their_languages() -> None:
    result = CliRunner().invoke(commands, ["list", "--json"])

    [listed] = json.loads(result.stdout)
    assert (listed["name"], listed["points"], listed["languages"]) == ("sample", 47.5, ["en", "es"])


def test_check_ends_with_0_when_all_is_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CSIRTLAB_CONTENT")

    result = CliRunner().invoke(commands, ["check", "c2-beacon"])

    assert (result.exit_code, result.stdout) == (0, "c2-beacon: in order\n")


def test_check_ends_with_1_and_names_file_and_line(lab: Lab) -> None:
    (lab.folder / "lab.md").write_text("# Nothing is asked\n", encoding="utf-8")

    result = CliRunner().invoke(commands, ["check", "sample"])

    assert result.exit_code == 1
    assert f"{lab.folder}/lab.md:1: question" in result.stdout


def test_compile_writes_the_notebook_in_a_language(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        commands, ["compile", "sample", "--language", "es", "--out", str(tmp_path / "out.ipynb")]
    )

    assert result.exit_code == 0
    assert "Un ejemplo" in (tmp_path / "out.ipynb").read_text(encoding="utf-8")


def test_translate_makes_a_catalogue_to_fill_in(lab: Lab) -> None:
    result = CliRunner().invoke(commands, ["translate", "sample", "--language", "fr"])

    assert result.exit_code == 0
    assert (lab.folder / "fr.po").is_file()
    assert CliRunner().invoke(commands, ["check"]).exit_code == 1
