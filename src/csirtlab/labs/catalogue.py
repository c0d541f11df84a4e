"""A lab's translations kept in step with its source: refreshed, and checked before they reach anyone."""

import difflib
import re
from collections import Counter
from dataclasses import dataclass

import polib

from csirtlab.content.labs import Lab
from csirtlab.errors import ContentError
from csirtlab.labs.cells import read_source
from csirtlab.labs.texts import Unit, catalogue_path, read_catalogue, units
from csirtlab.languages import LOCALES, Language

_CODE = re.compile(r"`+[^`\n]+`+")
_TARGET = re.compile(r"\]\(([^)\s]+)\)|<(https?://[^>\s]+)>")
_HEADING = re.compile(r"#+ ")
_LISTING = re.compile(r"^(`{3,})\w*\n.*?^\1$", re.DOTALL | re.MULTILINE)
_LIKENESS = 0.75  # of a changed paragraph to its former self; below it, a new translation is quicker


@dataclass(frozen=True)
class Refreshed:
    """What refreshing a catalogue did: entries kept, to be looked at again, new, and dropped."""

    kept: int
    fuzzy: int
    new: int
    dropped: int


def update_catalogue(lab: Lab, language: Language) -> Refreshed:
    """Make or refresh ``<language>.po`` from the lab's source.

    Translations whose English still stands are kept; those of a changed paragraph are offered as fuzzy
    beside it, with the English that they translate; the others are dropped.
    """
    if language is Language.EN:
        raise ContentError(f"{lab.folder}:1: English is the source of a lab. Name another language: es, pt, fr.")
    path = catalogue_path(lab, language)
    old = read_catalogue(path) if path.is_file() else polib.POFile()
    known = {entry.msgid: entry for entry in old if entry.msgstr}
    wanted = units(lab, read_source(lab))
    loose = {msgid: entry for msgid, entry in known.items() if msgid not in {unit.text for unit in wanted}}
    fresh = polib.POFile(wrapwidth=100)
    fresh.metadata = {
        "Project-Id-Version": lab.name,
        "Language": LOCALES[language],
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    } | old.metadata
    fresh.extend(_entry(unit, known, loose) for unit in wanted)
    fresh.save(str(path))
    return Refreshed(
        kept=sum(entry.translated() for entry in fresh),
        fuzzy=sum(entry.fuzzy for entry in fresh),
        new=sum(not entry.msgstr for entry in fresh),
        dropped=len(loose),
    )


def _entry(unit: Unit, known: dict[str, polib.POEntry], loose: dict[str, polib.POEntry]) -> polib.POEntry:
    entry = polib.POEntry(msgid=unit.text, occurrences=[(unit.file, str(unit.line))])
    if same := known.get(unit.text):
        entry.msgstr, entry.flags, entry.comment, entry.tcomment = same.msgstr, same.flags, same.comment, same.tcomment
        entry.previous_msgid = same.previous_msgid if same.fuzzy else None
    elif alike := difflib.get_close_matches(unit.text, loose, n=1, cutoff=_LIKENESS):
        entry.msgstr, entry.flags, entry.previous_msgid = loose[alike[0]].msgstr, ["fuzzy"], alike[0]
    return entry


def catalogue_problems(lab: Lab, language: Language) -> list[str]:
    """Return what keeps a translation from being used, one ``file:line: problem`` each."""
    path = catalogue_path(lab, language)
    wanted = units(lab, read_source(lab))
    texts = {unit.text for unit in wanted}
    problems = []
    seen = set()
    for entry in read_catalogue(path):
        place = f"{path}:{entry.linenum}"
        start = _start_of(entry.msgid)
        if entry.obsolete or entry.msgid not in texts:
            problems.append(f'{place}: stale: "{start}" is no longer in the lab. Refresh: {_refresh(lab, language)}.')
            continue
        seen.add(entry.msgid)
        if entry.fuzzy:
            problems.append(f'{place}: fuzzy: the English of "{start}" changed. Correct the text, remove the mark.')
        elif not entry.msgstr.strip():
            problems.append(f'{place}: untranslated: "{start}". Translate it.')
        else:
            problems += [f"{place}: {problem}" for problem in _differences(entry.msgid, entry.msgstr)]
    for unit in wanted:
        if unit.text not in seen:
            problems.append(f'{path}:1: untranslated: "{_start_of(unit.text)}" ({unit.file}:{unit.line}) is not in the '
                            f"catalogue. Refresh it: {_refresh(lab, language)}.")  # fmt: skip
    return problems


def _differences(english: str, other: str) -> list[str]:
    """Return what a translation must share with its source, and does not."""
    found = []
    for name, pattern in (("code", _CODE), ("listing", _LISTING), ("link", _TARGET)):
        missing = Counter(_found(pattern, english)) - Counter(_found(pattern, other))
        added = Counter(_found(pattern, other)) - Counter(_found(pattern, english))
        if missing or added:
            which = ", ".join(_start_of(part) for part in [*missing, *added])
            found.append(
                f'the translation of "{_start_of(english)}" differs in {name}: {which}. Keep it as in English.'
            )
    if _level(english) != _level(other):
        found.append(f'the translation of "{_start_of(english)}" is a heading of another level. Keep the # signs.')
    return found


def _found(pattern: re.Pattern[str], text: str) -> list[str]:
    return [found[0] for found in pattern.finditer(text)]


def _level(text: str) -> str:
    found = _HEADING.match(text)
    return found[0] if found else ""


def _start_of(text: str) -> str:
    start = " ".join(text.split())
    return start if len(start) <= 50 else f"{start[:47]}..."


def _refresh(lab: Lab, language: Language) -> str:
    return f"csirtlab labs translate {lab.name} --language {language}"
