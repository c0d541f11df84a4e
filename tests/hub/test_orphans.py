"""What a killed hub left behind is ended, and nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from csirtlab.cohorts.folders import Home
from csirtlab.hub.orphans import end_orphaned_gate

SLEEP = "import sys, time; print('runs', flush=True); time.sleep(600)"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "gate").mkdir()
    return Home(tmp_path)


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that a test started; they end with it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def sleeper(started: list["subprocess.Popen[str]"], name: str, folder: Path) -> "subprocess.Popen[str]":
    """Start a program that is called ``name`` and works in ``folder``."""
    program = folder / f"programs-{len(started)}" / name
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    process = subprocess.Popen([program, "-c", SLEEP], stdout=subprocess.PIPE, text=True, cwd=folder)
    started.append(process)
    assert process.stdout and process.stdout.readline() == "runs\n"
    return process


def test_all_that_a_killed_up_left_of_its_nginx_is_ended(home: Home, started: list["subprocess.Popen[str]"]) -> None:
    left = [sleeper(started, "nginx", home.gate) for _ in range(2)]

    end_orphaned_gate(home)

    assert all(process.wait(5) < 0 for process in left)


@pytest.mark.parametrize(("name", "is_elsewhere"), [("somebodys-program", False), ("nginx", True)])
def test_another_program_lives_on(
    home: Home, started: list["subprocess.Popen[str]"], name: str, is_elsewhere: bool
) -> None:
    other = sleeper(started, name, home.root if is_elsewhere else home.gate)

    end_orphaned_gate(home)

    assert other.poll() is None


def test_where_nothing_was_left_nothing_is_done(home: Home) -> None:
    end_orphaned_gate(home)
