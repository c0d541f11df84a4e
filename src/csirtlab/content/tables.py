"""A TOML file read with its line numbers, so that a mistake can be pointed at."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

from csirtlab.errors import ContentError

LARGEST = 1e300
"""No number of a file may be larger, or further below zero: what is made of it must still be a number."""
_LARGEST_INTEGER = 2**63 - 1  # as TOML promises to read
_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
# Enough of TOML to tell where a statement begins: strings (which may hold anything), comments, brackets, the rest.
_TOKEN = re.compile(
    r"""\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|\n|[\[{]|[\]}]|[^"'\#\n\[\]{}]+""",
    re.DOTALL,
)
_LONG_INTEGER = re.compile(r"\d[\d_]{4000}")
_DEEP = re.compile(r"[\[{]{100}")
_SHOWN = 120  # characters of a wrong value
_KEY = re.compile(r"^\s*(?:\"([^\"]+)\"|([A-Za-z0-9_-]+))\s*=")


@dataclass(frozen=True)
class Table:
    """One table of a TOML file: its values, and where it stands in the file.

    ``lines`` maps each key to the 1-based line on which it is set; ``line`` is the table's header.
    """

    path: Path
    values: Mapping[str, Any]
    line: int
    lines: Mapping[str, int]

    def line_of(self, key: str | None) -> int:
        """Return the line of ``key``, or of the table where the key does not stand on one."""
        return self.lines.get(key, self.line) if key else self.line

    def refuse(self, key: str | None, problem: str) -> NoReturn:
        """Raise a ContentError that points at ``key`` (or at the table) and says ``problem``."""
        raise ContentError(f"{self.path}:{self.line_of(key)}: {problem}")

    def only(self, *known: str) -> None:
        """Refuse keys that nobody reads: a typing mistake would otherwise pass unseen."""
        for key in self.values:
            if key not in known:
                self.refuse(key, f'unknown key "{key}". Known here: {", ".join(sorted(known))}.')

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; without ``default`` it must be there and not be empty."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.refuse(key, f'"{key}" must be a text in quotes, got {shown(value)}.')
        return value

    def one_line(self, key: str) -> str:
        """Return a text without line breaks and other control characters."""
        value = self.text(key)
        if not value.isprintable():
            self.refuse(key, f'"{key}" must be one line without control characters, got {shown(value)}.')
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number, integer or not."""
        value = self.values.get(key, default)
        if not _is_number(value):
            self.refuse(key, f'"{key}" must be a number, got {shown(value)}.')
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """Return a whole number."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST_INTEGER:
            self.refuse(key, f'"{key}" must be a whole number, got {shown(value)}.')
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, empty when the key is absent."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(key, f'"{key}" must be a list of texts, got {shown(value)}.')
        return tuple(value)

    def span(self, key: str) -> tuple[float, float]:
        """Return a range ``[low, high]`` of numbers, low not above high."""
        value = self.values.get(key)
        if (
            not isinstance(value, list)
            or len(value) != 2
            or not all(_is_number(item) for item in value)
            or value[0] > value[1]
        ):
            self.refuse(key, f'"{key}" must be a range [low, high] of numbers, got {shown(value)}.')
        return (value[0], value[1])

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f'"{key}" must be true or false, got {shown(value)}.')
        return value

    def some(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, at least one, none of them empty."""
        found = self.texts(key)
        if not found:
            self.refuse(key, f'"{key}" must list at least one.')
        for text in found:
            if not text.strip():
                self.refuse(key, f'"{key}" lists an empty text. Write something there, or take it out.')
        return found

    def bounded(self, key: str, low: float, high: float) -> tuple[float, float]:
        """Return a range that lies within bounds."""
        span = self.span(key)
        if span[0] < low or span[1] > high:
            self.refuse(key, f'"{key}" must lie within {low:g} and {high:g}, got [{span[0]:g}, {span[1]:g}].')
        return span

    def count(self, key: str, low: int, high: int) -> tuple[int, int]:
        """Return a range of whole numbers that lies within bounds; one where the file says nothing."""
        if key not in self.values:
            return (1, 1)
        span = self.bounded(key, low, high)
        if any(number != int(number) for number in span):
            self.refuse(key, f'"{key}" must be a range of whole numbers, got [{span[0]:g}, {span[1]:g}].')
        return (int(span[0]), int(span[1]))


def shown(value: object) -> str:
    """Return a value for a message: as Python writes it, cut where that is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # digits without end, or brackets
        return "what is too long to show"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _is_number(value: object) -> TypeGuard[float]:
    """Say whether a value is a number to reckon with: no truth, not infinite, and no "nan"."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


@dataclass(frozen=True)
class TomlFile:
    """A parsed TOML file: its top table, and its named tables with their places."""

    top: Table
    tables: Mapping[str, tuple[Table, ...]]

    def one(self, name: str) -> Table:
        """Return the table ``[name]``, which must be there exactly once."""
        found = self.tables.get(name, ())
        if len(found) != 1:
            self.top.refuse(None, f"one table [{name}] is expected, got {len(found)}.")
        return found[0]

    def many(self, name: str) -> Sequence[Table]:
        """Return the tables ``[[name]]`` in the order of the file."""
        return self.tables.get(name, ())


def read_toml(path: Path) -> TomlFile:
    """Parse ``path``.

    Tables are found under their dotted names as written: ``[[phase.action]]`` is ``phase.action``.
    Inline tables are plain mappings among the values.

    Raises:
        ContentError: The file is missing or cannot be read, is not UTF-8 or is not TOML.
    """
    try:
        source = path.read_text(encoding="utf-8-sig")  # some editors put a mark in front
    except FileNotFoundError:
        raise ContentError(f"{path}:1: there is no such file. Create it, or correct the name.") from None
    except OSError as error:
        raise ContentError(
            f"{path}:1: cannot be read: {error.strerror}. Put a file there that you may read."
        ) from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ContentError(f"{path}:{line}: not UTF-8. Save the file as UTF-8.") from error
    try:
        parsed = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else source.count("\n") + 1
        raise ContentError(f"{path}:{line}: not valid TOML: {error}. See toml.io for the syntax.") from error
    except ValueError as error:
        raise ContentError(
            f"{path}:{_line_of(_LONG_INTEGER, source)}: a number is too long. Write one of at most 19 digits."
        ) from error
    except RecursionError as error:
        raise ContentError(
            f"{path}:{_line_of(_DEEP, source)}: brackets stand in each other too deep. Close them earlier."
        ) from error
    return _with_places(path, source, parsed)


def _line_of(pattern: re.Pattern[str], source: str) -> int:
    found = pattern.search(source)
    return source[: found.start()].count("\n") + 1 if found else 1


def _statements(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a TOML file on which a statement begins, with their numbers; none inside a value."""
    lines = source.split("\n")
    number, depth, begins = 1, 0, True
    for token in _TOKEN.finditer(source):
        text = token[0]
        if begins and text != "\n":
            yield number, lines[number - 1]
        begins = text == "\n" and depth == 0
        depth += (text in "[{") - (text in "]}") if len(text) == 1 else 0
        number += text.count("\n")


def _with_places(path: Path, source: str, parsed: Mapping[str, Any]) -> TomlFile:
    places: list[tuple[str, int, dict[str, int]]] = [("", 1, {})]
    for number, text in _statements(source):
        if header := _HEADER.match(text):
            places.append((re.sub(r"\s*\.\s*", ".", header[2].replace('"', "")), number, {}))
        elif key := _KEY.match(text):
            places[-1][2].setdefault(key[1] or key[2], number)
    top_values = {k: v for k, v in parsed.items() if k not in {name.split(".")[0] for name, _, _ in places}}
    top = Table(path, top_values, 1, places[0][2])
    tables: dict[str, list[Table]] = {}
    positions: dict[str, int] = {}
    for name, line, lines in places[1:]:
        index = positions.get(name, -1) + 1
        positions[name] = index
        # A new parent element starts its children's count again.
        for child in [other for other in positions if other.startswith(f"{name}.")]:
            del positions[child]
        value = _descend(parsed, name, positions)
        if isinstance(value, Mapping):
            tables.setdefault(name, []).append(Table(path, value, line, lines))
    return TomlFile(top, {name: tuple(found) for name, found in tables.items()})


def _descend(parsed: Mapping[str, Any], name: str, positions: Mapping[str, int]) -> object:
    value: Any = parsed
    walked: list[str] = []
    for part in name.split("."):
        walked.append(part)
        value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, list):
            value = value[positions.get(".".join(walked), 0)]
    return value
