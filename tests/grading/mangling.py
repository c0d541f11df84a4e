"""Accidents with a notebook, as Hypothesis makes them up, and what is left of its answers after one.

What is left is found out without the grader: code cells run from top to bottom in this process, on a case that
only takes notes. Whatever question is answered right then must have all its points.
"""

import copy
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
from hypothesis import strategies as st

Notebook = dict[str, Any]

NOTE = "It was ws1, and it still is."
_ODD: tuple[Any, ...] = (
    None,
    7,
    -1,
    1e308,
    float("nan"),
    "x",
    "",
    [],
    {},
    ["x"],
    {"x": {}},
    True,
    "\ud800",
    "verdict-ports",
)
_TYPES = ("code", "markdown", "raw", "heading", "", 7, None)
_GRADE_IDS = (
    "infected_host", "ports", "detector", "note", "verdict-infected_host", "verdict-ports", "verdict-detector",
    "nobody", "", None, 7, ["ports"],
)  # fmt: skip
_KEYS = ("cell_type", "metadata", "source", "outputs", "execution_count", "id", "attachments")
_TOP = ("cells", "metadata", "nbformat", "nbformat_minor", "other")
_ABOUT = ("grade_id", "points", "locked", "solution", "grade", "task", "schema_version", "cell_type", "checksum")


@dataclass(frozen=True)
class _Drawn:
    """One edit; each kind of edit takes of it what it needs."""

    name: str
    one: int
    other: int
    odd: Any
    kind: Any
    grade_id: Any
    key: str
    about: str
    top: str
    keeps: bool

    def __call__(self, notebook: Notebook) -> None:
        cells = notebook.get("cells")
        if not isinstance(cells, list) or not cells:
            return
        if self.name == "top":
            # Rarely: what is no notebook any more tells nothing about the cells.
            if self.other % 6 == 0:
                notebook[self.top] = self.odd
            return
        here = self.one % len(cells)
        if self.name in ("delete", "duplicate", "move") or isinstance(cells[here], dict):
            _KINDS[self.name](self, cells, here)


def _delete(_: _Drawn, cells: list[Any], here: int) -> None:
    del cells[here]


def _duplicate(drawn: _Drawn, cells: list[Any], here: int) -> None:
    cells.insert(drawn.other % (len(cells) + 1), copy.deepcopy(cells[here]))


def _move(drawn: _Drawn, cells: list[Any], here: int) -> None:
    cells.insert(drawn.other % len(cells), cells.pop(here))


def _retype(drawn: _Drawn, cells: list[Any], here: int) -> None:
    cells[here]["cell_type"] = drawn.kind
    if drawn.keeps and drawn.kind != "code":
        for key in ("outputs", "execution_count"):
            cells[here].pop(key, None)
    elif drawn.keeps:
        cells[here].update(outputs=[], execution_count=None)


def _merge(drawn: _Drawn, cells: list[Any], here: int) -> None:
    below: Any = cells[here + 1] if here + 1 < len(cells) else {}
    first, second = _source(cells[here]), _source(below)
    if first is None or second is None:
        return
    cells[here]["source"] = f"{first}\n{second}"
    if not drawn.keeps:
        cells[here]["metadata"] = below.get("metadata", {})
    del cells[here + 1]


def _split(drawn: _Drawn, cells: list[Any], here: int) -> None:
    whole = _source(cells[here])
    if whole is None:
        return
    lines = whole.splitlines()
    cut = drawn.other % (len(lines) + 1)
    rest = {**copy.deepcopy(cells[here]), "source": "\n".join(lines[cut:]), "id": f"rest{drawn.other}"}
    if not drawn.keeps:
        rest["metadata"] = {}
    cells[here]["source"] = "\n".join(lines[:cut])
    cells.insert(here + 1, rest)


def _change_about(drawn: _Drawn, cells: list[Any], here: int) -> None:
    metadata = cells[here].get("metadata")
    about = metadata.setdefault("nbgrader", {}) if isinstance(metadata, dict) else None
    if isinstance(about, dict):
        about[drawn.about] = drawn.grade_id if drawn.about == "grade_id" else drawn.odd


def _change_key(drawn: _Drawn, cells: list[Any], here: int) -> None:
    cells[here][drawn.key] = drawn.odd


def _drop_key(drawn: _Drawn, cells: list[Any], here: int) -> None:
    cells[here].pop(drawn.key, None)


def _list_lines(_: _Drawn, cells: list[Any], here: int) -> None:
    if (whole := _source(cells[here])) is not None:
        cells[here]["source"] = whole.splitlines(keepends=True)


def _source(cell: Any) -> str | None:
    source = cell.get("source") if isinstance(cell, dict) else None
    return source if isinstance(source, str) else None


