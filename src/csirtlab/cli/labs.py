"""``csirtlab labs``: list, check, compile and translate the labs of the content folder."""

import json
from pathlib import Path
from typing import Annotated

import typer

from csirtlab.content.labs import lab_names, read_lab
from csirtlab.languages import Language
from csirtlab.settings import content_root

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
def check(lab: Annotated[str | None, typer.Argument(help="One lab; all of them without it.")] = None) -> None:
    """Check that labs compile, ask every question once and are fully translated.

    Exit code 1 when something is wrong; each problem is one line with file and line.

    Example: csirtlab labs check c2-beacon
    """
    from csirtlab.labs.check import check_lab

    problems = []
    for name in [lab] if lab else lab_names(content_root()):
        found = check_lab(read_lab(content_root(), name))
        problems += found
        print(f"{name}: {'in order' if not found else f'{len(found)} problems'}")
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)


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
