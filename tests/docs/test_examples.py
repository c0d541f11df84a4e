"""Examples that cost little are run, and answer what their page says."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from pages import PAGES, ROOT, name_of, parse  # type: ignore[import-not-found]
from typer.testing import CliRunner

from csirtlab.cli.app import add_nouns, app
from csirtlab.content.labs import read_lab
from csirtlab.proofs.labs import prove_lab

CHEAP = (
    "version", "labs list", "labs check", "labs compile", "labs translate", "evidence list", "evidence make",
    "evidence facts", "cohort list",
)  # fmt: skip
"""What these commands do takes well under a second; of others, ``--dry-run`` and ``--help`` are run."""


@dataclass(frozen=True)
class Example:
    """A command line of a page, and what the page says that it answers (nothing: it does not say)."""

    page: Path
    line: int
    command: str
    answer: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def examples() -> list[Example]:
    found = []
    for page in PAGES:
        for block in parse(page)[1]:
            if block.language != "console":
                continue
            for part in f"\n{block.text}".split("\n$ ")[1:]:
                command, _, answer = part.partition("\n")
                found.append(Example(page, block.line, command, answer))
    return found


def is_cheap(command: str) -> bool:
    program, _, rest = command.partition(" ")
    if program not in ("csirtlab", "./csirtlab") or any(sign in command for sign in "|>&~"):
        return False
    return rest.startswith(CHEAP) or "--dry-run" in rest or "--help" in rest


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of a clone, with the files that pages tell their readers to write; examples may change it."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("courses", "labs", "datasets"):
        shutil.copytree(ROOT / name, folder / name)
    for page in PAGES:
        for block in parse(page)[1]:
            if block.mark.startswith("file: "):
                path = folder / block.mark.removeprefix("file: ")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("example", [each for each in examples() if is_cheap(each.command)], ids=str)
def test_an_example_works_as_its_page_says(example: Example, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    monkeypatch.setenv("CSIRTLAB_CONTENT", str(clone))
    monkeypatch.setenv("CSIRTLAB_HOME", str(clone / "home"))
    if not app.registered_groups:
        add_nouns()

    words = example.command.replace("/tmp/", f"{clone}{os.sep}").split()[1:]
    result = CliRunner().invoke(app, words, catch_exceptions=False)

    assert result.exit_code == 0, result.output
    if example.answer.strip():
        assert result.output.split() == example.answer.split()


@pytest.mark.slow
def test_the_lab_that_a_page_writes_can_be_solved_on_any_case(clone: Path) -> None:
    proof = prove_lab(clone, read_lab(clone, "one-question"), 2)

    assert proof.holds, proof


def test_blocks_with_commands_are_marked_as_console() -> None:
    unmarked = [
        f"{name_of(page)}:{block.line}"
        for page in PAGES
        for block in parse(page)[1]
        if block.text.startswith("$ ") and block.language != "console"
    ]

    assert unmarked == []
