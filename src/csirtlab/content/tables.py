"""A TOML file read with its line numbers, so that a mistake can be pointed at."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from csirtlab.errors import ContentError

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
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
            self.refuse(key, f'"{key}" must be a text in quotes, got {value!r}.')
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number, integer or not."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(key, f'"{key}" must be a number, got {value!r}.')
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """Return a whole number."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(key, f'"{key}" must be a whole number, got {value!r}.')
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, empty when the key is absent."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(key, f'"{key}" must be a list of texts, got {value!r}.')
        return tuple(value)

    def span(self, key: str) -> tuple[float, float]:
        """Return a range ``[low, high]`` of numbers, low not above high."""
        value = self.values.get(key)
        if (
            not isinstance(value, list)
            or len(value) != 2
            or not all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
            or value[0] > value[1]
        ):
            self.refuse(key, f'"{key}" must be a range [low, high] of numbers, got {value!r}.')
        return (value[0], value[1])

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f'"{key}" must be true or false, got {value!r}.')
        return value

    def some(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, at least one."""
        found = self.texts(key)
        if not found:
            self.refuse(key, f'"{key}" must list at least one.')
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
        ContentError: The file is missing, is not UTF-8 or is not TOML.
    """
    try:
        source = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContentError(f"{path}:1: there is no such file. Create it, or correct the name.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ContentError(f"{path}:{line}: not UTF-8. Save the file as UTF-8.") from error
    try:
        parsed = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else source.count("\n") + 1
        raise ContentError(f"{path}:{line}: not valid TOML: {error}. See toml.io for the syntax.") from error
    return _with_places(path, source, parsed)


def _with_places(path: Path, source: str, parsed: Mapping[str, Any]) -> TomlFile:
    places: list[tuple[str, int, dict[str, int]]] = [("", 1, {})]
    for number, text in enumerate(source.splitlines(), 1):
        if header := _HEADER.match(text):
            places.append((header[2].replace('"', ""), number, {}))
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
