"""Attacks as they are written down: ``tests/attacks/*.md``, read into frozen values."""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from csirtlab.errors import SetupError

FOLDER = Path("tests", "attacks")
CONTENT = "content"
"""The folder beside the attacks with the lab and the scenario that they are played on."""

_BLOCK = re.compile(r"^```\{(code-cell|hand-in)\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_KEYS = {"tries", "must", "expect", "own", "refused", "says", "neighbour", "quick", "only_walls"}


class Expect(StrEnum):
    """What must become of the submission itself; whatever it is, nothing else may change or leak."""

    SCORE = "score"
    REFUSED = "refused"
    EITHER = "either"  # there is more than one right way to treat such a file


@dataclass(frozen=True)
class Attack:
    """A submission that tries something.

    ``own`` are the points that its honest part deserves. ``refused`` is a part of the reason for which it is
    refused, ``says`` of the reason in a verdict. ``neighbour`` is whose work is graded in the same batch: before
    it (abel) or after it (zoe). What ``is_on_walls_alone`` reaches nothing of nbgrader's own: it asks whether walls
    stand that stock nbgrader never promised, and does not count against it.
    """

    name: str
    tries: str
    must: str
    expect: Expect
    own: float
    refused: str
    says: str
    neighbour: str
    is_quick: bool
    is_on_walls_alone: bool
    cells: tuple[str, ...]
    hand_in: str


def find_attacks(named: Path | None = None) -> Path:
    """Return the folder of attacks: ``named``, else ``tests/attacks`` of the checkout around the current folder.

    Raises:
        SetupError: There is none: the installed program does not bring them along.
    """
    if named is not None:
        folder = named.resolve()
        if not (folder / CONTENT).is_dir():
            raise SetupError(f"{named} holds no attacks. Name the folder tests/attacks of a checkout.")
        return folder
    here = Path.cwd()
    for parent in (here, *here.parents):
        if (parent / FOLDER / CONTENT).is_dir():
            return parent / FOLDER
    raise SetupError(
        f"there is no {FOLDER} in {here} nor above it: attacks come with the source, not with the program. "
        "Go into a checkout, or name the folder: --attacks CHECKOUT/tests/attacks."
    )


def read_attacks(folder: Path) -> list[Attack]:
    """Return all attacks of a folder, by name.

    Raises:
        SetupError: A file is not written as an attack is; the message names it.
    """
    return [read_attack(path) for path in sorted(folder.glob("*.md"))]


def read_attack(path: Path) -> Attack:
    """Read one attack.

    Raises:
        SetupError: The file is not written as an attack is.
    """
    text = path.read_text(encoding="utf-8")
    _, head, body = text.split("+++\n", 2) if text.startswith("+++\n") and text.count("+++\n") > 1 else ("", "", text)
    try:
        about: dict[str, Any] = tomllib.loads(head)
        if unknown := set(about) - _KEYS:
            raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
        blocks: list[tuple[str, str]] = _BLOCK.findall(body)
        if not blocks:
            raise ValueError("no block of code")
        return Attack(
            name=path.stem,
            tries=about["tries"],
            must=about["must"],
            expect=Expect(about["expect"]),
            own=float(about.get("own", 10)),
            refused=about.get("refused", ""),
            says=about.get("says", ""),
            neighbour=about.get("neighbour", "zoe"),
            is_quick=bool(about.get("quick", False)),
            is_on_walls_alone=bool(about.get("only_walls", False)),
            cells=tuple(code for kind, code in blocks if kind == "code-cell"),
            hand_in="\n".join(code for kind, code in blocks if kind == "hand-in"),
        )
    except (ValueError, KeyError) as error:
        raise SetupError(f"{path}: not written as an attack is: {error!r}. See the others beside it.") from error
