"""Programs in a cohort's server, started in a submission's folder: nothing that lies there becomes part of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from csirtlab.hub.spawner import safe_python
from csirtlab.settings import content_root

MARK = "print('THE TRAINEE RUNS')\n"
PLANTED = (
    "nbgrader_config.py", "jupyter_config.py", "jupyter_server_config.py", "jupyter_nbconvert_config.py",
    "ipython_config.py", "ipython_kernel_config.py", "conftest.py", "sitecustomize.py", "usercustomize.py",
    "json.py", "socket.py", "nbformat.py", "psutil.py", "jedi.py", "numpy.py", "nbgrader.py", "IPython.py",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A cohort's home with a submission in which everything that anybody might read is planted."""
    folder = submission(tmp_path)
    for name in PLANTED:
        (folder / name).write_text(MARK)
    (folder / "x.pth").write_text(f"import sys; {MARK}")
    for place in ("profile_default/startup", "kernels/python3", ".ipython/profile_default/startup"):
        (folder / place).mkdir(parents=True)
        (folder / place / "00.py").write_text(MARK)
    (folder / "cohort.json").write_text("{}")
    return tmp_path


def submission(home: Path) -> Path:
    folder = home / "submitted" / "ana" / "lab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(home: Path, *command: str, here: Path | None = None) -> "subprocess.CompletedProcess[str]":
    environment = {
        "HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"), "LANG": "C.UTF-8", **safe_python(content_root()),
    }  # fmt: skip
    return subprocess.run(
        command, cwd=here or submission(home), env=environment, input="", capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        ("nbgrader", "list", "--help"), ("nbgrader", "autograde", "lab"), (sys.executable, "-m", "nbgrader", "--help"),
        ("jupyter", "nbconvert", "--to", "html", "lab.ipynb"), ("jupyter", "lab", "--version"),
        ("jupyter-server", "--version"), ("ipython", "-c", "1"), (sys.executable, "-m", "IPython", "-c", "1"),
        (sys.executable, "-W", "ignore", "-m", "pytest"), (sys.executable, "-m", "ipykernel_launcher"),
        (sys.executable, "-mnbgrader"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_reads_its_settings_from_its_folder_is_not_started_there(home: Path, command: tuple[str, ...]) -> None:
    done = run(home, *command)

    assert done.returncode == 2, done
    assert done.stderr.endswith("Start it in the cohort's folder: cd ~\n")
    assert "THE TRAINEE RUNS" not in done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["submitted", "autograded/ana/lab", "feedback/ana"])
def test_nor_in_what_was_made_of_it(home: Path, folder: str) -> None:
    (home / folder).mkdir(parents=True, exist_ok=True)

    assert run(home, "nbgrader", "--help", here=home / folder).returncode == 2


def test_a_link_into_it_is_it(home: Path) -> None:
    (home / "work").symlink_to(submission(home))

    assert run(home, "nbgrader", "--help", here=home / "work").returncode == 2


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-c", "import json, socket; print('fine')"),
        (sys.executable, "-m", "json.tool", "--help"),
        ("csirtlab", "--version"),
        (sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import json'])"),
    ],
    ids=["a program typed in", "a module", "csirtlab", "a child of one"],
)
def test_other_programs_run_there_and_import_nothing_of_it(home: Path, command: tuple[str, ...]) -> None:
    done = run(home, *command)

    assert done.returncode == 0, done
    assert "THE TRAINEE RUNS" not in done.stdout + done.stderr


def test_a_program_does_not_import_what_lies_beside_it(home: Path) -> None:
    script = submission(home) / "look.py"
    script.write_text("import json, socket\n")

    done = run(home, sys.executable, str(script))

    assert (done.returncode, done.stdout) == (0, "")


def test_in_the_cohorts_folder_they_are_started(home: Path) -> None:
    done = run(home, "nbgrader", "--version", here=home)

    assert done.returncode == 0, done


def test_csirtlab_takes_no_submission_for_a_cohorts_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from csirtlab.grading.cohort_folder import VARIABLE, find_cohort_folder

    monkeypatch.delenv(VARIABLE, raising=False)
    (home / "cohort.json").write_text("{}")

    assert find_cohort_folder(submission(home)) == home
