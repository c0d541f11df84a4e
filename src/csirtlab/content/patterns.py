"""Patterns of names: what may stand in them, and how many names they give."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from csirtlab.content.tables import Table, shown


class Placeholder(NamedTuple):
    """How many values a placeholder has, and how long the longest is."""

    values: int
    longest: int


PLACEHOLDERS = {
    "word": Placeholder(141, 8),
    "noun": Placeholder(163, 9),
    "tld": Placeholder(2, 7),
    "department": Placeholder(14, 7),
    "number": Placeholder(48, 2),
}
"""``csirtlab.evidence.topology`` has the values."""

_HELD = re.compile(r"\{([^{}]*)\}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.IGNORECASE)
_LONGEST_LABEL = 63  # RFC 1035, 2.3.4
LONGEST_NAME = 100
"""Of servers and of the site's domain. DNS allows 253 (RFC 1035, 2.3.4); what stands before them needs the rest."""
TRIES_ARE_ENOUGH = 0.975
"""Names and addresses are drawn until one is free: up to this share of them taken, a thousand draws find one."""


def refuse_wrong_pattern(table: Table, pattern: str) -> None:
    """Refuse a pattern of ``names`` with a placeholder that there is not, or with a bracket left over."""
    for name in _HELD.findall(pattern):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            table.refuse("names", f"{shown(pattern)} has the unknown placeholder {{{name}}}. Known: {known}.")
    if "{" in (rest := _HELD.sub("", pattern)) or "}" in rest:
        table.refuse("names", f"{shown(pattern)} has a bracket without its other half. Write placeholders as {{word}}.")


def refuse_wrong_labels(table: Table, key: str, pattern: str, *, longest: int = LONGEST_NAME) -> None:
    """Refuse a pattern whose names DNS does not allow: labels too long, empty, or of other characters."""
    name = longest_name(pattern)
    for label in name.split("."):
        if not _LABEL.fullmatch(label) or not label.isascii():
            table.refuse(
                key,
                f"{shown(pattern)} gives no names: between dots stand letters, digits and hyphens, and a hyphen is "
                f"neither first nor last.",
            )
        if len(label) > _LONGEST_LABEL:
            table.refuse(
                key,
                f"{shown(pattern)} gives names of {len(label)} characters. Between dots DNS allows {_LONGEST_LABEL}.",
            )
    if len(name) > longest:
        table.refuse(key, f"{shown(pattern)} gives names of {len(name)} characters. Take at most {longest}.")


def longest_name(pattern: str) -> str:
    """Return a name as long as the longest that a pattern gives."""
    return _HELD.sub(lambda held: "x" * PLACEHOLDERS[held[1]].longest, pattern)


def capacity(patterns: Sequence[str]) -> int:
    """Return how many names patterns give at most."""
    total = 0
    for pattern in set(patterns):
        names = 1
        for placeholder in _HELD.findall(pattern):
            names *= PLACEHOLDERS[placeholder].values
        total += names
    return total
