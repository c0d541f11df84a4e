"""A box for the tests, shared: what one submission leaves must not reach the next."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from csirtlab.grading.box import Box


@pytest.fixture(scope="session")
def box() -> Iterator[Box]:
    with Box(unsafe=False) as box:
        yield box


def write_case(folder: Path, trainee: str, address: str) -> Path:
    """Write a case with one asset list and two questions; return its folder."""
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    (evidence / "assets.csv").write_text(f"hostname,address,role\nws1,{address},workstation\n", encoding="utf-8")
    question = {"form": "address", "items": None, "columns": None, "choices": None, "points": 10, "unit": None}
    sheet = {
        "format": 1,
        "lab": "tiny",
        "cohort": "demo",
        "trainee": trainee,
        "language": "en",
        "title": "Tiny",
        "minutes": 5,
        "evidence": ["assets.csv"],
        "questions": [
            {"id": "infected_host", "kind": "finding", **question},
            {"id": "detector", "kind": "method", **question},
        ],
    }
    (evidence / "case.json").write_text(json.dumps(sheet), encoding="utf-8")
    return folder


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return write_case(tmp_path / "case", "ana", "10.0.0.1")


@pytest.fixture
def siblings(tmp_path: Path) -> list[Path]:
    return [write_case(tmp_path / f"sibling{n}", "hidden", f"10.0.{n}.1") for n in (1, 2, 3)]
