"""The search for what acts in a page finds what an attack would put there."""

import pytest

from csirtlab.bench.attacks.pages import acting

FRAME = '<div id="notebook-container">{}</div></body>'
REL = 'rel="noopener noreferrer"'


@pytest.mark.parametrize(
    "html",
    [
        "<script>x</script>", "<b onclick='x'>b</b>", "<img src='https://evil.example/x.png'>", "<iframe></iframe>",
        "<p style='position: fixed'>x</p>", f"<a {REL} href='https://evil.example/'>Full credit</a>",
        "<a href='https://evil.example/'>https://evil.example/</a>", "<form></form>", "<svg></svg>",
    ],
)  # fmt: skip
def test_what_acts_is_found(html: str) -> None:
    assert acting(FRAME.format(html))


@pytest.mark.parametrize(
    "html",
    ["<b>x</b>", f"<a {REL} href='https://a.example/'>https://a.example/</a>", "<img src='data:image/png;base64,AA'>"],
)
def test_what_does_not_is_not(html: str) -> None:
    assert acting(FRAME.format(html)) == []


def test_a_page_without_its_frame_is_told() -> None:
    assert acting("<p>x</p>") == ["the page lost its frame"]
