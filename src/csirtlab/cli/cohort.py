"""``csirtlab cohort``: the workshops of this hub and their people."""

import json
import os
import re
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from csirtlab.cohorts.roster import Role
from csirtlab.languages import Language
from csirtlab.settings import default_home

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
    from csirtlab.settings import content_root

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
def passphrase(
    username: Annotated[str, typer.Argument(help="Whose.")],
    cohort: Annotated[
        str,
        typer.Option(envvar="CSIRTLAB_COHORT", help="For an instructor; in the cohort's own server it is known."),
    ] = "",
    home: HomeOption = None,
) -> None:
    """Give somebody a new passphrase and print it; the old one no longer works, and what they have open ends.

    The operator may renew everybody's. An instructor, in a terminal of their JupyterLab on the hub, may renew
    those of trainees who are in their cohort and in no other.
    """
    name = _typed(username)
    if home is None and "CSIRTLAB_EXCHANGE_URL" in os.environ:
        _renew_as_instructor(cohort, name)
    else:
        _renew_as_operator(name, (home or default_home()).absolute())
    Console(stderr=True, highlight=False).print(
        f"It is shown here only. What {name} has open on the hub ends within ten seconds, or when the hub starts."
    )


def _renew_as_instructor(cohort: str, username: str) -> None:
    from csirtlab.errors import ExchangeError
    from csirtlab.exchange.client import ExchangeClient

    if not cohort:
        raise ExchangeError("Name the cohort: --cohort NAME.")
    with ExchangeClient.from_environment() as exchange:
        print(exchange.renew_passphrase(cohort, username))


def _renew_as_operator(username: str, root: Path) -> None:
    from csirtlab.cohorts.folders import Home
    from csirtlab.cohorts.people import renew_passphrase
    from csirtlab.cohorts.sign_ins import forget_old_passphrase
    from csirtlab.cohorts.store import open_store

    with closing(open_store(root)) as store:
        print(renew_passphrase(store, username))  # first: it is nowhere else
        forget_old_passphrase(store, Home(root), username)


@commands.command(epilog="Example: csirtlab cohort drop quito-2027 ana.souza")
def drop(
    name: CohortName,
    username: Annotated[str, typer.Argument(help="Who leaves.")],
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Take somebody out of a cohort; work, submissions and scores stay, what they have open on the hub ends.

    Their account stays, too, and comes back with its passphrase when they are added again.
    """
    from csirtlab.cohorts.folders import Home
    from csirtlab.cohorts.people import check_member
    from csirtlab.cohorts.people import drop as take_out
    from csirtlab.cohorts.store import open_store

    state, who = Home((home or default_home()).absolute()), _typed(username)
    console = Console(stderr=True, highlight=False)
    with closing(open_store(state.root)) as store:
        role = check_member(store, name, who)
        others = [cohort for cohort in store.cohorts_of(who) if cohort != name]
        if dry_run:
            console.print(f'{who}, {role}, would leave "{name}". Nothing was changed.')
        else:
            take_out(store, state, name, who)
            console.print(f'{who}, {role}, has left "{name}". What they have open ends within ten seconds.')
    console.print(f"The home folder, submissions and scores of {who} stay where they are.")
    console.print(
        f"Still in: {', '.join(others)}." if others else "In no other cohort: they cannot sign in without one."
    )


@commands.command(epilog="Example: csirtlab cohort role quito-2027 maria instructor")
def role(
    name: CohortName,
    username: Annotated[str, typer.Argument(help="Whose role.")],
    becomes: Annotated[Role, typer.Argument(metavar="ROLE", help="trainee or instructor.")],
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Change what somebody is in a cohort; what they have open on the hub ends, and they sign in again."""
    from csirtlab.cohorts.folders import Home
    from csirtlab.cohorts.people import change_role, check_member
    from csirtlab.cohorts.store import open_store

    state, who = Home((home or default_home()).absolute()), _typed(username)
    console = Console(stderr=True, highlight=False)
    with closing(open_store(state.root)) as store:
        before = check_member(store, name, who)
        if before is becomes:
            console.print(f'{who} is {becomes} of "{name}" already. Nothing was changed.')
        elif dry_run:
            console.print(f'{who} would be {becomes} of "{name}", and is {before}. Nothing was changed.')
        else:
            change_role(store, state, name, who, becomes)
            console.print(f'{who} is {becomes} of "{name}" now. What they have open ends within ten seconds.')


def _typed(username: str) -> str:
    return re.sub(r"\s", "", username).lower()


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

    from csirtlab.cli.grade import cohort_folder
    from csirtlab.cohorts.owned import become_owner
    from csirtlab.grading.neighbours import find_neighbours
    from csirtlab.grading.pool import BoxPool

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
