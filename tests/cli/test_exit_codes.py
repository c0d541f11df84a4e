"""Exit codes and version of the command line: 2 is what the user can put right, 3 a fault of the program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import csirtlab

PROGRAM = """
import sys, typer
from csirtlab.cli.app import app, main
from csirtlab.errors import CohortError

fail = typer.Typer()

@fail.command()
def bug() -> None:
    raise ZeroDivisionError("of all things")

@fail.command()
def refusal() -> None:
    raise CohortError("there is none. Make one.")

@fail.command()
def stop() -> None:
    raise KeyboardInterrupt

@fail.command()
def say() -> None:
    print("Perú, Panamá")

app.add_typer(fail, name="fail")
sys.argv = ["csirtlab", "fail", *sys.argv[1:]]
main()
"""


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False)


def test_an_unexpected_exception_exits_3_and_keeps_its_traceback() -> None:
    done = run("bug")

    assert done.returncode == 3
    assert "ZeroDivisionError: of all things" in done.stderr and "Traceback" in done.stderr
    assert "csirtlab version" in done.stderr.splitlines()[-1]


def test_a_refusal_exits_2_without_a_traceback() -> None:
    done = run("refusal")

    assert (done.returncode, done.stderr) == (2, "csirtlab: there is none. Make one.\n")


def test_debug_shows_where_a_refusal_arose_and_changes_nothing_else() -> None:
    done = run("refusal", "--debug")

    assert done.returncode == 2
    assert "Traceback" in done.stderr and done.stderr.endswith("csirtlab: there is none. Make one.\n")


def test_ctrl_c_exits_130_and_says_that_the_command_can_go_on() -> None:
    done = run("stop")

    assert done.returncode == 130
    assert "stopped. Start it again: it goes on where it was." in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_under_stdout_exits_2(unbuffered: str) -> None:
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "say"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment,
        )  # fmt: skip

    assert done.returncode == 2
    assert "No space left on device. Make room" in done.stderr and "Traceback" not in done.stderr


def test_a_terminal_that_knows_ascii_alone_gets_what_it_can_show() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "say"],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "Per\\xfa, Panam\\xe1\n")


def test_a_wrong_option_exits_2() -> None:
    assert run("refusal", "--no-such").returncode == 2


def test_the_version_is_told_by_the_option_that_people_try_first() -> None:
    program = "import sys; from csirtlab.cli.app import main; sys.argv = ['csirtlab', '--version']; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, f"{csirtlab.__version__}\n")
