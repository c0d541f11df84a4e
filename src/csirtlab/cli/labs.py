"""``csirtlab labs``: list, check, prove, compile and translate the labs of the content folder."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csirtlab.content.labs import lab_names, read_lab
from csirtlab.languages import Language
from csirtlab.settings import content_root

if TYPE_CHECKING:
    from csirtlab.proofs.labs import Proof

commands = typer.Typer(help="Look at, check and translate the labs.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
LabName = Annotated[str, typer.Argument(help="A lab's name, as in labs/NAME.")]


@commands.command("list")
def list_labs(as_json: Json = False) -> None:
    """List the labs with their length and languages.

    Example: csirtlab labs list
    """
    from csirtlab.labs.texts import lab_languages

    labs = [read_lab(content_root(), name) for name in lab_names(content_root())]
    if as_json:
        print(json.dumps([
            {"name": lab.name, "title": lab.title, "minutes": lab.minutes, "level": lab.level, "points": lab.points,
             "questions": len(lab.questions), "languages": [str(language) for language in lab_languages(lab)]}
            for lab in labs
        ], indent=1))  # fmt: skip
        return
    for lab in labs:
        languages = " ".join(lab_languages(lab))
        print(f"{lab.name:<20} {lab.minutes:>3} min  {lab.points:>4g} points  {languages:<12} {lab.title}")


@commands.command()
def check(
    lab: Annotated[str | None, typer.Argument(help="One lab; all of them without it.")] = None,
    seeds: Annotated[int, typer.Option(min=0, help="On how many cases answers are searched for.")] = 2,
) -> None:
    """Check labs: source, questions, hints, translations, metadata, links, images, and that nothing gives answers away.

    The facts of some cases are searched for in everything that a trainee receives beside the evidence.

    Exit code 1 when something is wrong; each problem is one line with file and line.

    Example: csirtlab labs check c2-beacon
    """
    from csirtlab.labs.check import check_lab
    from csirtlab.labs.leaks import leak_problems
    from csirtlab.labs.metadata import metadata_problems

    content = content_root()
    problems = []
    for name in [lab] if lab else lab_names(content):
        read = read_lab(content, name)
        # Where the source does not compile or the metadata is wrong, there is no case to search.
        found = check_lab(read) + metadata_problems(content, read)
        found += [] if found else leak_problems(content, read, seeds)
        problems += found
        print(f"{name}: {'in order' if not found else f'{len(found)} problems'}")
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)


@commands.command()
def prove(
    lab: Annotated[str, typer.Argument(help="A lab's name; all of them with the name all.")],
    seeds: Annotated[int, typer.Option(min=1, help="On how many cases.")] = 50,
    jobs: Annotated[int, typer.Option(min=1, help="In how many processes.")] = 2,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what was proven before.")] = False,
    as_json: Json = False,
) -> None:
    """Prove labs: the reference solution and the last hints, run in the box, have full marks on every case.

    The empty notebook must have no points, and a neighbour's right answers at most 10 % of them. A proof
    that was stopped goes on where it was; it begins anew when the lab or the program changes. Exit code
    1: something does not hold.

    Example: csirtlab labs prove c2-beacon --seeds 50
    """
    from rich.console import Console
    from rich.progress import Progress

    from csirtlab.proofs.journal import forget
    from csirtlab.proofs.labs import journal_of, prove_lab

    content = content_root()
    proofs = []
    for name in lab_names(content) if lab == "all" else [lab]:
        found = read_lab(content, name)
        journal = journal_of(content, found)
        if fresh:
            forget(journal)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(name, total=seeds)
            proofs.append(prove_lab(content, found, seeds, jobs=jobs, journal=journal, tick=partial(bar.advance, task)))
    if as_json:
        print(json.dumps([proof.as_json() for proof in proofs], indent=1))
    else:
        for proof in proofs:
            _show_proof(proof)
    if not all(proof.holds for proof in proofs):
        raise typer.Exit(1)


def _show_proof(proof: "Proof") -> None:
    print(f"{proof.lab}: full marks on {proof.full_marks} of {proof.seeds} seeds, with the hints' code on "
          f"{proof.hints_full_marks}")  # fmt: skip
    print(f"  an empty notebook has {proof.empty_score_max:.0%}, a neighbour's answers {proof.neighbour_score_max:.0%}")
    print(f"  the solution takes {proof.solution_s:.1f} s")
    for seed, wrong in list(proof.wrong.items())[:5]:
        for question, why in wrong.items():
            print(f"  seed {seed}: {question}: {why}")
    print(f"  {'holds' if proof.holds else 'DOES NOT HOLD'}")


@commands.command("compile")
def compile_command(
    lab: LabName,
    out: Annotated[Path, typer.Option(help="The notebook to write.")],
    language: Annotated[Language, typer.Option(help="Its language.")] = Language.EN,
) -> None:
    """Compile a lab to the notebook that a trainee gets.

    Example: csirtlab labs compile c2-beacon --language es --out c2-beacon.ipynb
    """
    from csirtlab.labs.compile import compile_lab
    from csirtlab.labs.source import write_notebook

    write_notebook(compile_lab(read_lab(content_root(), lab), language), out)
    typer.echo(f"Wrote {out}.", err=True)


@commands.command()
def translate(
    lab: LabName, language: Annotated[Language, typer.Option(help="The language to translate into.")]
) -> None:
    """Make or refresh a lab's catalogue for translators from its English source.

    Example: csirtlab labs translate c2-beacon --language fr
    """
    from csirtlab.labs.catalogue import update_catalogue
    from csirtlab.labs.texts import catalogue_path

    found = read_lab(content_root(), lab)
    done = update_catalogue(found, language)
    typer.echo(
        f"{catalogue_path(found, language)}: {done.kept} translated, {done.fuzzy} fuzzy, {done.new} untranslated, "
        f"{done.dropped} dropped.",
        err=True,
    )
