"""``csirtlab bench``: what a workshop costs, beside the stock programs."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

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


@commands.command(epilog="Example: csirtlab bench durability --quick --json > durability.json")
def durability(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="As many kills as fit into 50 seconds on two idle cores.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="For the moments of the kills; without it, any.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Stop killing after so long; it says how many there were.")
    ] = None,
) -> None:
    """Kill the exchange and grading runs at random moments, 500 times, and look for what was lost.

    Every acknowledgement is remembered and checked by content, signature and log; every score against the truth.
    Exit code 1 when anything was lost, doubled, wrong, or done once more.
    """
    from csirtlab.bench.durability import FULL, QUICK, is_clean, measure_durability

    amount = QUICK if quick else FULL
    if minutes is not None:
        amount = replace(amount, at_most_s=minutes * 60)
    with _progress(amount.steps) as say:
        found = measure_durability(amount, say=say, seed=seed)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        for name in ("kills", "acknowledged", "lost", "doubled", "scores_wrong", "graded_again"):
            print(f"{name:<14} {found[name]}")
        for problem in cast(list[str], found["problems"]):
            print(problem)
    if not is_clean(found):
        raise typer.Exit(1)


@commands.command(epilog="Example: csirtlab bench labs --quick --json > labs.json")
def labs(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="The same on two cases of each lab.")] = False,
) -> None:
    """Prove every lab on 50 cases in the box, search for answers, weigh the release, count what is untranslated.

    What was proven before of the very same lab and program is not proven again.
    """
    from csirtlab.bench.labs import FULL, QUICK, measure_labs

    repeats = QUICK if quick else FULL
    with _progress(repeats.steps) as say:
        found = measure_labs(repeats, say=say)
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for name, figures in cast("dict[str, dict[str, object]]", found["labs"]).items():
        print(name)
        for key, figure in figures.items():
            print(f"  {key:<20} {figure}")


@commands.command(epilog="Example: csirtlab bench attacks --quick --json > attacks.json")
def attacks(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="A fixed sample of either kind: under eight minutes on two idle cores.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only the attack of this name; again for more.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--attacks", help="The folder with the attacks; else tests/attacks of this checkout."),
    ] = None,
) -> None:
    """Play attacks on grading, on ours and on stock nbgrader, and attacks on a hub, and count those that succeed.

    Ends with 1 when one succeeds against ours. A full run takes twenty minutes.
    """
    from csirtlab.bench.attacks.play import chosen, measure_all

    played = chosen(folder, quick=quick, only=only or ())
    with _progress(played.steps) as say:
        found = measure_all(folder, played, say=say)
    print(json.dumps(found, indent=1)) if as_json else Console(highlight=False).print(_attack_table(found))
    if found["succeeded"] or found["hub_succeeded"]:
        raise typer.Exit(1)


@commands.command(epilog="Example: csirtlab bench grading --quick --json > grading.json")
def grading(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="One submission in the place of 30: under 50 seconds on two idle cores.")
    ] = False,
) -> None:
    """Measure grading, from submission to gradebook: beside stock nbgrader, and beside the cells alone.

    The same submissions of a real lab by turns on each side, in temporary folders; a full run takes a quarter of an
    hour.
    """
    from csirtlab.bench.grading import FULL, QUICK, measure_grading

    repeats = QUICK if quick else FULL
    with _progress(repeats.steps) as say:
        found = measure_grading(repeats, say=say)
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for name in ("vs_nbgrader", "vs_floor", "two_workers_gain", "peak_mib", "submissions_per_min"):
        print(f"{name:<20} {found[name]}")


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


def _attack_table(found: dict[str, Any]) -> Table:
    table = Table("attack", "against ours", "against nbgrader", title_justify="left", box=None)
    for attack in found["by_name"]:
        told = ["; ".join(attack["evidence"][side][:2]) for side in ("ours", "nbgrader")]
        table.add_row(attack["name"], *(said or "-" for said in told))
    for attack in found["hub_by_name"]:
        table.add_row(attack["name"], "; ".join(attack["evidence"][:2]) or "-", "")
    table.add_row(f"{found['attacks']} attacks on grading", f"{found['succeeded']}", f"{found['succeeded_nbgrader']}")
    table.add_row(f"{found['hub_attacks']} attacks on the hub", f"{found['hub_succeeded']}", "")
    return table


def _table(found: dict[str, object]) -> Table:
    table = Table("measured", title_justify="left", box=None)
    for name in ("ours", "stock", "ours / stock"):
        table.add_column(name, justify="right")
    for name, figure in found.items():
        if isinstance(figure, dict) and "ratio" in figure:
            ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
            table.add_row(name, f"{figure['ours']:.2f}", f"{figure['stock']:.2f}", ratio)
    return table
