"""``csirtlab grade``: all submissions of a lab, with progress, to be stopped and resumed at will."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from csirtlab.errors import CohortError, CsirtlabError
from csirtlab.settings import default_home
from csirtlab.slow_modules import leave_out_slow_modules

if TYPE_CHECKING:
    from csirtlab.grading.batch import Change, Result
    from csirtlab.grading.pool import BoxPool
    from csirtlab.grading.recording import Records

AT_THE_TOP = True
commands = typer.Typer()


@commands.command(epilog="Example: csirtlab grade quito-2027 c2-beacon --workers 2")
def grade(
    cohort: Annotated[str, typer.Argument(help="The cohort's name, or its folder.")],
    lab: Annotated[str, typer.Argument(help="The lab whose submissions are graded.")],
    workers: Annotated[
        int | None, typer.Option(help="How many run at a time; without it, one for each core.", min=1, max=64)
    ] = None,
    regrade: Annotated[
        bool, typer.Option("--regrade", help="Grade all again; first say who gains and who loses, and ask.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --regrade: write without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be graded or changed.")] = False,
    home: Annotated[Path | None, typer.Option(help="The hub's folder with all state.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")] = False,
) -> None:
    """Grade what was handed in and is new, each submission in a sealed box.

    Ctrl-C stops; what is graded by then is kept, and the next run goes on with the rest.
    Exit code 1 when a submission was refused or could not be graded.
    """
    folder = cohort_folder(cohort, (home or default_home()).absolute())
    leave_out_slow_modules()
    from csirtlab.cohorts.owned import become_owner

    become_owner(folder)
    from csirtlab.grading.cohort_folder import submitters

    everybody = submitters(folder, lab)
    if not everybody:
        raise CohortError(
            f'nobody in {folder.name} has handed in "{lab}" here. Collect first, in the formgrader or with '
            f"nbgrader collect {lab} in {folder}."
        )
    hands = min(workers or len(os.sched_getaffinity(0)), len(everybody))
    with _pool(hands) as pool:
        if not dry_run:
            pool.begin()  # before the imports below, which take as long again
        from csirtlab.grading.batch import only_run
        from csirtlab.grading.recording import Records

        with only_run(folder), Records(folder, lab) as records:
            who = everybody if regrade else [trainee for trainee in everybody if records.is_new(trainee)]
            if dry_run and not regrade:
                print(json.dumps({"new": who}) if as_json else "\n".join(who))
                return
            run = _Run(records, folder, lab, who, pool, hands, as_json=as_json)
            if regrade:
                run.regrade(yes=yes, dry_run=dry_run)
            else:
                run.grade()


@contextmanager
def _pool(hands: int) -> Iterator["BoxPool"]:
    from csirtlab.grading.pool import BoxPool

    pool = BoxPool(hands)
    try:
        yield pool
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


@dataclass
class _Run:
    records: "Records"
    folder: Path
    lab: str
    who: list[str]
    pool: "BoxPool"
    hands: int
    as_json: bool

    def grade(self) -> None:
        from csirtlab.grading.batch import grade_new
        from csirtlab.grading.neighbours import find_neighbours

        began = time.monotonic()
        with self._told() as step:
            result = grade_new(self.records, self.pool, self.hands, self.folder, self.lab, self.who, step=step)
            took = time.monotonic() - began
            try:
                result.neighbours = len(find_neighbours(self.folder, self.lab, self.pool))
            except CsirtlabError as error:  # the scores are kept already and are told all the same
                typer.echo(f"csirtlab: neighbours were not compared: {error}", err=True)
        self._report(result, took, [])

    def regrade(self, *, yes: bool, dry_run: bool) -> None:
        from csirtlab.grading.batch import changes, conduct_again, keep_all

        began = time.monotonic()
        with self._told() as step:
            conducted, result = conduct_again(self.pool, self.hands, self.folder, self.lab, self.who, step=step)
        self.pool.shutdown()  # nobody needs its memory while somebody decides
        took = time.monotonic() - began
        found = changes(self.records, conducted)
        if not self.as_json:
            _tell_changes(found)
        if not dry_run:
            if found and not yes:
                people = len({change.trainee for change in found})
                typer.confirm(f"Write this for {people} trainees?", abort=True, err=True)
            keep_all(self.records, conducted, result)
        self._report(result, took, found)

    @contextmanager
    def _told(self) -> Iterator[Callable[[str], None]]:
        """Give what tells each submission: a bar on a terminal, a line for every tenth part elsewhere."""
        console = Console(stderr=True, highlight=False)
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(),
        )  # fmt: skip
        done = 0
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(f"grading {self.lab}", total=len(self.who))

            def step(_trainee: str) -> None:
                nonlocal done
                done += 1
                bar.advance(task)
                if not console.is_terminal and done % max(1, len(self.who) // 10) == 0:
                    console.print(f"{done} of {len(self.who)}")

            try:
                yield step
            except KeyboardInterrupt:
                console.print(f"{done} of {len(self.who)} were done.")
                raise

    def _report(self, result: "Result", seconds: float, changed: list["Change"]) -> None:
        bad = len(result.refused) + len(result.failed)
        rate = (len(result.points) + bad) / seconds * 60 if seconds else 0.0
        if self.as_json:
            print(json.dumps({
                "graded": {name: result.points[name] for name in sorted(result.points)},
                "refused": result.refused, "failed": result.failed, "neighbours": result.neighbours,
                "changed": [
                    {"trainee": each.trainee, "cell": each.cell, "before": each.before, "after": each.after}
                    for each in changed
                ],
                "seconds": round(seconds, 1), "per_minute": round(rate, 1),
            }, indent=1))  # fmt: skip
        else:
            for name, reason in sorted((result.refused | result.failed).items()):
                print(f"{name}: {'refused' if name in result.refused else 'not graded'}: {reason}")
            print(f"{len(result.points)} graded, {bad} not; {rate:.0f} a minute.")
            if result.neighbours:
                print(f"{result.neighbours} wrong answers are somebody else's truth: "
                      f"csirtlab cohort neighbours {self.folder.name} {self.lab}")  # fmt: skip
        if bad:
            raise typer.Exit(1)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Return how many submissions a minute takes."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed * 60:.0f} a minute" if speed else "")


def _tell_changes(found: list["Change"]) -> None:
    for change in found:
        before, after = ("by hand" if points is None else f"{points:g}" for points in (change.before, change.after))
        print(f"{change.trainee}\t{change.cell}\t{before} -> {after}\t{change.gain:+g}")
    totals: dict[str, float] = {}
    for change in found:
        totals[change.trainee] = totals.get(change.trainee, 0.0) + change.gain
    print(f"{sum(total > 0 for total in totals.values())} gain, {sum(total < 0 for total in totals.values())} lose.")


def cohort_folder(cohort: str, home: Path) -> Path:
    """Return the folder of a cohort that is named, or whose folder is."""
    from csirtlab.cohorts.folders import Home

    named = Path(cohort)
    folder = named.resolve() if named.is_dir() else Home(home).cohort(cohort)
    if not (folder / "cohort.json").is_file():
        raise CohortError(f'there is no cohort "{cohort}" in {home}. See those there are: csirtlab cohort list')
    return folder
