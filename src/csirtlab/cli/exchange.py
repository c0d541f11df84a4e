"""``csirtlab exchange``: look after what trainees handed in."""

import json
from pathlib import Path
from typing import Annotated

import typer

from csirtlab.settings import default_home

commands = typer.Typer(help="What trainees handed in, and the log of it.", no_args_is_help=True)


@commands.callback()
def exchange() -> None:
    """What trainees handed in, and the log of it."""


@commands.command()
def verify(
    home: Annotated[
        Path | None, typer.Option(help="The hub's folder; else CSIRTLAB_HOME, else its usual place.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Walk the log's chain and every file that it speaks of; exit 1 if anything is wrong.

    It changes nothing, and the hub may go on meanwhile.

    Example: csirtlab exchange verify --home /var/lib/csirtlab
    """
    from csirtlab.exchange.store import exchange_root, verify_store

    found = verify_store(exchange_root(home or default_home()))
    if as_json:
        told = {
            "entries": found.entries,
            "submissions": found.submissions,
            "faults": found.faults,
            "notes": found.notes,
        }
        print(json.dumps(told, indent=2))
    else:
        for note in found.notes:
            typer.echo(f"Note: {note}", err=True)
        for fault in found.faults:
            print(fault)
        verdict = f"{len(found.faults)} things are wrong" if found.faults else "all of it is there, unchanged"
        print(f"{found.entries} entries, {found.submissions} submissions: {verdict}.")
    raise typer.Exit(1 if found.faults else 0)
