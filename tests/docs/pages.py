"""The documentation as the tests see it: pages, their lines of prose, their blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"(`{3,})(\S*)\s*$")
_MARK = re.compile(r"<!-- (.+) -->\s*$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the comment on the line before, if there is one."""

    language: str
    text: str
    mark: str
    line: int


@dataclass(frozen=True)
class Line:
    """A line that stands in no block."""

    text: str
    number: int


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def parse(page: Path) -> tuple[list[Line], list[Block]]:
    lines: list[Line] = []
    blocks: list[Block] = []
    fence, language, begin, inside, mark = "", "", 0, [""], ""
    for number, text in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        found = _FENCE.match(text)
        if fence:
            if text.rstrip() == fence:
                blocks.append(Block(language, "\n".join(inside) + "\n", mark, begin))
                fence = ""
            else:
                inside.append(text)
        elif found:
            fence, language, begin, inside = found[1], found[2], number, []
            mark = said[1] if lines and (said := _MARK.match(lines[-1].text)) else ""
        else:
            lines.append(Line(text, number))
    assert not fence, f"{name_of(page)}:{begin}: the block has no end"
    return lines, blocks


def prose(page: Path) -> Iterator[Line]:
    """Yield the lines that are sentences: no headings, tables, comments, pictures."""
    for line in parse(page)[0]:
        if line.text.strip() and not line.text.lstrip().startswith(("#", "|", "<!--", "![")):
            yield line


def links(page: Path) -> Iterator[tuple[int, str]]:
    for line in parse(page)[0]:
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line.text)):
            yield line.number, target
