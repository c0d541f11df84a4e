"""A roster: the CSV file, typed by hand, that says who is in a cohort."""

import csv
import io
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from csirtlab.errors import RosterError
from csirtlab.languages import Language

MOST_PEOPLE = 1000
"""A cohort is one workshop. More people than this is a wrong file, or several cohorts."""

USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
RESERVED = "grade-"
"""User names with this beginning belong to the cohorts' own servers."""


class Role(StrEnum):
    """What a person is in a cohort."""

    TRAINEE = "trainee"
    INSTRUCTOR = "instructor"


@dataclass(frozen=True)
class Entry:
    """One person of a roster."""

    username: str
    name: str
    language: Language
    role: Role


def read_roster(path: Path, *, default_language: Language) -> tuple[Entry, ...]:
    """Read a roster in the order of its rows.

    The first line names the columns: ``username`` and ``name``, and if wanted ``language``
    (en, es, pt, fr) and ``role`` (trainee, instructor). Commas, semicolons or tabs separate them, as
    spreadsheets in different countries save them.

    Raises:
        RosterError: With ``file:line``, what is wrong and how to mend it. All faults of a file come
            at once, ten at most.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RosterError(f"{path}: cannot be read: {error.strerror}. Check the name given to --roster.") from error
    return parse_roster(content, source=str(path), default_language=default_language)


def parse_roster(content: bytes, *, source: str, default_language: Language) -> tuple[Entry, ...]:
    """Parse the bytes of a roster; ``source`` names them in errors. See ``read_roster``."""
    text = _decode(content, source)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = [(name or "").strip().lower() for name in rows.fieldnames or []]
    missing = {"username", "name"} - set(columns)
    if missing:
        raise RosterError(
            f"{source}:1: the column {' and '.join(sorted(missing))} is missing. "
            "The first line must be: username,name,language,role"
        )
    unknown = set(columns) - {"username", "name", "language", "role"}
    if unknown:
        raise RosterError(
            f"{source}:1: unknown column {', '.join(sorted(repr(name) for name in unknown))}. "
            "Known: username, name, language, role. Remove or rename it."
        )
    rows.fieldnames = columns
    return _entries(rows, source, default_language)


def _decode(content: bytes, source: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise RosterError(
            f"{source}:{line}: the file is not UTF-8 (byte 0x{content[error.start]:02x}). "
            'Save it again as "CSV UTF-8" from the spreadsheet, or convert it: '
            f"iconv -f WINDOWS-1252 -t UTF-8 {source} > roster-utf8.csv"
        ) from error


def _entries(rows: "csv.DictReader[str]", source: str, default_language: Language) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    lines: dict[str, int] = {}
    faults: list[str] = []
    try:
        for row in rows:
            where = f"{source}:{rows.line_num}"
            if not any((value or "").strip() for value in row.values() if isinstance(value, str)):
                continue  # an empty line at the end of a spreadsheet
            if len(entries) >= MOST_PEOPLE:
                raise RosterError(
                    f"{where}: more than {MOST_PEOPLE} people. A cohort is one workshop: "
                    "split the roster, and create a cohort for each part."
                )
            entry = _entry(row, where, default_language, faults)
            if entry is None:
                continue
            if entry.username in lines:
                faults.append(
                    f'{where}: "{entry.username}" is on line {lines[entry.username]} already. '
                    "Remove one of the lines, or give this person another username."
                )
                continue
            lines[entry.username] = rows.line_num
            entries.append(entry)
    except csv.Error as error:
        raise RosterError(f"{source}:{rows.line_num}: not a CSV table: {error}. Save it again as CSV.") from error
    if faults:
        more = f"\n... and {len(faults) - 10} more." if len(faults) > 10 else ""
        raise RosterError("\n".join(faults[:10]) + more)
    if not entries:
        raise RosterError(f"{source}:2: nobody is on the roster. Add a line for each person: ana,Ana Souza,pt,trainee")
    return tuple(entries)


def _entry(row: dict[str, str], where: str, default_language: Language, faults: list[str]) -> Entry | None:
    if None in row:
        faults.append(f"{where}: more cells than columns. Put names that contain the separator in double quotes.")
        return None
    username = (row.get("username") or "").strip().lower()
    name = " ".join((row.get("name") or "").split())
    language = (row.get("language") or "").strip().lower() or default_language.value
    role = (row.get("role") or "").strip().lower() or Role.TRAINEE.value
    before = len(faults)
    if not USERNAME.fullmatch(username):
        faults.append(
            f'{where}: username "{username}" cannot be used. '
            "2 to 32 of a-z, 0-9, dot, hyphen and underscore, a letter first: ana.souza"
        )
    elif username.startswith(RESERVED):
        faults.append(f'{where}: usernames that begin with "{RESERVED}" belong to the platform. Choose another.')
    if not name:
        faults.append(f"{where}: the name is empty. It is shown to the instructor: fill it in.")
    elif not name.isprintable() or len(name) > 100:
        faults.append(f"{where}: the name has control characters or over 100 letters. Type it again.")
    elif "<" in name or ">" in name:
        # nbgrader's formgrader shows names as they are: a tag in one would act in the instructor's browser.
        faults.append(f"{where}: the name has < or > in it. Write it without.")
    if language not in list(Language):
        faults.append(f'{where}: language "{language}" is unknown. One of: {", ".join(Language)}.')
    if role not in list(Role):
        faults.append(f'{where}: role "{role}" is unknown. One of: {", ".join(Role)}.')
    if len(faults) > before:
        return None
    return Entry(username, name, Language(language), Role(role))
