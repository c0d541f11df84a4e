"""Every translation says the field's words as the glossary does."""

from pathlib import Path

import polib
import pytest
from tests.labs.glossary import LANGUAGES, Term, differing, read_terms

import csirtlab
from csirtlab.content.labs import lab_names
from csirtlab.settings import content_root

TERMS = read_terms()
CATALOGUES = [
    *sorted((Path(csirtlab.__file__).parent / "translations").glob("*.po")),
    *(content_root() / "labs" / lab / f"{name}.po" for lab in lab_names(content_root()) for name in LANGUAGES),
]


def found(english: str, other: str, language: str = "es", comment: str = "") -> list[str]:
    return [term.english for term in differing(TERMS, english, other, language, comment)]


def test_the_glossary_has_about_a_hundred_and_fifty_words_each_once() -> None:
    assert 150 <= len(TERMS) <= 200
    assert len({term.english.lower() for term in TERMS}) == len(TERMS)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: str(term.english))
def test_a_word_has_a_translation_into_each_language(term: Term) -> None:
    assert all(form.strip() for name in LANGUAGES for form in term.accepted[name])


def test_a_word_translated_otherwise_is_found() -> None:
    assert found("Open the firewall.", "Abra la muralla.") == ["firewall"]
    assert found("The payloads are long.", "Las cargas útiles son largas.") == []


def test_a_part_of_a_longer_word_does_not_count_for_itself() -> None:
    assert found("A host name is missing.", "Falta un nombre de host.") == []
    assert found("A host name is missing.", "Falta un nombre.") == ["host name"]


def test_words_in_code_and_links_do_not_count() -> None:
    assert found("Read `host` of [this](https://example.org/packet).", "Lea `host` en [esto](...).") == []


def test_a_comment_waives_a_word() -> None:
    assert found("The host sleeps.", "Duerme.", comment="glossary: host") == []


@pytest.mark.parametrize("path", [path for path in CATALOGUES if path.is_file()], ids=lambda path: "/".join(path.parts[-2:]))
def test_a_catalogue_says_the_words_of_the_glossary(path: Path) -> None:
    language = path.stem.split(".")[-1]

    odd = [
        f"{path.name}:{entry.linenum}: {term.english}: {' / '.join(term.accepted[language])}"
        for entry in polib.pofile(str(path))
        if entry.translated()
        for term in differing(TERMS, entry.msgid, entry.msgstr, language, entry.tcomment)
    ]

    assert odd == []
