"""A trainee's server starts, whatever they have done to their home."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from csirtlab.hub.start_server import ensure_folder, ensure_setting

PLUGIN = "docmanager-extension/plugin.jupyterlab-settings"


def a_file(path: Path) -> None:
    path.write_text("mine")


def a_link_to_nowhere(path: Path) -> None:
    path.symlink_to("/nowhere")


@pytest.mark.parametrize("obstacle", [a_file, os.mkfifo, a_link_to_nowhere])
def test_what_stands_in_a_folders_way_is_kept_beside_it(tmp_path: Path, obstacle: Callable[[Path], None]) -> None:
    folder = tmp_path / ".jupyter"
    obstacle(folder)

    ensure_folder(folder)

    (folder / "probe").write_text("")
    assert os.path.lexists(tmp_path / ".jupyter.mine-1")


def test_a_folder_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / ".jupyter").mkdir()
    (tmp_path / ".jupyter" / "own").write_text("mine")

    ensure_folder(tmp_path / ".jupyter")

    assert [path.name for path in tmp_path.rglob("*")] == [".jupyter", "own"]


def test_a_setting_that_somebody_chose_stays(tmp_path: Path) -> None:
    ensure_setting(tmp_path, PLUGIN, {"autosaveInterval": 10})
    (chosen,) = tmp_path.rglob("plugin.jupyterlab-settings")
    chosen.write_text("{}")

    ensure_setting(tmp_path, PLUGIN, {"autosaveInterval": 10})

    assert chosen.read_text() == "{}"


def test_a_setting_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("in the way")

    ensure_setting(tmp_path, PLUGIN, {"autosaveInterval": 10})

    assert (tmp_path / "lab").read_text() == "in the way"


def test_the_server_does_not_load_what_takes_half_of_its_start() -> None:
    script = (
        "import sys\n"
        "from csirtlab.slow_modules import leave_out_slow_modules\n"
        "leave_out_slow_modules()\n"
        "import jupyterhub.app, jupyterhub.singleuser, jsonschema\n"
        "print(sys.modules['rfc3987_syntax'], 'lark' in sys.modules)\n"
        "print('date-time' in jsonschema.FormatChecker().checkers)"
    )

    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert told.split() == ["None", "False", "True"]
