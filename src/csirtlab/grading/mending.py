"""A submitted notebook brought back to the lab's shape, so that what was done by accident costs nothing.

Pure. Cells may have been split, merged, copied, moved, retyped or deleted; no code and no text of the
trainee is dropped, and of the submission's own grading metadata nothing is believed but which question a
cell belongs to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csirtlab.content.labs import Kind, Lab, Question
from csirtlab.grading.refusing import RefusalError, WayOut, shown
from csirtlab.languages import Language, translator

VERDICT = "verdict-"
_MOST_CELLS = 2_000
_KINDS = ("code", "markdown", "raw")  # nbformat 4
_MISSING_REPORT = "The cell of this report was missing from the notebook. Its text may stand in another cell."


@dataclass(frozen=True)
class Mended:
    """The notebook's cells as they are graded, and what was put right, English, for the log."""

    cells: list[dict[str, Any]]
    notes: tuple[str, ...]


def verdict_source(question_id: str) -> str:
    """Return the source of a verdict cell, as the lab's compiler writes it."""
    return f'case.verdict("{question_id}")'


def mend(cells: Sequence[Mapping[str, Any]], lab: Lab, language: Language) -> Mended:
    """Return the cells in which every question of ``lab`` stands exactly once.

    Raises:
        RefusalError: These cells are not a notebook of this lab.
    """
    if len(cells) > _MOST_CELLS:
        raise RefusalError(
            "The notebook has {count} cells, at most {most} are read.",
            WayOut.FEWER_CELLS,
            count=len(cells),
            most=_MOST_CELLS,
        )
    by_id: dict[str, Question] = {}
    for question in lab.questions:
        by_id[question.id] = question
        if question.kind is not Kind.REPORT:
            by_id[VERDICT + question.id] = question
    belonging = [_grade_id(cell) if _grade_id(cell) in by_id else None for cell in cells]
    if not any(belonging):
        raise RefusalError('No cell of the notebook belongs to the lab "{lab}".', WayOut.OTHER_NOTEBOOK, lab=lab.name)
    mender = _Mender(lab, language)
    for cell, grade_id in zip(cells, belonging, strict=True):
        mender.take(cell, grade_id)
    return mender.finish()


def _grade_id(cell: Mapping[str, Any]) -> str | None:
    about = cell.get("metadata", {}).get("nbgrader")
    grade_id = about.get("grade_id") if isinstance(about, Mapping) else None
    return grade_id if isinstance(grade_id, str) else None


