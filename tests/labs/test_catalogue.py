"""Translations follow the English source, and a lab with a gap in them is not in order."""

from collections.abc import Callable

import pytest

from csirtlab.content.labs import Lab
from csirtlab.errors import ContentError
from csirtlab.labs.catalogue import update_catalogue
from csirtlab.labs.check import check_lab
from csirtlab.labs.compile import compile_lab
from csirtlab.labs.texts import blocks, catalogue_path, is_translated, lab_languages, lab_texts, read_catalogue
from csirtlab.languages import Language

MakeLab = Callable[..., Lab]


def msgids(lab: Lab, language: Language) -> list[str]:
    return [entry.msgid for entry in read_catalogue(catalogue_path(lab, language))]


def change(lab: Lab, msgid: str, msgstr: str) -> None:
    catalogue = read_catalogue(catalogue_path(lab, Language.ES))
    entry = catalogue.find(msgid)
    assert entry is not None
    entry.msgstr = msgstr
    catalogue.save()


def test_prose_is_split_at_blank_lines_outside_fences() -> None:
    source = "One\ntwo\n\n```text\na\n\nb\n```\n\n- x\n\n  y\n"

    assert list(blocks(source)) == [("One\ntwo", 0), ("```text\na\n\nb\n```", 3), ("- x", 9), ("  y", 11)]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("Text", True),
        ("```python\nx = 1\n```", False),
        ("```\noutput\n```", True),
        ("---", False),
        ("$$1 + 1$$", False),
    ],
)
def test_what_has_no_words_is_not_translated(block: str, expected: bool) -> None:
    assert is_translated(block) is expected


def test_a_lab_is_had_in_english_and_in_what_it_has_catalogues_for(lab: Lab) -> None:
    assert lab_languages(lab) == (Language.EN, Language.ES)


def test_a_catalogue_has_each_text_once_in_order(lab: Lab) -> None:
    found = msgids(lab, Language.ES)

    assert found[:3] == ["A sample", "One incident in short.", "Find the host."]
    assert found[-1] == "The end."
    assert len(found) == len(set(found))


def test_the_texts_of_a_lab_come_in_the_readers_language(lab: Lab) -> None:
    texts = lab_texts(lab, Language.ES)

    assert texts.title == "Un ejemplo"
    assert texts.questions["traffic"].choices == {"beacon": "Una baliza", "update": "Una búsqueda de actualizaciones"}
    assert texts.questions["note"].rubric == ("Dice con qué seguridad se afirma.",)


def test_a_language_that_a_lab_lacks_reads_english(lab: Lab) -> None:
    assert lab_texts(lab, Language.FR).title == "A sample"


def test_a_fully_translated_lab_is_in_order(lab: Lab) -> None:
    assert check_lab(lab) == []


def test_refreshing_twice_changes_nothing(lab: Lab) -> None:
    update_catalogue(lab, Language.ES)
    before = catalogue_path(lab, Language.ES).read_bytes()

    done = update_catalogue(lab, Language.ES)

    assert catalogue_path(lab, Language.ES).read_bytes() == before
    assert (done.fuzzy, done.new, done.dropped) == (0, 0, 0)


def test_a_changed_paragraph_is_stale_then_fuzzy_after_a_refresh(lab: Lab, make_lab: MakeLab, markdown: str) -> None:
    assert check_lab(lab) == []
    changed = make_lab(markdown.replace("It has two lines.", "It has two long lines."))

    stale = check_lab(changed)
    done = update_catalogue(changed, Language.ES)

    assert [problem.split(": ")[1] for problem in stale] == ["stale", "untranslated"]
    assert (done.fuzzy, done.new, done.dropped) == (1, 0, 1)
    assert [problem.split(": ")[1] for problem in check_lab(changed)] == ["fuzzy"]


def test_a_fuzzy_entry_shows_the_english_that_it_translates(lab: Lab, make_lab: MakeLab, markdown: str) -> None:
    assert check_lab(lab) == []
    update_catalogue(make_lab(markdown.replace("The end.", "The end!")), Language.ES)

    [entry] = [entry for entry in read_catalogue(catalogue_path(lab, Language.ES)) if entry.fuzzy]
    assert (entry.msgid, entry.previous_msgid, entry.msgstr) == ("The end!", "The end.", "Fin.")


def test_a_fuzzy_translation_does_not_reach_anyone(lab: Lab, make_lab: MakeLab, markdown: str) -> None:
    assert check_lab(lab) == []
    changed = make_lab(markdown.replace("The end.", "The end!"))
    update_catalogue(changed, Language.ES)

    assert compile_lab(changed, Language.ES).cells[-1].source == "The end!"


def test_a_missing_translation_is_told_with_its_line(lab: Lab) -> None:
    change(lab, "Look at it.", "")

    [problem] = check_lab(lab)

    assert problem.startswith(f"{catalogue_path(lab, Language.ES)}:")
    assert 'untranslated: "Look at it."' in problem


@pytest.mark.parametrize(
    ("english", "spanish", "problem"),
    [
        (
            "Read the **capture** with `case.table`.\nIt has two lines.",
            "Lea la captura con `case.tabla`.",
            "differs in code",
        ),
        ("# A sample", "## Un ejemplo", "heading of another level"),
        ("Look at it.", "Mírela [aquí](https://example.org/).", "differs in link"),
    ],
)
def test_a_translation_keeps_code_links_and_headings(lab: Lab, english: str, spanish: str, problem: str) -> None:
    change(lab, english, spanish)

    assert problem in check_lab(lab)[0]


def test_a_damaged_catalogue_is_told_with_its_line(lab: Lab) -> None:
    path = catalogue_path(lab, Language.ES)
    path.write_text('msgid "A sample"\nmsgstr "Un "ejemplo"\n', encoding="utf-8")

    [problem] = check_lab(lab)

    assert problem.startswith(f"{path}:2: not a catalogue")


def test_english_is_not_translated_into_english(lab: Lab) -> None:
    with pytest.raises(ContentError, match="English is the source"):
        update_catalogue(lab, Language.EN)
