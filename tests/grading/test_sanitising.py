"""What is shown of a trainee's outputs, and what is not."""

import re
from typing import Any

import polib
import pytest

from csirtlab.grading import sanitising
from csirtlab.grading.sanitising import clean_attachments, clean_bundle, clean_html, cut, is_too_much
from csirtlab.languages import CATALOGUES, Language

PIXEL = "iVBORw0KGgo="


def cleaned(bundle: dict[str, Any], language: Language = Language.EN) -> dict[str, Any]:
    return clean_bundle(bundle, clean_html, language)


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<b>bold</b>", "<b>bold</b>"),
        ("<script>alert(1)</script>x", "x"),
        ('<b onclick="x()">b</b>', "<b>b</b>"),
        ('<a href="javascript:x()">a</a>', "a"),
        ('<a href="data:text/html,x">a</a>', "a"),
        ('<a href="/hub/admin">a</a>', "a"),
        ('<span class="score k" id="x">k</span>', '<span class="k">k</span>'),
        ("<table><tr><th>h</th></tr></table>", "<table><tbody><tr><th>h</th></tr></tbody></table>"),
    ],
)
def test_html_keeps_its_text_and_loses_what_acts(html: str, kept: str) -> None:
    assert clean_html(html) == kept


def test_an_embedded_picture_stays() -> None:
    assert PIXEL in clean_html(f'<img src="data:image/png;base64,{PIXEL}">')


@pytest.mark.parametrize(
    "mime",
    [
        "application/javascript", "image/svg+xml", "text/latex", "text/markdown", "application/json",
        "text/vnd.mermaid",
        "application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json", "application/pdf",
    ],
)  # fmt: skip
def test_other_kinds_of_content_are_replaced_by_a_note(mime: str) -> None:
    assert cleaned({mime: "x"}) == {"text/plain": f"[not shown: {mime}; only text, tables and pictures are]"}


def test_a_picture_must_be_a_picture() -> None:
    assert cleaned({"image/png": PIXEL, "text/plain": "x"}) == {"image/png": PIXEL, "text/plain": "x"}
    assert "image/png" not in cleaned({"image/png": '"><script>'})


def test_attachments_that_are_no_pictures_are_dropped() -> None:
    attachments = {"a.png": {"image/png": PIXEL}, "b": {"text/html": "<b>"}, "c": "x", "d": {"image/png": "<>"}}

    assert clean_attachments(attachments) == {"a.png": {"image/png": PIXEL}}


@pytest.mark.parametrize("address", ["https://evil.example/x.png", "/hub/logout", "data:image/gif;base64,R0lGODlh", ""])
def test_a_picture_that_is_not_shown_leaves_its_name(address: str) -> None:
    assert clean_html(f'<img alt="the > map" src="{address}">') == (
        "[picture not shown: the &gt; map; only PNG and JPEG pictures inside the notebook are]"
    )


def test_a_drawing_in_html_leaves_a_note() -> None:
    assert clean_html("<b>x</b><svg><text>y</text></svg>").endswith(
        " [not shown: svg; only text, tables and pictures are]"
    )


def test_a_note_stands_beside_the_text_unless_something_better_is_shown() -> None:
    plain = {"image/svg+xml": "<svg/>", "text/plain": "<Figure>"}

    assert cleaned(plain)["text/plain"].startswith("<Figure>\n[not shown: image/svg+xml;")
    assert cleaned({**plain, "image/png": PIXEL}) == {"image/png": PIXEL, "text/plain": "<Figure>"}


def test_notes_are_in_the_language_of_the_page() -> None:
    assert "no se muestra: image/gif" in cleaned({"image/gif": "x"}, Language.ES)["text/plain"]
    assert "picture" not in clean_html("<img>", Language.FR)


def test_html_that_was_not_drawn_is_shown_as_it_was_written() -> None:
    shown = clean_bundle({"text/html": "<b>x</b>"}, lambda _: None, Language.EN)

    assert shown["text/plain"].endswith("to be drawn]\n<b>x</b>")


def test_cleaning_twice_changes_nothing_more() -> None:
    html = '<p><a href="https://evil.example/?a=1&amp;b=2">x</a> <img alt="y"> <code>a &lt; b</code></p>'

    assert clean_html(clean_html(html)) == clean_html(html)


@pytest.mark.parametrize("html", ["<div>" * 1000, "<b>x</b>" * 60_000, "<li>" * 1000, "<b" + " a=1" * 2000 + ">"])
def test_too_many_tags_are_too_much(html: str) -> None:
    assert is_too_much(html)


def test_a_table_of_a_thousand_rows_is_not_too_much() -> None:
    assert not is_too_much(f"<table>{'<tr><td>1<br></td><td>2</td></tr>' * 1000}</table>")


def test_a_long_text_is_cut_and_says_so() -> None:
    assert cut("abcdef", Language.EN, 2) == "ab\n[cut here: 4 more characters are not shown]"
    assert cut("a\x1b[31mb", Language.EN) == "ab"


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_every_note_is_translated_with_its_places(language: str) -> None:
    entries = {entry.msgid: entry.msgstr for entry in polib.pofile(str(CATALOGUES / f"grading.{language}.po"))}

    for note in (sanitising.NOT_SHOWN, sanitising.PICTURE_NOT_SHOWN, sanitising.NO_NAME, sanitising.AS_WRITTEN,
                 sanitising.CUT):  # fmt: skip
        assert set(re.findall(r"{\w+}", note)) == set(re.findall(r"{\w+}", entries[note])), note
