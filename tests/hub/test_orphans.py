"""What a killed hub left behind is ended, and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from csirtlab.cohorts.folders import Home
from csirtlab.hub.orphans import PROXY, end_orphaned_proxy

SLEEP = "import sys, time; print('runs', flush=True); time.sleep(600)"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "hub").mkdir()
    return Home(tmp_path)


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that a test started; they end with it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def sleeper(started: list["subprocess.Popen[str]"], name: str, home: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SLEEP, name]
    process = subprocess.Popen(
        command, env={**os.environ, "CSIRTLAB_HOME": str(home)}, stdout=subprocess.PIPE, text=True
    )
    started.append(process)
    assert process.stdout and process.stdout.readline() == "runs\n"
    return process


def test_a_killed_hubs_proxy_is_ended(home: Home, started: list["subprocess.Popen[str]"]) -> None:
    proxy = sleeper(started, PROXY.decode(), home.root)
    (home.hub / "proxy.pid").write_text(str(proxy.pid))

    end_orphaned_proxy(home)

    assert proxy.wait(5) < 0
    assert not (home.hub / "proxy.pid").exists()


@pytest.mark.parametrize("name", ["somebodys-program", PROXY.decode()])
def test_another_program_with_its_number_lives_on(
    home: Home, started: list["subprocess.Popen[str]"], name: str
) -> None:
    other = sleeper(started, name, Path("/elsewhere") if name == PROXY.decode() else home.root)
    (home.hub / "proxy.pid").write_text(str(other.pid))

    end_orphaned_proxy(home)

    assert other.poll() is None
    assert not (home.hub / "proxy.pid").exists()  # JupyterHub would end it


@pytest.mark.parametrize("text", [None, "", "not a number", "-1", "0"])
def test_a_pid_file_without_a_process_is_cleared_away(home: Home, text: str | None) -> None:
    if text is not None:
        (home.hub / "proxy.pid").write_text(text)

    end_orphaned_proxy(home)

    assert not (home.hub / "proxy.pid").exists()
