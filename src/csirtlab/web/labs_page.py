"""What the first page shows somebody: their cohorts, each with its labs and how they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import Account, Store
from csirtlab.content.courses import read_course
from csirtlab.content.labs import Lab
from csirtlab.exchange.store import ExchangeStore
from csirtlab.labs.texts import lab_texts
from csirtlab.languages import Language
from csirtlab.web.feedback import tells_refusal


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
    feedback: int | None  # the latest of their submissions that was graded and has feedback: its position
    refused: int | None  # the one that was not graded, where that is the latest news


@dataclass(frozen=True)
class CohortSection:
    """One cohort as one person sees it."""

    name: str
    title: str
    role: Role
    labs: Sequence[LabRow]


def sections(store: Store, exchange: ExchangeStore, content: Path, account: Account) -> list[CohortSection]:
    """Return a person's cohorts, by name, with every lab of their courses in order."""
    language = Language(account.language)
    found: list[CohortSection] = []
    for name in store.cohorts_of(account.username):
        cohort, role = store.cohort(name), store.role(name, account.username)
        if cohort is None or role is None:
            continue
        course = read_course(content, cohort.course)
        rows = [_row(exchange, name, lab, account.username, language) for lab in course.labs]
        found.append(CohortSection(name, course.texts(language).title, role, rows))
    return found


def _row(exchange: ExchangeStore, cohort: str, lab: Lab, username: str, language: Language) -> LabRow:
    index = exchange.index
    own = index.submissions(cohort, lab.name, username)
    judged = [(entry.position, given) for entry in own if (given := index.feedback(entry.position))]
    graded = [position for position, given in judged if not tells_refusal(exchange, given)]
    latest = judged[-1][0] if judged else None
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
        feedback=graded[-1] if graded else None,
        refused=latest if latest not in graded else None,
    )
