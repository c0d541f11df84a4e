"""What trainees wrote costs no more than its share, whatever it is."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from csirtlab.grading.drawing import Drawer, Share
from csirtlab.languages import Language

EN = Language.EN
MOST_S = 15.0  # an honest piece takes milliseconds, a hostile one up to its limit, on a busy machine

HOSTILE = {
    "html in html": ("html", "<div>" * 200_000),
    "attributes": ("html", "<b " + " ".join(f"a{number}=1" for number in range(200_000)) + ">x</b>"),
    "latex": ("markdown", "\\begin{a}" * 20_000),
    "latex below the bound": ("markdown", ("\\begin{a}" + "x" * 400) * 450),
    "quotes in quotes": ("markdown", "> " * 5_000 + "a"),
    "lists in lists": ("markdown", "\n".join("  " * depth + "- a" for depth in range(600))),
    "brackets": ("markdown", "[" * 100_000),
    "emphasis": ("markdown", "*a **b _c __d " * 10_000),
    "references": ("markdown", "\n\n".join(f"[a{number}]: x" for number in range(9_000)) + "[a]" * 9_000),
    "table": ("markdown", "|a" * 5_000 + "|\n" + "|-" * 5_000 + "|\n" + ("|a" * 5_000 + "|\n") * 15),
    "html in markdown": ("markdown", "<div>\n\n" * 25_000),
    "fence": ("markdown", "```python\n" + "1+" * 90_000 + "\n```"),
    "colours": ("ansi", "\x1b[1mx" * 90_000),
    "one endless escape": ("ansi", "\x1b[" + "1;" * 240_000 + "m"),
    "unfinished escapes": ("ansi", "\x1b[" * 240_000),
    "code": ("code", "1+" * 99_000),
    "parentheses": ("code", "(" * 199_000),
}


@pytest.fixture(scope="module")
def drawer() -> Iterator[Drawer]:
    drawer = Drawer()
    yield drawer
    drawer.close()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_a_hostile_piece_ends_in_time_and_the_next_one_is_drawn(drawer: Drawer, name: str) -> None:
    kind, text = HOSTILE[name]
    drawer.draw(kind, "x", EN, Share())
    began = time.monotonic()

    drawer.draw(kind, text, EN, Share())

    assert time.monotonic() - began < MOST_S
    assert "fine" in (drawer.draw("html", "<b>fine</b>", EN, Share()) or "")


def test_each_kind_is_drawn(drawer: Drawer) -> None:
    assert drawer.draw("html", "<b onclick='x'>b</b>", EN, Share()) == "<b>b</b>"
    assert drawer.draw("markdown", "*a* <script>b</script>", EN, Share()) == "<p><em>a</em> </p>\n"
    assert drawer.draw("ansi", "\x1b[31m<b>\x1b[0m", EN, Share()) == '<span class="ansi-red-fg">&lt;b&gt;</span>'
    assert '<span class="mi">1</span>' in str(drawer.draw("code", "1", EN, Share()))


def test_memory_is_limited(drawer: Drawer) -> None:
    assert drawer.draw("html", "<b>" + "x" * 1_900_000, EN, Share()) is not None
    assert drawer.draw("html", "x" * 2_100_000, EN, Share()) is None


def test_a_pasted_gif_leaves_a_note_in_the_pages_language(drawer: Drawer) -> None:
    drawn = drawer.draw("markdown", "![map](attachment:map.gif)", Language.ES, Share(), {})

    assert drawn is not None
    assert "imagen no mostrada: map" in drawn


def test_an_attached_picture_is_shown(drawer: Drawer) -> None:
    attachments = {"map.png": {"image/png": "iVBORw0KGgo="}}

    drawn = drawer.draw("markdown", "![map](attachment:map.png)", EN, Share(), attachments)

    assert '<img src="data:image/png;base64,iVBORw0KGgo=" alt="map">' in str(drawn)


@pytest.mark.slow
def test_a_page_of_hostile_pieces_costs_no_more_than_two_of_them(drawer: Drawer) -> None:
    share, began = Share(), time.monotonic()

    drawn = [drawer.draw("ansi", "\x1b[" + "1;" * 249_000 + "m", EN, share) for _ in range(100)]

    assert drawn == [None] * 100
    assert time.monotonic() - began < 3 * MOST_S


def test_tags_of_a_page_are_counted(drawer: Drawer) -> None:
    share = replace(Share(), tags=10)

    assert drawer.draw("html", "<b>x</b>" * 6, EN, share) is not None
    assert drawer.draw("html", "<b>x</b>", EN, share) is None


def test_the_process_of_a_drawer_has_nothing_of_ours_in_its_environment(
    drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "a-token-of-ours")
    own = Drawer()
    try:
        own.draw("html", "x", EN, Share())
        assert own._process is not None
        assert b"a-token-of-ours" not in Path(f"/proc/{own._process.pid}/environ").read_bytes()
    finally:
        own.close()
