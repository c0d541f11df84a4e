"""What a killed hub left behind is ended, and nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from csirtlab.cohorts.folders import Home
from csirtlab.hub.gatekeeper import nginx_pid
from csirtlab.hub.orphans import PROGRAM, end_orphaned_gate

SLEEP = "import sys, time; print('runs', flush=True); time.sleep(600)"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    nginx_pid(Home(tmp_path)).parent.mkdir(parents=True)
    return Home(tmp_path)


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that a test started; they end with it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def sleeper(started: list["subprocess.Popen[str]"], name: str, home: Home) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SLEEP, name, "-c", str(home.gate / "nginx.conf")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stdout and process.stdout.readline() == "runs\n"
    return process


def test_a_killed_ups_nginx_is_ended(home: Home, started: list["subprocess.Popen[str]"]) -> None:
    gate = sleeper(started, PROGRAM.decode(), home)
    nginx_pid(home).write_text(str(gate.pid))

    end_orphaned_gate(home)

    assert gate.wait(5) < 0
    assert not nginx_pid(home).exists()


@pytest.mark.parametrize(("name", "folder"), [("somebodys-program", None), (PROGRAM.decode(), Path("/elsewhere"))])
def test_another_program_with_its_number_lives_on(
    home: Home, started: list["subprocess.Popen[str]"], name: str, folder: Path | None
) -> None:
    other = sleeper(started, name, Home(folder) if folder else home)
    nginx_pid(home).write_text(str(other.pid))

    end_orphaned_gate(home)

    assert other.poll() is None
    assert not nginx_pid(home).exists()


@pytest.mark.parametrize("text", [None, "", "not a number", "-1", "0"])
def test_a_pid_file_without_a_process_is_cleared_away(home: Home, text: str | None) -> None:
    if text is not None:
        nginx_pid(home).write_text(text)

    end_orphaned_gate(home)

    assert not nginx_pid(home).exists()
