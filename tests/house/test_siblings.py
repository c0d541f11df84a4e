"""What modules of one package offer is found without a list, in the same order everywhere."""

import sys
from pathlib import Path

import pytest

from csirtlab.siblings import joined


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose modules have tables."""
    folder = tmp_path / "of_siblings"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "zebra.py").write_text('WORDS = {"stripes": 1}\n')
    (folder / "ant.py").write_text('WORDS = {"legs": 6}\n')
    (folder / "without.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    __import__("of_siblings")
    return folder


def test_tables_are_joined_in_the_order_of_their_modules_names(package: Path) -> None:
    assert list(joined(package.name, "WORDS").items()) == [("legs", 6), ("stripes", 1)]


def test_a_word_that_two_modules_have_is_refused_with_both_names(package: Path) -> None:
    (package / "moth.py").write_text('WORDS = {"legs": 6}\n')

    with pytest.raises(ValueError, match=r"both ant\.py and moth\.py have 'legs' in WORDS"):
        joined(package.name, "WORDS")
