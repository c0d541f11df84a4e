"""``lab.md`` read into cells: prose, code, answers and reports, each with its line in the file.

The file is MyST Markdown as jupytext writes it. A code cell with the option ``:question: ID`` answers
that question; the prose after a block break ``+++ {"question": "ID"}`` is the cell of a report.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from csirtlab.content.labs import Kind, Lab, Question
from csirtlab.errors import ContentError

FILE = "lab.md"
_QUESTION_BREAK = re.compile(r'^\+\+\+\s*\{.*"question"\s*:\s*"([^"]*)"')
_CALLS = {Kind.FINDING: "answer", Kind.METHOD: "method", Kind.RULE: "rule"}


class CellKind(StrEnum):
    """What a cell of a lab is for."""

    PROSE = "prose"
    CODE = "code"
    ANSWER = "answer"
    REPORT = "report"


@dataclass(frozen=True)
class SourceCell:
    """One cell of ``lab.md``; ``line`` is the 1-based line of its first line of text."""

    kind: CellKind
    source: str
    line: int
    question: str | None
    tags: tuple[str, ...]


def read_source(lab: Lab) -> tuple[SourceCell, ...]:
    """Read and check ``lab.md``: its cells parse, and each question has exactly one cell.

    Raises:
        ContentError: It does not compile; the message names file and line.
    """
    path = lab.folder / FILE
    text = _read(path)
    notebook, starts = _parse(path, text)
    lines = text.splitlines()
    cells = []
    for cell, start in zip(notebook.cells, starts, strict=True):
        body = cell.source.splitlines()
        line = _line_of(lines, body, start if cell.cell_type == "markdown" else start - 1)
        cells.append(_cell(path, lab, cell, line))
    _check_questions(path, lab, cells, lines)
    return tuple(cells)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContentError(f"{path}:1: there is no such file. Write the lab's cells there.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ContentError(f"{path}:{line}: not UTF-8. Save the file as UTF-8.") from error


def _parse(path: Path, text: str) -> tuple[Any, Sequence[int]]:
    from jupytext.myst import MystMetadataParsingError, myst_to_notebook
    from nbformat.validator import NotebookValidationError
    from yaml import YAMLError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            notebook = myst_to_notebook(text, add_source_map=True)
    except (MystMetadataParsingError, YAMLError, UserWarning) as error:
        found = re.search(r"at line (\d+)", str(error)) or re.search(r"line (\d+)", str(error))
        reason = " ".join(str(error).split())
        _refuse(path, int(found[1]) if found else 1, f"not a MyST notebook: {reason}. See jupytext's MyST format.")
    except (NotebookValidationError, TypeError, ValueError):  # front matter that is YAML and yet no mapping
        _refuse(path, 1, "the front matter between the --- lines is no mapping. Write lines of the form name: value.")
    return notebook, notebook.metadata["source_map"]


def _line_of(lines: Sequence[str], body: Sequence[str], start: int) -> int:
    """Return the 1-based line at which ``body`` begins, looked for from the 0-based ``start``."""
    for index in range(start, len(lines) - len(body) + 1):
        if all(lines[index + offset].strip() == text.strip() for offset, text in enumerate(body)):
            return index + 1
    return start + 1


def _cell(path: Path, lab: Lab, cell: Any, line: int) -> SourceCell:  # nbformat has no types
    tags = tuple(cell.metadata.get("tags", ()))
    question = cell.metadata.get("question")
    if cell.cell_type not in ("code", "markdown"):
        _refuse(path, line, f"a {cell.cell_type} cell is not for a lab. Use a {{code-cell}} or Markdown.")
    for key in cell.metadata:
        if key not in ("question", "tags"):
            _refuse(path, line, f'unknown cell option "{key}". Known: question, tags.')
    if cell.cell_type == "code":
        calls = list(_calls(path, cell.source, line))
        _check_calls(path, lab, question, calls, line)
    if question is None:
        kind = CellKind.CODE if cell.cell_type == "code" else CellKind.PROSE
        return SourceCell(kind, cell.source, line, None, tags)
    asked = _asked(path, lab, question, line)
    if (cell.cell_type == "markdown") is not (asked.kind is Kind.REPORT):
        needed = (
            'Markdown after +++ {"question": ...}' if asked.kind is Kind.REPORT else "a {code-cell} with :question:"
        )
        _refuse(path, line, f'question "{question}" is a {asked.kind}: its cell is {needed}.')
    if asked.kind is Kind.REPORT:
        if re.search(r"^#", cell.source, re.MULTILINE):
            _refuse(
                path, line, f'the cell of report "{question}" holds a heading. End the cell with a line +++ before it.'
            )
        return SourceCell(CellKind.REPORT, cell.source, line, question, tags)
    return SourceCell(CellKind.ANSWER, cell.source, line, question, tags)


def _asked(path: Path, lab: Lab, question: str, line: int) -> Question:
    try:
        return lab.question(question)
    except KeyError:
        known = ", ".join(asked.id for asked in lab.questions)
        _refuse(path, line, f'there is no question "{question}" in lab.toml. Known: {known}.')


@dataclass(frozen=True)
class _Call:
    verb: str
    question: str
    has_literal: bool
    line: int


def _calls(path: Path, source: str, line: int) -> Iterator[_Call]:
    """Yield the calls ``X.answer("id", ...)``, ``X.method(...)`` and ``X.rule(...)`` of a code cell."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError as error:
        at = line + (error.lineno or 1) - 1
        raise ContentError(f"{path}:{at}: the code cell is not valid Python: {error.msg}. Correct it.") from error
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _CALLS.values()
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            value = node.args[1] if len(node.args) > 1 else None
            literal = isinstance(value, ast.Constant) and value.value not in (None, ...)
            yield _Call(node.func.attr, node.args[0].value, literal, line + node.lineno - 1)


