"""Exit codes and version of the command line: 2 is what the user can put right, 3 a fault of the program."""

import subprocess
import sys

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


def test_a_wrong_option_exits_2() -> None:
    assert run("refusal", "--no-such").returncode == 2


def test_the_version_is_told_by_the_option_that_people_try_first() -> None:
    program = "import sys; from csirtlab.cli.app import main; sys.argv = ['csirtlab', '--version']; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, f"{csirtlab.__version__}\n")
