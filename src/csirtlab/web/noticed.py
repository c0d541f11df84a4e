"""What grading noticed in a cohort, for its instructors: who was not graded and why, and neighbours' answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from csirtlab.content.courses import read_course
from csirtlab.content.labs import LAB_NAME
from csirtlab.errors import ContentError
from csirtlab.grading.neighbours import FOLDER, Neighbour, kept_neighbours
from csirtlab.grading.refusals import lab_title, read_refusals
from csirtlab.grading.refusing import shown
from csirtlab.labs.refused import FOLDER as REFUSED
from csirtlab.languages import Language


@dataclass(frozen=True)
class NotGraded:
    """A submission that was refused; ``number`` and ``time`` are its receipt's, None if it has none."""

    trainee: str
    number: int | None
    time: datetime | None
    reason: str


@dataclass(frozen=True)
class NeighboursAnswer:
    """A wrong answer that is true in somebody else's case, as text; ``chance`` from 0 to 1."""

    trainee: str
    question: str
    value: str
    true_for: Sequence[str]
    chance: float


@dataclass(frozen=True)
class LabNoticed:
    """One lab."""

    name: str
    title: str
    graded: int  # how many submissions were
    refused: Sequence[NotGraded]
    compared: datetime | None  # when answers were last compared, UTC; None: never
    is_stale: bool  # submissions were graded after that
    neighbours: Sequence[NeighboursAnswer]


def noticed_labs(folder: Path, content: Path, course: str, language: Language) -> list[LabNoticed]:
    """Return the labs of a cohort in which something was graded or refused, in the order of its course."""
    places = [*folder.glob("autograded/*/*"), *folder.glob(f"{REFUSED}/*")]
    compared = [path.stem for path in folder.glob(f"{FOLDER}/[!.]*.json")]
    names = {name for name in (*(path.name for path in places), *compared) if LAB_NAME.fullmatch(name)}
    try:
        order = [lab.name for lab in read_course(content, course).labs]
    except ContentError:
        order = []  # a course that is gone: by name
    ordered = [name for name in order if name in names] + sorted(names - set(order))
    found = [_noticed(folder, name, language) for name in ordered]
    return [lab for lab in found if lab.graded or lab.refused or lab.compared]


def _noticed(folder: Path, lab: str, language: Language) -> LabNoticed:
    graded = [path.stat().st_mtime for path in folder.glob(f"autograded/*/{lab}/{lab}.ipynb")]
    kept = kept_neighbours(folder, lab)
    return LabNoticed(
        name=lab,
        title=lab_title(lab, language),
        graded=len(graded),
        refused=[
            NotGraded(
                trainee=each.trainee,
                number=each.handed.number if each.handed else None,
                time=each.handed.time if each.handed else None,
                reason=each.reason.told(language),
            )
            for each in read_refusals(folder, lab)
        ],
        compared=kept.time if kept else None,
        is_stale=bool(kept and graded and datetime.fromtimestamp(max(graded), UTC) > kept.time),
        neighbours=[_answer(each) for each in kept.found] if kept else [],
    )


def _answer(found: Neighbour) -> NeighboursAnswer:
    return NeighboursAnswer(
        trainee=found.trainee,
        question=found.question,
        value=str(shown(value_text(found.value))),
        true_for=found.true_for,
        chance=found.chance,
    )


def value_text(value: object) -> str:
    """Return a finding as a line of text: members after commas, a table's rows after semicolons."""
    if isinstance(value, list | tuple):
        separator = "; " if any(isinstance(each, list | tuple | Mapping) for each in value) else ", "
        return separator.join(value_text(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {value_text(each)}" for name, each in value.items())
    return str(value)
