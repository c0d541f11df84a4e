"""Every sentence of the kit exists in every language, with the same gaps."""

import ast
import string
from pathlib import Path

import polib
import pytest

import csirtlab
from csirtlab.kit.forms import HINTS

SOURCE = Path(csirtlab.__file__).parent
TELLERS = {"tell", "_tell", "FormError"}
"""The functions that translate: the sentence is their first argument, or their second after a language."""


def sentences(package: str) -> set[str]:
    found: set[str] = set()
    for path in sorted((SOURCE / package).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [arg.value for arg in node.args[:2] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if name in TELLERS and texts:
                found.add(texts[0])
    return found


def gaps(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_the_catalogue_holds_the_sentences_and_no_others(language: str) -> None:
    catalogue = polib.pofile(str(SOURCE / "translations" / f"kit.{language}.po"))

    assert {entry.msgid for entry in catalogue if entry.translated()} == sentences("kit") | set(HINTS.values())


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_translations_have_the_gaps_of_the_english(language: str) -> None:
    for entry in polib.pofile(str(SOURCE / "translations" / f"kit.{language}.po")):
        assert gaps(entry.msgstr) == gaps(entry.msgid), entry.msgid
