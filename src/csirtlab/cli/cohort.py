"""``csirtlab cohort``: the workshops of this hub and their people."""

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from csirtlab.languages import Language

commands = typer.Typer(help="Workshops and their people.", no_args_is_help=True)

HomeOption = Annotated[Path | None, typer.Option("--home", help="The hub's folder with all state.")]
CohortName = Annotated[str, typer.Argument(help="The cohort's name: small letters, digits, hyphens.")]
LanguageOption = Annotated[Language, typer.Option(help="For people whose row in the roster names none.")]


@commands.command(
    epilog="Example: csirtlab cohort create quito-2027 --course detection --roster roster.csv --language es"
)
def create(
    name: CohortName,
    course: Annotated[str, typer.Option(help="Which course is taught.")],
    roster: Annotated[Path, typer.Option(help="A CSV file: username,name,language,role.")],
    language: LanguageOption = Language.EN,
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the name, the roster and the course.")] = False,
) -> None:
    """Create a cohort; the hub may be running. Writes everybody's passphrase to a file to hand out."""
    from csirtlab.cohorts.create import check_name, create_cohort, refuse_taken
    from csirtlab.cohorts.folders import Home
    from csirtlab.cohorts.roster import read_roster
    from csirtlab.cohorts.store import has_store, open_store
    from csirtlab.content.courses import read_course
    from csirtlab.settings import content_root, default_home

    state = Home((home or default_home()).absolute())
    check_name(name)
    taught = read_course(content_root(), course)
    people = read_roster(roster, default_language=language)
    console = Console(stderr=True, highlight=False)
    if dry_run:
        if has_store(state.root):
            with closing(open_store(state.root)) as store:
                refuse_taken(store, name)
        console.print(f"{len(people)} people, {len(taught.labs)} labs: nothing is wrong. Nothing was created.")
        return
    state.ensure()
    store = open_store(state.root)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("making passphrases", total=len(people))
        create_cohort(
            store, state, name=name, course=taught, roster=people, language=language,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    store.close()
    console.print(f'Cohort "{name}" is there: {len(people)} people, {len(taught.labs)} labs in its source folder.')
    console.print("Passphrases, to hand out one by one and then to delete:")
    print(state.sign_ins / f"{name}.csv")
    console.print("Next: an instructor signs in, opens the formgrader, generates and releases the first lab.")


@commands.command(epilog="Example: csirtlab cohort add quito-2027 --roster late-comers.csv")
def add(
    name: CohortName,
    roster: Annotated[Path, typer.Option(help="A CSV file with the new people: username,name,language,role.")],
    home: HomeOption = None,
) -> None:
    """Add people to a cohort; who is in it already stays as they are."""
    from csirtlab.cohorts.create import add_people
    from csirtlab.cohorts.folders import Home
    from csirtlab.cohorts.roster import read_roster
    from csirtlab.cohorts.store import open_store
    from csirtlab.errors import CohortError
    from csirtlab.settings import default_home

    state = Home((home or default_home()).absolute())
    store = open_store(state.root)
    cohort = store.cohort(name)
    if cohort is None:
        raise CohortError(f'there is no cohort "{name}". See those there are: csirtlab cohort list')
    added = add_people(
        store, state, cohort=name, roster=read_roster(roster, default_language=Language(cohort.language))
    )
    store.close()
    Console(stderr=True, highlight=False).print(
        f'{len(added)} people added to "{name}". Their passphrases, after those that wait there already:'
    )
    print(state.sign_ins / f"{name}.csv")


@commands.command("list", epilog="Example: csirtlab cohort list --json")
def show(
    home: HomeOption = None, as_json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False
) -> None:
    """List the cohorts with their course and how many people they have."""
    from csirtlab.cohorts.store import open_store
    from csirtlab.settings import default_home

    store = open_store((home or default_home()).absolute())
    rows = [
        {"cohort": cohort.name, "course": cohort.course, "people": len(store.people(cohort.name))}
        for cohort in store.cohorts()
    ]
    store.close()
    if as_json:
        print(json.dumps(rows))
    elif rows:
        for row in rows:
            print(f"{row['cohort']}\t{row['course']}\t{row['people']} people")
    else:
        Console(stderr=True).print("No cohort yet. Create one: csirtlab cohort create NAME --course C --roster FILE")


@commands.command(epilog="Example: csirtlab cohort passphrase ana.souza")
def passphrase(username: Annotated[str, typer.Argument(help="Whose.")], home: HomeOption = None) -> None:
    """Give somebody a new passphrase and print it; the old one no longer works."""
    from csirtlab.cohorts.create import renew_passphrase
    from csirtlab.cohorts.store import open_store
    from csirtlab.settings import default_home

    store = open_store((home or default_home()).absolute())
    print(renew_passphrase(store, re.sub(r"\s", "", username).lower()))
    store.close()


@commands.command(epilog="Example: csirtlab cohort neighbours quito-2027 c2-beacon")
def neighbours(
    name: Annotated[str, typer.Argument(help="The cohort's name, or its folder.")],
    lab: Annotated[str, typer.Argument(help="A lab that has been graded.")],
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False,
) -> None:
    """List wrong answers that are true in somebody else's case. For instructors alone; no score depends on it.

    Each has the chance that it came about without anybody copying; likelier ones are left out.
    """
    from dataclasses import asdict

    from csirtlab.cli.grade import become_owner, cohort_folder
    from csirtlab.grading.neighbours import find_neighbours
    from csirtlab.grading.pool import BoxPool
    from csirtlab.settings import default_home

    folder = cohort_folder(name, (home or default_home()).absolute())
    become_owner(folder)
    with BoxPool(2) as pool:
        found = find_neighbours(folder, lab, pool)
    if as_json:
        print(json.dumps([asdict(each) for each in found], indent=1))
        return
    for each in found:
        whose = ", ".join(each.true_for)
        print(f"{each.trainee}\t{each.question}\t{each.value}\tis {whose}'s truth; by chance: {each.chance:.2%}")
    if not found:
        Console(stderr=True).print(f"No wrong answer to {lab} is somebody else's truth.")
