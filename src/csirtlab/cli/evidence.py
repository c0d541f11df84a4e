"""``csirtlab evidence``: the scenarios, and the cases that seeds make of them."""

import datetime as dt
import json
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csirtlab.content.scenarios import Scenario, read_scenario, scenario_names
from csirtlab.endings import ends_in_order
from csirtlab.errors import EvidenceError
from csirtlab.settings import content_root

if TYPE_CHECKING:
    from csirtlab.proofs.prove import Proof
    from csirtlab.proofs.realism import Check

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
    force: Annotated[bool, typer.Option("--force", help="Remove what is left there of another case.")] = False,
) -> None:
    """Make the evidence of one case. Nothing in it tells the answers.

    Files appear when all are complete, and replace those of the same name. A folder that holds evidence of another
    case under other names (letters, logs, exhibits) is refused: with --force those are removed, and nothing else.

    Example: csirtlab evidence make c2-beacon --seed try --out /tmp/case
    """
    from csirtlab.evidence.cases import make_evidence
    from csirtlab.evidence.seeds import seed_of_text

    with ends_in_order():
        names = make_evidence(read_scenario(content_root(), scenario), seed_of_text(seed), out, replace=force)
    with suppress(BrokenPipeError):  # the evidence is there, whether or not anybody reads all of its names
        print(*(out / name for name in names), sep="\n", flush=True)


@commands.command()
def record(
    name: Annotated[str, typer.Argument(help="Which programs: http, smb, smtp, ssh, tls.")],
    out: Annotated[Path, typer.Option(help="The folder for the recordings.")] = Path(),
) -> None:
    """Record real programs on loopback, to be played again in cases. Only to renew what the engine has.

    Example: unshare --net --mount csirtlab evidence record ssh --out src/csirtlab/evidence/recorded
    """
    from csirtlab.proofs.recorders import RECORDERS

    if name not in RECORDERS:
        raise EvidenceError(f'there is no recorder "{name}". There are: {", ".join(RECORDERS)}.')
    for title, recording in RECORDERS[name]().items():
        path = out / f"{title}.json"
        path.write_text(json.dumps(recording, indent=1) + "\n", encoding="utf-8")
        print(path)


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


