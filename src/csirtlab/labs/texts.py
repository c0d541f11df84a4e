"""A lab's own texts in a language: the units of translation, and what ``<language>.po`` makes of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polib

from csirtlab.content.labs import Lab
from csirtlab.errors import ContentError
from csirtlab.labs.cells import CellKind, SourceCell
from csirtlab.languages import Language

_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})\s*(.*)$")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Unit:
    """A piece of text that is translated as a whole, and where it stands."""

    text: str
    file: str
    line: int


@dataclass(frozen=True)
class QuestionTexts:
    """The texts of one question in one language."""

    prompt: str
    feedback: str
    choices: Mapping[str, str]  # value -> label
    rubric: tuple[str, ...]
    hints: tuple[str, ...]


@dataclass(frozen=True)
class LabTexts:
    """The texts of a lab's ``lab.toml`` in one language."""

    language: Language
    title: str
    summary: str
    objectives: tuple[str, ...]
    prerequisites: tuple[str, ...]
    questions: Mapping[str, QuestionTexts]


def catalogue_path(lab: Lab, language: Language) -> Path:
    """Return where the translation of a lab into ``language`` is kept."""
    return lab.folder / f"{language}.po"


def lab_languages(lab: Lab) -> tuple[Language, ...]:
    """Return the languages in which a lab can be had: English, and those with a catalogue."""
    return tuple(each for each in Language if each is Language.EN or catalogue_path(lab, each).is_file())


def lab_texts(lab: Lab, language: Language) -> LabTexts:
    """Return a lab's texts in ``language``; what has no translation there stays English."""
    put = read_translations(lab, language)

    def say(text: str) -> str:
        return put.get(text.strip(), text.strip())

    return LabTexts(
        language=language,
        title=say(lab.title),
        summary=say(lab.summary),
        objectives=tuple(say(text) for text in lab.objectives),
        prerequisites=tuple(say(text) for text in lab.prerequisites),
        questions={
            question.id: QuestionTexts(
                prompt=say(question.prompt),
                feedback=say(question.feedback),
                choices={value: say(label) for value, label in question.choices.items()},
                rubric=tuple(say(text) for text in question.rubric),
                hints=tuple(say(text) for text in question.hints),
            )
            for question in lab.questions
        },
    )


def read_translations(lab: Lab, language: Language) -> Mapping[str, str]:
    """Return English unit -> its translation; fuzzy entries do not count. Empty without a catalogue."""
    if language is Language.EN or not catalogue_path(lab, language).is_file():
        return {}
    return {entry.msgid: entry.msgstr for entry in read_catalogue(catalogue_path(lab, language)) if entry.translated()}


def read_catalogue(path: Path) -> polib.POFile:
    """Read a ``.po`` file.

    Raises:
        ContentError: It is not one; the message names the line.
    """
    try:
        return polib.pofile(str(path))
    except (OSError, UnicodeDecodeError) as error:
        found = re.search(r"line (\d+)", str(error))
        raise ContentError(
            f"{path}:{found[1] if found else 1}: not a catalogue: {error}. Correct its quotes."
        ) from error


def translate_prose(source: str, put: Mapping[str, str]) -> str:
    """Return Markdown with each of its blocks in another language; blocks without translation stay."""
    return "\n\n".join(put.get(text, text) for text, _ in blocks(source))


def blocks(source: str) -> Iterator[tuple[str, int]]:
    """Yield the blocks of Markdown, with the 0-based line of each: split at blank lines outside fences."""
    fence: str | None = None
    block: list[str] = []
    begin = 0
    for number, line in enumerate(source.splitlines()):
        if not line.strip() and fence is None:
            if block:
                yield "\n".join(block).rstrip(), begin
            block = []
            continue
        if not block:
            begin = number
        block.append(line.rstrip())
        if found := _FENCE.match(line):
            if fence is None:
                fence = found[1]
            elif found[1].startswith(fence) and not found[2]:
                fence = None
    if block:
        yield "\n".join(block).rstrip(), begin


def is_translated(text: str) -> bool:
    """Return whether a block is for translators: not if it has no letters, or is a listing in some language."""
    fence = _FENCE.match(text.split("\n", 1)[0])
    is_listing = fence is not None and bool(fence[2]) and not fence[2].startswith("{")
    return bool(_LETTER.search(text)) and not is_listing


def units(lab: Lab, cells: tuple[SourceCell, ...]) -> list[Unit]:
    """Return everything of a lab that is translated, in order, each text once."""
    found: dict[str, Unit] = {}
    for unit in [*_toml_units(lab), *_prose_units(cells)]:
        if unit.text:
            found.setdefault(unit.text, unit)
    return list(found.values())


def _prose_units(cells: tuple[SourceCell, ...]) -> Iterator[Unit]:
    for cell in cells:
        if cell.kind is CellKind.PROSE:
            for text, line in blocks(cell.source):
                if is_translated(text):
                    yield Unit(text, "lab.md", cell.line + line)


def _toml_units(lab: Lab) -> Iterator[Unit]:
    lines = (lab.folder / "lab.toml").read_text(encoding="utf-8").splitlines()
    for text in (lab.title, lab.summary, *lab.objectives, *lab.prerequisites):
        yield Unit(text.strip(), "lab.toml", 1)
    for question in lab.questions:
        header = re.compile(rf'\s*id\s*=\s*["\']{re.escape(question.id)}["\']')
        line = next((number for number, text in enumerate(lines, 1) if header.match(text)), 1)
        texts = (question.prompt, *question.hints, question.feedback, *question.choices.values(), *question.rubric)
        for text in texts:
            yield Unit(text.strip(), "lab.toml", line)
