"""What is shown of a trainee's outputs, and what is not."""

import pytest

from csirtlab.grading.sanitising import clean_attachments, clean_bundle, clean_html

PIXEL = "iVBORw0KGgo="


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<b>bold</b>", "<b>bold</b>"),
        ("<script>alert(1)</script>x", "x"),
        ('<b onclick="x()">b</b>', "<b>b</b>"),
        ('<a href="javascript:x()">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<a href="/hub/admin">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<img src="https://evil.example/x.png">', "<img>"),
        ('<span class="score k" id="x">k</span>', '<span class="k">k</span>'),
        ("<table><tr><th>h</th></tr></table>", "<table><tbody><tr><th>h</th></tr></tbody></table>"),
    ],
)
def test_html_keeps_its_text_and_loses_what_acts(html: str, cleaned: str) -> None:
    assert clean_html(html) == cleaned


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
    assert clean_bundle({mime: "x"}) == {"text/plain": "[not shown: only text, tables and pictures are]"}


def test_a_picture_must_be_a_picture() -> None:
    assert clean_bundle({"image/png": PIXEL, "text/plain": "x"}) == {"image/png": PIXEL, "text/plain": "x"}
    assert "image/png" not in clean_bundle({"image/png": '"><script>'})


def test_attachments_that_are_no_pictures_are_dropped() -> None:
    attachments = {"a.png": {"image/png": PIXEL}, "b": {"text/html": "<b>"}, "c": "x", "d": {"image/png": "<>"}}

    assert clean_attachments(attachments) == {"a.png": {"image/png": PIXEL}}
