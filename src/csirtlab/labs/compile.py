"""Lab source and translation -> the notebook that a trainee gets: same cells in every language."""

from typing import Any, TypeAlias

from csirtlab.content.labs import Form, Kind, Lab, Question
from csirtlab.errors import ContentError
from csirtlab.kit.forms import HINTS
from csirtlab.labs.cells import CellKind, SourceCell, read_source
from csirtlab.labs.texts import (
    LabTexts,
    QuestionTexts,
    lab_languages,
    lab_texts,
    read_translations,
    translate_prose,
)
from csirtlab.languages import Language, translator

NotebookNode: TypeAlias = Any  # nbformat has no types
SCHEMA_VERSION = 3  # of nbgrader's cell metadata: nbgrader/nbgraderformat/v3.py


def compile_lab(lab: Lab, language: Language) -> NotebookNode:
    """Return the notebook of ``lab`` in ``language``.

    Cells, their ids and their code are equal in all languages; only prose differs. Before each answer
    stands its prompt, after it a cell that shows the verdict.

    Raises:
        ContentError: The source does not compile, or the lab has no translation into ``language``.
    """
    import nbformat

    if language not in lab_languages(lab):
        raise ContentError(
            f"{lab.folder}:1: the lab has no {language}.po. Make one: csirtlab labs translate {lab.name} "
            f"--language {language}."
        )
    put = read_translations(lab, language)
    texts = lab_texts(lab, language)
    cells = []
    number = 0
    for position, cell in enumerate(read_source(lab), 1):
        if cell.kind is CellKind.PROSE:
            cells.append(_markdown(f"prose-{position}", translate_prose(cell.source, put), cell))
        elif cell.kind is CellKind.CODE:
            cells.append(_code(f"code-{position}", cell.source, cell))
        else:
            assert cell.question
            number += 1
            cells += _question_cells(lab.question(cell.question), cell, texts, number)
    notebook = nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "csirtlab": {"lab": lab.name, "language": str(language)},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    nbformat.validate(notebook)
    return notebook


def _question_cells(question: Question, cell: SourceCell, texts: LabTexts, number: int) -> list[NotebookNode]:
    prompt = prompt_text(question, texts.questions[question.id], number, texts.language)
    asked = _markdown(f"ask-{question.id}", prompt)
    if cell.kind is CellKind.REPORT:
        report = _markdown(f"answer-{question.id}", cell.source, cell)
        _grade(report, question.id, solution=True, grade=True, points=question.points)
        return [asked, report]
    answer = _code(f"answer-{question.id}", cell.source, cell)
    _grade(answer, question.id, solution=True)
    verdict = _code(f"verdict-{question.id}", f'case.verdict("{question.id}")')
    _grade(verdict, f"verdict-{question.id}", grade=True, locked=True, points=question.points)
    return [asked, answer, verdict]


def prompt_text(question: Question, texts: QuestionTexts, number: int, language: Language) -> str:
    """Return the Markdown that asks a question: its number and points, the prompt, choices, the form."""
    tell = translator("labs", language)
    points = f"{question.points:g}"
    heading = tell("#### Question {number} · {points} points").format(number=number, points=points)
    parts = [heading, texts.prompt]
    if texts.choices:
        parts.append("\n".join(f"- `{value}`: {label}" for value, label in texts.choices.items()))
    parts.append(f"*{form_text(question, language)}*")
    if question.hints:
        parts.append(tell("Stuck? {call} shows a hint.").format(call=f'`case.hint("{question.id}")`'))
    return "\n\n".join(parts)


def form_text(question: Question, language: Language) -> str:
    """Return the sentence that says which form an answer has."""
    tell, hint = translator("labs", language), translator("kit", language)
    if question.kind is Kind.REPORT:
        return tell("Write your answer in the next cell. A person reads and grades it.")
    if question.kind is Kind.RULE or question.form is None:
        return tell("Write your rule in the next cell.")
    form = hint(HINTS[question.form])
    if question.items:
        form = tell("{form}; each value is {item}").format(form=form, item=hint(HINTS[question.items]))
    if question.form is Form.TABLE:
        columns = ", ".join(f"`{name}` ({hint(HINTS[column])})" for name, column in question.columns.items())
        form = tell("{form}; its columns are {columns}").format(form=form, columns=columns)
    if question.kind is Kind.METHOD:
        return tell("Your function takes a case and returns: {form}.").format(form=form)
    return tell("Form of the answer: {form}.").format(form=form)


def _markdown(cell_id: str, source: str, cell: SourceCell | None = None) -> NotebookNode:
    import nbformat

    return nbformat.v4.new_markdown_cell(source, id=cell_id, metadata=_metadata(cell))


def _code(cell_id: str, source: str, cell: SourceCell | None = None) -> NotebookNode:
    import nbformat

    return nbformat.v4.new_code_cell(source, id=cell_id, metadata=_metadata(cell))


def _metadata(cell: SourceCell | None) -> dict[str, object]:
    return {"tags": list(cell.tags)} if cell and cell.tags else {}


def _grade(
    cell: NotebookNode,
    grade_id: str,
    *,
    solution: bool = False,
    grade: bool = False,
    locked: bool = False,
    points: float | None = None,
) -> None:
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "grade_id": grade_id,
        "cell_type": cell.cell_type,
        "solution": solution,
        "grade": grade,
        "locked": locked,
        "task": False,
    }
    if points is not None:
        metadata["points"] = points
    cell.metadata["nbgrader"] = metadata
    # As nbgrader's LockCells does on release: a variant in another language is released without passing by it.
    cell.metadata["deletable"] = False
    if locked:
        cell.metadata["editable"] = False
