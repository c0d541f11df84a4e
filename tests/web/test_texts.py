"""Every sentence on the pages exists in all four languages."""

import re
from pathlib import Path

import polib
import pytest

from csirtlab.languages import CATALOGUES
from csirtlab.web import app, entrance, handed_in, lab_server, noticed_page
from csirtlab.web.pages import TEMPLATES

SENTENCE = re.compile(r"""_\("((?:[^"\\]|\\.)*)"\)""")
PROBLEM = re.compile(r"""(?:HTTPException|HTTPError)\(\s*\d+,\s*"((?:[^"\\]|\\.)*)"|message="([^"]*)\"""")


def sentences() -> set[str]:
    found = {text for path in TEMPLATES.glob("*.html") for text in SENTENCE.findall(path.read_text())}
    for module in (app, entrance, handed_in, lab_server, noticed_page):
        found |= {first or second for first, second in PROBLEM.findall(Path(str(module.__file__)).read_text())}
    return found | {handed_in.NO_KERNEL, handed_in.NOT_CONVERTED, handed_in.NOT_MOVED, handed_in.NOT_TRUSTED}


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_every_sentence_is_translated_and_none_is_left_over(language: str) -> None:
    catalogue = polib.pofile(str(CATALOGUES / f"web.{language}.po"))

    assert {entry.msgid for entry in catalogue if entry.translated()} == sentences()


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_translations_keep_the_places_for_values(language: str) -> None:
    places = re.compile(r"\{\w+\}")

    for entry in polib.pofile(str(CATALOGUES / f"web.{language}.po")):
        assert sorted(places.findall(entry.msgid)) == sorted(places.findall(entry.msgstr)), entry.msgid