_KINDS: dict[str, Callable[[_Drawn, list[Any], int], None]] = {
    "delete": _delete, "duplicate": _duplicate, "move": _move, "retype": _retype, "merge": _merge, "split": _split,
    "about": _change_about, "key": _change_key, "drop": _drop_key, "lines": _list_lines,
}  # fmt: skip
_place = st.integers(0, 30)
_edits = st.builds(
    _Drawn, name=st.sampled_from([*_KINDS, "top"]), one=_place, other=_place, odd=st.sampled_from(_ODD),
    kind=st.sampled_from(_TYPES), grade_id=st.sampled_from(_GRADE_IDS), key=st.sampled_from(_KEYS),
    about=st.sampled_from(_ABOUT), top=st.sampled_from(_TOP), keeps=st.booleans(),
)  # fmt: skip


@st.composite
def _damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Draw what happens to the file as a whole; mostly nothing."""
    kind = draw(st.sampled_from(["none"] * 40 + ["cut", "flip", "tail", "mark", "twice"]))
    share, octet = draw(st.floats(0, 1)), draw(st.integers(0, 255))

    def damage(octets: bytes) -> bytes:
        at = int(share * max(0, len(octets) - 1))
        return {
            "none": octets,
            "cut": octets[:at],
            "flip": octets[:at] + bytes([octet]) + octets[at + 1 :],
            "tail": octets + bytes([octet]) * 3,
            "mark": b"\xef\xbb\xbf" + octets,
            "twice": octets + octets,
        }[kind]

    return damage


@dataclass(frozen=True)
class Mangling:
    """What happens to a notebook on its way: some edits, then perhaps damage to the file."""

    edits: list[_Drawn]
    damage: Callable[[bytes], bytes] = field(repr=False)

    def of(self, notebook: Notebook) -> bytes:
        """Return the file that is handed in."""
        mangled = copy.deepcopy(notebook)
        for edit in self.edits:
            edit(mangled)
        return self.damage(json.dumps(mangled).encode())


manglings = st.builds(Mangling, st.lists(_edits, min_size=1, max_size=6), _damage())


class _NotesOnly:
    """A case that takes notes of what is answered."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}

    def answer(self, question: str, value: object) -> None:
        self.answers[question] = value

    def method(self, question: str, function: object) -> None:
        self.answers[question] = function

    def verdict(self, question: str) -> None:
        return None


class _Hidden:
    def __init__(self, sibling: Path) -> None:
        self._sibling = sibling

    def path(self, name: str) -> Path:
        return self._sibling / "evidence" / name


@dataclass(frozen=True)
class Right:
    """What is right: findings, and the method's answer on some hidden case."""

    findings: Mapping[str, object]
    sibling: Path
    address: str


def intact(octets: bytes, right: Right) -> set[str] | None:
    """Return the questions that are still answered right; None where the file is no notebook any more.

    No notebook is what nbformat's own schema does not take, or what has no cell of the lab.
    """
    try:
        notebook = json.loads(octets.decode())
        nbformat.validate(nbformat.from_dict(notebook))
    except Exception:
        return None
    if notebook.get("nbformat") != 4:
        return None
    known = {name for name in _GRADE_IDS if isinstance(name, str) and name not in ("", "nobody")}
    abouts = [cell["metadata"].get("nbgrader") for cell in notebook["cells"]]
    if not any(isinstance(about, dict) and about.get("grade_id") in known for about in abouts
               if not isinstance(about, dict) or isinstance(about.get("grade_id"), str)):  # fmt: skip
        return None
    answers = _run(notebook)
    found = {name for name, value in right.findings.items() if answers.get(name) == value}
    method = answers.get("detector")
    try:
        if callable(method) and method(_Hidden(right.sibling)) == right.address:
            found.add("detector")
    except Exception:
        pass
    texts = [
        _joined(cell)
        for cell, about in zip(notebook["cells"], abouts, strict=True)
        if isinstance(about, dict) and about.get("grade_id") == "note"
    ]
    if any(NOTE in text for text in texts):
        found.add("note")
    return found


def _joined(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"]) if isinstance(cell["source"], list) else str(cell["source"])


def _run(notebook: Notebook) -> dict[str, object]:
    cases: list[_NotesOnly] = []

    def open_case(*_: object) -> _NotesOnly:
        cases.append(_NotesOnly())
        return cases[-1]

    names: dict[str, Any] = {}
    answers: dict[str, object] = {}
    with _kit_of(open_case):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                try:
                    exec(compile(_joined(cell), "cell", "exec"), names)
                except Exception:
                    continue
    for case in cases:
        answers.update(case.answers)
    return answers


@contextmanager
def _kit_of(open_case: Callable[..., _NotesOnly]) -> Iterator[None]:
    stub = ModuleType("csirtlab.kit")
    stub.open_case = open_case  # type: ignore[attr-defined]  # a stand-in for the kit's own
    kept = sys.modules.get("csirtlab.kit")
    sys.modules["csirtlab.kit"] = stub
    try:
        yield
    finally:
        del sys.modules["csirtlab.kit"]
        if kept is not None:
            sys.modules["csirtlab.kit"] = kept
