"""The glossary read into terms, and found again in translations whatever their inflection."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "glossary.md"
LANGUAGES = ("es", "pt", "fr")
_CODE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|<[^>]*>|\{\w*\}", re.DOTALL)
_WAIVED = re.compile(r"glossary:\s*(.+)")


@dataclass(frozen=True)
class Term:
    """An English word of the field, and what it may be in each language."""

    english: str
    accepted: dict[str, tuple[str, ...]]


def read_terms() -> list[Term]:
    """Return the terms, longest first, so that "domain name" is found before "domain"."""
    terms = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and cells[0] not in ("English", "---"):
            accepted = {name: tuple(cell.split(" / ")) for name, cell in zip(LANGUAGES, cells[1:], strict=True)}
            terms.append(Term(cells[0], accepted))
    return sorted(terms, key=lambda term: -len(term.english))


def differing(terms: list[Term], english: str, other: str, language: str, comment: str = "") -> Iterator[Term]:
    """Yield the terms that stand in ``english`` and in none of their translations in ``other``.

    Code, links and gaps do not count; ``comment`` may waive terms: "glossary: host, byte".
    """
    rest, said = _CODE.sub(" ", english), _CODE.sub(" ", other)
    waived = {name.strip() for found in _WAIVED.findall(comment) for name in found.split(",")}
    for term in terms:
        shorter = _pattern_of_english(term.english).sub(" ", rest)
        if shorter == rest:
            continue
        rest = shorter  # what a longer term is part of does not count for the shorter ones
        if term.english not in waived and not any(
            _pattern_of(form).search(said) for form in term.accepted[language]
        ):
            yield term


@cache
def _pattern_of_english(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(term)}(?:s|es)?(?![\w-])", re.IGNORECASE)


@cache
def _pattern_of(form: str) -> re.Pattern[str]:
    """Return what finds a translation with any ending, and with a word or two in between."""
    words = [word for word in re.split(r"[\s’']+", form) if word]
    stems = [re.escape(_stem(word)) + r"\w*" for word in words]
    return re.compile(r"(?<!\w)" + r"(?:[\s’'\-]+\w+){0,2}[\s’'\-]+".join(stems), re.IGNORECASE)


def _stem(word: str) -> str:
    """Return a word without the letters that its plural, gender or tense changes."""
    if len(word) <= 3:
        return word
    return word[: max(3, len(word) - (2 if len(word) > 6 else 1))]
