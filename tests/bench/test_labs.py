"""``csirtlab bench labs``: a figure for every promise that is made of a lab."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from csirtlab.bench.labs import release_mib, untranslated
from csirtlab.cli.bench import commands
from csirtlab.content.labs import lab_names, read_lab
from csirtlab.languages import Language
from csirtlab.settings import content_root

KEYS = {"seeds", "full_marks", "empty_score_max", "neighbour_score_max", "leaks", "solution_s", "release_mib",
        "untranslated"}  # fmt: skip


def test_a_release_is_as_large_as_its_capture_at_least() -> None:
    assert 0.1 < release_mib(content_root(), read_lab(content_root(), "c2-beacon"), 0) < 20


def test_a_lab_without_a_catalogue_is_all_untranslated(tmp_path: Path) -> None:
    folder = tmp_path / "labs" / "c2-beacon"
    folder.mkdir(parents=True)
    for name in ("lab.toml", "lab.md"):
        (folder / name).write_bytes((content_root() / "labs" / "c2-beacon" / name).read_bytes())

    assert untranslated(read_lab(tmp_path, "c2-beacon"), Language.FR) > 50
    assert untranslated(read_lab(content_root(), "c2-beacon"), Language.FR) == 0


@pytest.mark.slow
def test_a_quick_run_prints_every_figure_of_every_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    told = CliRunner().invoke(commands, ["labs", "--quick", "--json"])

    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)["labs"]
    assert set(found) == set(lab_names(content_root()))
    assert all(figures.keys() >= KEYS for figures in found.values())
    assert all(figures["full_marks"] == figures["seeds"] == 1 for figures in found.values())
