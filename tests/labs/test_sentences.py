"""Every sentence that the compiler adds to a lab exists in every language."""

import re
from pathlib import Path

import polib
import pytest

import csirtlab

SOURCE = Path(csirtlab.__file__).parent


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_the_catalogue_holds_the_sentences_and_no_others(language: str) -> None:
    told = re.findall(r'\btell\("([^"]+)"\)', (SOURCE / "labs" / "compile.py").read_text(encoding="utf-8"))
    catalogue = polib.pofile(str(SOURCE / "translations" / f"labs.{language}.po"))

    assert {entry.msgid for entry in catalogue if entry.translated()} == set(told)
    for entry in catalogue:
        assert sorted(re.findall(r"{\w+}", entry.msgstr)) == sorted(re.findall(r"{\w+}", entry.msgid))
