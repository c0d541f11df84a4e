"""The command line's entry point: nouns gathered, errors told without a traceback."""

import errno
import importlib
import io
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

import csirtlab
from csirtlab.errors import CsirtlabError, OutputError

BUG = 3  # the exit code of an unexpected exception
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
STOPPED = 130  # by Ctrl-C: 128 + SIGINT

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def tell_version(wanted: bool) -> None:
    """Print the version and end, as ``csirtlab version`` does."""
    if wanted:
        print(csirtlab.__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=tell_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Graded labs on incident detection and response, on a JupyterHub or alone."""


def add_nouns() -> None:
    """Hang every noun's commands into ``app``: each module of this package that has a ``commands``."""
    for module in sorted(Path(__file__).parent.glob("*.py")):
        if module.stem in ("__init__", "app"):
            continue
        noun = importlib.import_module(f"csirtlab.cli.{module.stem}")
        commands: typer.Typer = noun.commands
        app.add_typer(commands, name=None if getattr(noun, "AT_THE_TOP", False) else module.stem)


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 the answer is no, 2 user error, 3 bug."""
    # A shell that starts a program in the background lets it ignore Ctrl-C; ours end by it all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Where the terminal knows ASCII alone, a letter that it does not know must not stop the command.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    add_nouns()
    try:
        _run()
    except CsirtlabError as error:
        if debug:
            traceback.print_exc()
        print(f"csirtlab: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception:
        traceback.print_exc()
        print(
            "csirtlab: this is a fault of the program, not yours. Report it with the lines above and what "
            "`csirtlab version` says.",
            file=sys.stderr,
        )
        sys.exit(BUG)
    except KeyboardInterrupt:
        _say_stopped()
        sys.exit(STOPPED)


def _run() -> None:
    """Run the command, and end as it says; what it printed has then been written."""
    try:
        app()
    except SystemExit as end:
        if end.code == STOPPED:  # what Typer makes of KeyboardInterrupt
            _say_stopped()
        _flush()
        raise
    except OSError as error:
        _flush()
        if error.filename is None and error.errno in _FULL:  # mostly stdout, which is written as it is printed
            raise _not_written(error) from error
        raise


def _say_stopped() -> None:
    print("csirtlab: stopped. Start it again: it goes on where it was.", file=sys.stderr)


def _flush() -> None:
    """Write out what is printed.

    Raises:
        OutputError: It cannot be written; what was printed is given up.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python writes once more when it ends, and would tell the failure in its own words.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # whoever reads no further knows it
            raise _not_written(error) from error


def _not_written(error: OSError) -> OutputError:
    return OutputError(
        f"something could not be written: {error.strerror}. Make room, or let what is printed go elsewhere; --debug "
        f"shows where it was."
    )