def _check_calls(path: Path, lab: Lab, question: str | None, calls: Sequence[_Call], line: int) -> None:
    for call in calls:
        if call.question != question:
            _refuse(path, call.line, f'"{call.question}" is answered here, but the cell says '
                    f"{f':question: {question}' if question else 'no :question:'}. Let both agree.")  # fmt: skip
        if call.has_literal:
            _refuse(path, call.line, f'the source answers "{call.question}" with a value. Leave the gap: None.')
    if question is None or question not in {asked.id for asked in lab.questions}:
        return
    verb = _CALLS.get(lab.question(question).kind)
    if verb and [call.verb for call in calls] != [verb]:
        _refuse(path, line, f'the cell of "{question}" must call case.{verb}("{question}", ...) exactly once.')


def _check_questions(path: Path, lab: Lab, cells: Sequence[SourceCell], lines: Sequence[str]) -> None:
    places: dict[str, int] = {}
    for cell in cells:
        if cell.question in places:
            _refuse(path, cell.line, f'question "{cell.question}" is asked twice, first on line '
                    f"{places[cell.question]}. Keep one of them.")  # fmt: skip
        if cell.question:
            places[cell.question] = cell.line
    breaks = {found[1]: number for number, text in enumerate(lines, 1) if (found := _QUESTION_BREAK.match(text))}
    for question in lab.questions:
        if question.id in places:
            continue
        if question.id in breaks:
            _refuse(path, breaks[question.id], f'the cell of report "{question.id}" is empty. Write a placeholder that '
                    "reads the same in every language below the +++ line, such as three dots.")  # fmt: skip
        how = f'+++ {{"question": "{question.id}"}}' if question.kind is Kind.REPORT else f":question: {question.id}"
        _refuse(path, len(lines), f'question "{question.id}" of lab.toml is asked nowhere. Add its cell with {how}.')


def _refuse(path: Path, line: int, problem: str) -> NoReturn:
    raise ContentError(f"{path}:{line}: {problem}")
