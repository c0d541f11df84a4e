"""What the first page shows somebody: their cohorts, each with its labs and how they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import Account, Store
from csirtlab.content.courses import read_course
from csirtlab.content.labs import Lab
from csirtlab.exchange.index import Index
from csirtlab.labs.texts import lab_texts
from csirtlab.languages import Language


@dataclass(frozen=True)
class LabRow:
    """One lab as it stands for one trainee."""

    name: str
    title: str
    summary: str
    minutes: int
    points: float
    is_released: bool
    submitted: Sequence[datetime]  # times of the trainee's submissions, earliest first, UTC
    position: int | None  # of the latest submission in the exchange's log
    has_feedback: bool


@dataclass(frozen=True)
class CohortSection:
    """One cohort as one person sees it."""

    name: str
    title: str
    role: Role
    labs: Sequence[LabRow]


def sections(store: Store, index: Index, content: Path, account: Account) -> list[CohortSection]:
    """Return a person's cohorts, by name, with every lab of their courses in order."""
    language = Language(account.language)
    found: list[CohortSection] = []
    for name in store.cohorts_of(account.username):
        cohort, role = store.cohort(name), store.role(name, account.username)
        if cohort is None or role is None:
            continue
        course = read_course(content, cohort.course)
        rows = [_row(index, name, lab, account.username, language) for lab in course.labs]
        found.append(CohortSection(name, course.title, role, rows))
    return found


def _row(index: Index, cohort: str, lab: Lab, username: str, language: Language) -> LabRow:
    own = index.submissions(cohort, lab.name, username)
    texts = lab_texts(lab, language)
    return LabRow(
        name=lab.name,
        title=texts.title,
        summary=texts.summary,
        minutes=lab.minutes,
        points=lab.points,
        is_released=index.release(cohort, lab.name) is not None,
        submitted=[entry.time for entry in own],
        position=own[-1].position if own else None,
        has_feedback=any(index.feedback(entry.position) for entry in own),
    )
