"""``csirtlab bench``: what a workshop costs, beside the stock programs."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

commands = typer.Typer(help="Measure what a workshop costs, beside the stock programs.", no_args_is_help=True)


@commands.callback()
def bench() -> None:
    """Measure what a workshop costs, beside the stock programs."""


@commands.command(epilog="Example: csirtlab bench hub --quick --json > hub.json")
def hub(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="The same, each part once: under 50 seconds on two idle cores.")
    ] = False,
) -> None:
    """Measure the start and the memory of trainees' servers, ours and a plain JupyterHub's in turn.

    Both run on loopback with temporary homes; a full run takes some minutes and 3 GiB of memory.
    """
    from csirtlab.bench.hub import FULL, QUICK, measure_hub

    repeats = QUICK if quick else FULL
    with _progress(repeats.steps) as say:
        found = measure_hub(repeats, say=say)
    print(json.dumps(found, indent=1)) if as_json else Console(highlight=False).print(_table(found))


@commands.command(epilog="Example: csirtlab bench evidence --quick --json > evidence.json")
def evidence(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="The same with fewer repeats: under 50 seconds.")] = False,
) -> None:
    """Measure how fast evidence is made: beside scapy, beside a recorded session, for a cohort, for a large capture."""
    from csirtlab.bench.evidence import FULL, QUICK, measure_evidence

    repeats = QUICK if quick else FULL
    with _progress(repeats.steps) as say:
        found = measure_evidence(repeats, say=say)
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for name, figure in found.items():
        if name not in ("conditions", "large", "repeats"):
            print(f"{name:<18} {figure}")


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Give what tells each step: a bar on a terminal, lines with the seconds so far elsewhere."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        began = time.monotonic()
        yield lambda text: console.print(f"{time.monotonic() - began:4.0f} s  {text}")
        return
    columns = (TimeElapsedColumn(), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=steps + 1)
        yield lambda text: bar.update(task, description=text, advance=1)


def _table(found: dict[str, object]) -> Table:
    table = Table("measured", title_justify="left", box=None)
    for name in ("ours", "stock", "ours / stock"):
        table.add_column(name, justify="right")
    for name, figure in found.items():
        if isinstance(figure, dict) and "ratio" in figure:
            ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
            table.add_row(name, f"{figure['ours']:.2f}", f"{figure['stock']:.2f}", ratio)
    return table
