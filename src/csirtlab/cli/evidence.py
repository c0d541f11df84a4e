"""``csirtlab evidence``: the scenarios, and the cases that seeds make of them."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from csirtlab.content.scenarios import read_scenario, scenario_names
from csirtlab.settings import content_root

commands = typer.Typer(help="Make the evidence of cases, and tell their facts.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
ScenarioName = Annotated[str, typer.Argument(help="A scenario's name, as in datasets/NAME.")]
Seed = Annotated[str, typer.Option("--seed", help="Any text, or 64 hexadecimal digits: the same gives the same case.")]


@commands.command("list")
def list_scenarios(as_json: Json = False) -> None:
    """List the scenarios with the facts that questions can ask.

    Example: csirtlab evidence list
    """
    scenarios = [read_scenario(content_root(), name) for name in scenario_names(content_root())]
    if as_json:
        print(json.dumps([
            {"name": scenario.name, "title": scenario.title, "version": scenario.version,
             "facts": {fact.name: fact.form for fact in scenario.facts}}
            for scenario in scenarios
        ], indent=1))  # fmt: skip
        return
    for scenario in scenarios:
        print(f"{scenario.name:<20} {len(scenario.facts):>2} facts  {scenario.title}")


@commands.command()
def make(
    scenario: ScenarioName,
    seed: Seed,
    out: Annotated[Path, typer.Option(help="The folder for the evidence files; it is created if need be.")],
) -> None:
    """Make the evidence of one case. Nothing in it tells the answers.

    Example: csirtlab evidence make c2-beacon --seed try --out /tmp/case
    """
    from csirtlab.evidence.cases import EVIDENCE_FILES, make_evidence
    from csirtlab.evidence.seeds import seed_of_text

    make_evidence(read_scenario(content_root(), scenario), seed_of_text(seed), out)
    for name in EVIDENCE_FILES:
        print(out / name)


@commands.command()
def facts(scenario: ScenarioName, seed: Seed, as_json: Json = False) -> None:
    """Tell the facts of one case: the answers to everything a question can ask.

    Example: csirtlab evidence facts c2-beacon --seed try
    """
    from csirtlab.evidence.cases import ground_truth
    from csirtlab.evidence.seeds import seed_of_text

    truth = ground_truth(read_scenario(content_root(), scenario), seed_of_text(seed))
    plain = {name: _plain(value) for name, value in truth.items()}
    if as_json:
        print(json.dumps(plain, indent=1))
        return
    for name, value in plain.items():
        print(f"{name:<20} {value}")


def _plain(value: object) -> object:
    """Return a fact as JSON can hold it."""
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, frozenset):
        return sorted(value)
    return value
