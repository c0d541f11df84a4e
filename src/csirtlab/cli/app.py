"""The command line's entry point: nouns gathered, errors told without a traceback."""

import importlib
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

import csirtlab
from csirtlab.errors import CsirtlabError

BUG = 3  # the exit code of an unexpected exception

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
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    add_nouns()
    try:
        app()
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
        print("csirtlab: stopped. Start it again: it goes on where it was.", file=sys.stderr)
        sys.exit(130)