class _Mender:
    """Takes the cells one by one."""

    def __init__(self, lab: Lab, language: Language) -> None:
        self._lab, self._language = lab, language
        self._questions = {question.id: question for question in lab.questions}
        self._cells: list[dict[str, Any]] = []
        self._after: dict[str, int] = {}  # question -> how many cells stand up to the end of its answer
        self._reports: dict[str, dict[str, Any]] = {}
        self._ids: set[str] = set()
        self._notes: list[str] = []

    def take(self, cell: Mapping[str, Any], grade_id: str | None) -> None:
        if grade_id is None:
            self._add(_plain(cell, _kind(cell)))
        elif grade_id.startswith(VERDICT) and grade_id not in self._questions:
            self._take_verdict(cell, grade_id.removeprefix(VERDICT))
        elif self._questions[grade_id].kind is Kind.REPORT:
            self._take_report(cell, self._questions[grade_id])
        else:
            self._take_answer(cell, self._questions[grade_id])

    def finish(self) -> Mended:
        for question in self._lab.questions:
            if question.kind is Kind.REPORT and question.id not in self._reports:
                self._notes.append(f"{question.id}: the report's cell was missing and was put back at the end")
                text = translator("grading", self._language)(_MISSING_REPORT)
                self._add(_report(question, text))
        judged = [question for question in self._lab.questions if question.kind is not Kind.REPORT]
        # From the end, so that earlier places stay what they are; questions at one place keep their order.
        end = len(self._cells)
        placed = sorted(judged, key=lambda each: self._after.get(each.id, end))
        for question in reversed(placed):
            if question.id not in self._after:
                self._notes.append(f"{question.id}: its cells were missing; the verdict stands at the end")
            self._cells.insert(self._after.get(question.id, end), self._unique(_verdict(question)))
        return Mended(self._cells, tuple(self._notes))

    def _take_verdict(self, cell: Mapping[str, Any], question_id: str) -> None:
        # The cell itself is always written anew; code of the trainee's own in it is kept and runs.
        if _source(cell).strip() != verdict_source(question_id):
            self._notes.append(f"{question_id}: the verdict cell held something else, which was kept before it")
            self._add(_plain(cell, "code"))
        self._after[question_id] = max(self._after.get(question_id, 0), len(self._cells))

    def _take_answer(self, cell: Mapping[str, Any], question: Question) -> None:
        is_first = question.id not in self._after
        if cell.get("cell_type") != "code":
            self._notes.append(f"{question.id}: its answer was a {shown(cell.get('cell_type'))} cell and runs as code")
        mended = _plain(cell, "code")
        if is_first:
            mended["metadata"]["nbgrader"] = _about(question.id, "code", solution=True)
        else:
            self._notes.append(f"{question.id}: its answer cell is there several times; all run, the last word counts")
        self._add(mended)
        self._after[question.id] = len(self._cells)

    def _take_report(self, cell: Mapping[str, Any], question: Question) -> None:
        if cell.get("cell_type") == "code":
            # A report whose cell was retyped, or code that got the report's name: it is read and it runs.
            self._notes.append(f"{question.id}: the report's cell was a code cell; it runs, too")
            self._add(_plain(cell, "code"))
        if question.id not in self._reports:
            report = _report(question, _source(cell))
            if isinstance(cell.get("attachments"), Mapping):
                report["attachments"] = dict(cell["attachments"])
            self._reports[question.id] = self._add(report)
            return
        report = self._reports[question.id]
        self._notes.append(f"{question.id}: the report's cell is there several times; the texts were joined")
        if _source(cell).strip() not in report["source"]:
            report["source"] += f"\n\n{_source(cell)}"

    def _add(self, cell: dict[str, Any]) -> dict[str, Any]:
        added = self._unique(cell)
        self._cells.append(added)
        return added

    def _unique(self, cell: dict[str, Any]) -> dict[str, Any]:
        wanted = cell.get("id")
        name = wanted if isinstance(wanted, str) and wanted.replace("-", "").replace("_", "").isalnum() else "cell"
        name = candidate = name[:56]
        number = 1
        while candidate in self._ids:
            number += 1
            candidate = f"{name}-{number}"
        self._ids.add(candidate)
        return {**cell, "id": candidate}


def _kind(cell: Mapping[str, Any]) -> str:
    """Return the cell's type; what no notebook knows is kept as raw text."""
    kind = cell.get("cell_type")
    return kind if isinstance(kind, str) and kind in _KINDS else "raw"


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    # JSON lets half of a surrogate pair through; no file could hold it.
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(cell: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a cell of ``kind`` with the submission's source and nothing of its metadata."""
    mended: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": _source(cell), "id": cell.get("id")}
    if kind == "code":
        mended |= {"outputs": [], "execution_count": None}
    elif isinstance(cell.get("attachments"), Mapping):
        mended["attachments"] = dict(cell["attachments"])
    return mended


def _report(question: Question, source: str) -> dict[str, Any]:
    about = _about(question.id, "markdown", solution=True, grade=True, points=question.points)
    return {
        "cell_type": "markdown",
        "metadata": {"nbgrader": about},
        "source": source,
        "id": f"answer-{question.id}",
    }


def _verdict(question: Question) -> dict[str, Any]:
    about = _about(VERDICT + question.id, "code", grade=True, locked=True, points=question.points)
    return {
        "cell_type": "code",
        "metadata": {"nbgrader": about},
        "source": verdict_source(question.id),
        "id": f"verdict-{question.id}",
        "outputs": [],
        "execution_count": None,
    }


def _about(
    grade_id: str,
    kind: str,
    *,
    solution: bool = False,
    grade: bool = False,
    locked: bool = False,
    points: float | None = None,
) -> dict[str, Any]:
    about: dict[str, Any] = {
        "schema_version": 3,  # nbgrader/nbgraderformat/v3.py
        "grade_id": grade_id,
        "cell_type": kind,
        "solution": solution,
        "grade": grade,
        "locked": locked,
        "task": False,
    }
    if points is not None:
        about["points"] = points
    return about