@commands.command()
def prove(
    scenario: Annotated[str, typer.Argument(help="A scenario's name; leave it out with --all.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="How many cases to prove.")] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="How many cases at a time.")] = 2,
    every: Annotated[bool, typer.Option("--all", help="Prove every scenario.")] = False,
    fresh: Annotated[bool, typer.Option(help="Forget what was proven before.")] = False,
    as_json: Json = False,
) -> None:
    """Prove a scenario: witnesses who see only the evidence find every fact, and lazy guesses are wrong.

    A run that was stopped goes on where it was. Exit code 1: something does not hold.

    Example: csirtlab evidence prove c2-beacon --seeds 10
    """
    from rich.console import Console
    from rich.progress import Progress

    from csirtlab.proofs.prove import prove as prove_scenario

    if bool(scenario) == every:
        raise EvidenceError("Name one scenario, or give --all.")
    if every and not scenario_names(content_root()):
        raise EvidenceError(f"{content_root() / 'datasets'}: there is no scenario to prove. Write one there.")
    proofs: list[Proof] = []
    for name in scenario_names(content_root()) if every else [scenario]:
        read = read_scenario(content_root(), name)
        with Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(f"proving {name}", total=seeds)
            with ends_in_order():
                proofs.append(
                    prove_scenario(
                        read,
                        seeds,
                        jobs=jobs,
                        journal=_journal(read, fresh=fresh),
                        tick=partial(progress.advance, task),
                    )
                )
    if as_json:
        print(json.dumps([proof.as_json() for proof in proofs], indent=1))
    else:
        for proof in proofs:
            _show_proof(proof)
    if not all(proof.holds for proof in proofs):
        raise typer.Exit(1)


def _show_proof(proof: "Proof") -> None:
    print(f"{proof.scenario}: {proof.proven} of {proof.seeds} seeds proven, {proof.ambiguous} ambiguous")
    for title, shares in (
        ("pairs of cases with the same answer", proof.same_answer_share),
        ("seeds in which a guess is right", proof.lazy_right_share),
    ):
        print(f"  {title}")
        for name, share in shares.items():
            note = "  (from a short list)" if name in proof.short_lists and shares is proof.same_answer_share else ""
            print(f"    {name:<44} {share:8.2%}{note}")
    print("  how well one threshold on a field separates the incident (0.5 is a coin)")
    for name, share in proof.leak_accuracy.items():
        print(f"    {name:<44} {share:8.2f}{'  LEAK' if name in proof.leaks else ''}")
    if proof.ndpi_agree_share is None:
        print("  nDPI was not asked: it is not installed (Debian's package is libndpi-bin)")
    else:
        print(f"  flows in which nDPI sees what they are meant to be {proof.ndpi_agree_share:>12.2%}")
    for seed, facts in list(proof.refuted.items())[:5]:
        for name, why in facts.items():
            print(f"  seed {seed}: {name}: {why}")
    print(f"  {'holds' if proof.holds else 'DOES NOT HOLD'}")


def _journal(scenario: Scenario, *, fresh: bool) -> Path:
    """Return where the outcomes of a proof are kept until scenario or program change."""
    from csirtlab.proofs.journal import forget
    from csirtlab.proofs.prove import journal_of

    journal = journal_of(scenario)
    if fresh:
        forget(journal)
    return journal


@commands.command()
def check(
    file: Annotated[Path, typer.Argument(help="A capture: pcap or pcapng.")],
    scenario: Annotated[str, typer.Option(help="It was made from this scenario: seek telling fields.")] = "",
    seed: Annotated[str | None, typer.Option(help="It was made with this seed.")] = None,
    as_json: Json = False,
) -> None:
    """Check whether a capture looks like a real one, and tell each figure. Exit code 1: something does not.

    With the scenario and seed of a made case, its own labels say which packets belong to the incident.

    Example: csirtlab evidence check /tmp/case/capture.pcap
    """
    from csirtlab.proofs.realism import check_capture

    if bool(scenario) != (seed is not None):
        raise EvidenceError("Give --scenario and --seed together: a case is made of both.")
    found = check_capture(file)
    if seed is not None:
        found += _leak_checks(read_scenario(content_root(), scenario), seed)
    found.sort(key=lambda check: check.number)
    if as_json:
        print(json.dumps([asdict(check) for check in found], indent=1))
    else:
        for check in found:
            verdict = "not there" if check.passed is None else "pass" if check.passed else "FAIL"
            figure = "" if check.figure is None else f"{check.figure:.4g}"
            print(f"{check.number:>2}  {verdict:<9} {figure:>10}  {check.wanted:<22} {check.name}")
    if any(check.passed is False for check in found):
        raise typer.Exit(1)


def _leak_checks(scenario: Scenario, seed: str) -> list["Check"]:
    from csirtlab.evidence.plan import make_plan
    from csirtlab.evidence.seeds import seed_of_text
    from csirtlab.proofs.leaks import LIMIT, field_accuracies
    from csirtlab.proofs.realism import Check

    # In one case the port and the Ethernet address merely name the host, a count of packets its path, and what its
    # operating system writes into every packet tells it from half of the others; `prove` weighs several cases.
    naming = ("client port", "mac", "identification", "ttl", "window", "options", "minute")
    shares = field_accuracies(scenario, [make_plan(scenario, seed_of_text(seed))])
    told = {tell.field for tell in scenario.tells}
    return [
        Check(22, f"one threshold on {name} finds the incident", share, f"below {LIMIT}", share < LIMIT or name in told)
        for name, share in shares.items()
        if name not in naming
    ]


def _plain(value: object) -> object:
    """Return a fact as JSON can hold it."""
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, frozenset):
        return sorted(value)
    return value
