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
    from csirtlab.cohorts.owned import become_owner
    from csirtlab.exchange.store import exchange_root, verify_store

    root = exchange_root((home or default_home()).absolute())
    if root.is_dir():
        become_owner(root)  # what lies there came from others
    found = verify_store(root)
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


@commands.command("hint-cost")
def hint_cost(
    cost: Annotated[int | None, typer.Argument(help="Per cent of a question's points for each hint, 0 to 33.")] = None,
    cohort: Annotated[str, typer.Option(envvar="CSIRTLAB_COHORT", help="The cohort; its own server knows it.")] = "",
) -> None:
    """Show what a hint costs in a cohort, or set it for the hints that are opened from now on.

    For a terminal of an instructor's JupyterLab on the hub. Hints already seen keep their price.

    Example: csirtlab exchange hint-cost 10 --cohort quito-2027
    """
    from csirtlab.errors import ExchangeError
    from csirtlab.exchange.client import ExchangeClient

    if not cohort:
        raise ExchangeError("Name the cohort: --cohort NAME.")
    with ExchangeClient.from_environment() as exchange:
        if cost is not None:
            exchange.set_hint_cost(cohort, cost)
        print(f"{cohort}: each hint costs {exchange.hint_cost(cohort)} % of its question's points.")
