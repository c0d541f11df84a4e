"""Pages say whom they are for, say one thing a line, and lead to pages that exist."""

import re
from pathlib import Path

import pytest
from pages import PAGES, ROOT, links, name_of, parse, prose  # type: ignore[import-not-found]

_LEAD = re.compile(r"^(\s*([-*]|\d+\.)\s+)?(\*\*[^*]+\*\*\s)?")  # of a list, and the words in bold that name the item
_NEW_SENTENCE = re.compile(r"[.!?][)*_]*\s+[\"(*_]*[A-ZÁÉÍÓÚ]")
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|etc|cf|vs|Dr|No)\.")


def anchors(page: Path) -> set[str]:
    """Return the names by which a page's headings can be linked to, as GitHub makes them."""
    headings = [line.text.lstrip("# ") for line in parse(page)[0] if line.text.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_starts_with_whom_it_is_for_and_what_they_can_do_after(page: Path) -> None:
    first, second = [line.text for line in prose(page)][:2]

    assert page.read_text(encoding="utf-8").startswith("# ")
    assert first.startswith("For ") and first.endswith(".")
    assert second.startswith("After this page you can ") and second.endswith(".")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_line_holds_one_sentence(page: Path) -> None:
    crowded = []
    for line in prose(page):
        text = _ABBREVIATION.sub("", re.sub(r"`[^`]*`", "code", _LEAD.sub("", line.text)))
        if _NEW_SENTENCE.search(text):
            crowded.append(f"{name_of(page)}:{line.number}: {line.text}")

    assert crowded == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for number, target in links(page):
        path, _, anchor = target.partition("#")
        if path.startswith(("http://", "https://")):
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append(f"{name_of(page)}:{number}: {target}")

    assert lost == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    found, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        found.add(page)
        there = {(page.parent / target.partition("#")[0]).resolve() for _, target in links(page)}
        ahead += [each for each in there if each.suffix == ".md" and each in PAGES and each not in found]

    assert found == set(PAGES)


def test_the_readmes_picture_is_there_and_small() -> None:
    assert 10_000 < (ROOT / "docs" / "pictures" / "lab.png").stat().st_size < 300_000
