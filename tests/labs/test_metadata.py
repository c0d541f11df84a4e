"""A lab's mappings, facts, links and images are checked before anybody is given it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from csirtlab.content.frameworks import read_frameworks
from csirtlab.content.labs import Lab, read_lab
from csirtlab.labs.leaks import found_in, leak_problems, telling_texts
from csirtlab.labs.metadata import metadata_problems
from csirtlab.settings import content_root

Change = Callable[..., Lab]


@pytest.fixture
def changed(tmp_path: Path) -> Change:
    """Make c2-beacon with some of its text replaced: ``changed("lab.toml", old, new)``."""

    def change(name: str, old: str, new: str) -> Lab:
        folder = tmp_path / "labs" / "c2-beacon"
        folder.mkdir(parents=True)
        for each in ("lab.toml", "lab.md"):
            text = (content_root() / "labs" / "c2-beacon" / each).read_text(encoding="utf-8")
            assert each != name or old in text
            (folder / each).write_text(text.replace(old, new) if each == name else text, encoding="utf-8")
        return read_lab(tmp_path, "c2-beacon")

    return change


def problems(lab: Lab) -> str:
    return "\n".join(metadata_problems(content_root(), lab)).replace(f"{lab.folder}/", "")


def test_the_lab_as_it_is_has_no_problems() -> None:
    assert metadata_problems(content_root(), read_lab(content_root(), "c2-beacon")) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"T1573.002"', '"T1562.001"', "ATT&CK has revoked T1562.001. Write T1685."),
        ('"T1573.002"', '"T0855"', "ATT&CK has revoked T0855. Write T1692.001."),
        ('"T1573.002"', '"T9999"', "Look it up at attack.mitre.org, then add it"),
        ('"PD-WRL-001"', '"PD-WRL-999"', "Known: PD-WRL-001"),
        ('"Event analysis"', '"Event analyzing"', "not a name in FIRST's CSIRT Services Framework"),
        ('scenario = "c2-beacon"', 'scenario = "c2-bacon"', 'there is no scenario "c2-bacon"'),
        ('fact = "look_alike"', 'fact = "lookalike"', "Facts there: "),
        ('fact = "look_alike"', 'fact = "bytes_out"', "Let both agree."),
        ("points = 20", "points = 10", "worth 90 points in all. Let them be 100."),
    ],
)
def test_a_wrong_word_in_the_metadata_is_found(changed: Change, old: str, new: str, words: str) -> None:
    lab = changed("lab.toml", old, new)

    assert words in problems(lab)


def test_a_problem_is_told_at_its_line(changed: Change) -> None:
    lab = changed("lab.toml", '"T1573.002"', '"T1562.001"')

    assert problems(lab).startswith("lab.toml:17: ATT&CK has revoked")


@pytest.mark.parametrize("image", ["![](https://example.org/x.png)", '<img src="x.png">', '<img src="x.png" alt="">'])
def test_an_image_without_words_is_found(changed: Change, image: str) -> None:
    lab = changed("lab.md", "## How this lab works", f"## How this lab works\n\n{image}")

    assert "no alternative text" in problems(lab)


def test_an_image_with_words_is_taken(changed: Change) -> None:
    lab = changed("lab.md", "## How this lab works", "![The switch](https://example.org/x.png)")

    assert problems(lab) == ""


@pytest.mark.parametrize("target", ["../c2-beacon/solution.py", "http://example.org", "https:example", ""])
def test_a_link_that_leads_nowhere_is_found(changed: Change, target: str) -> None:
    lab = changed("lab.md", "## How this lab works", f"## How this lab works\n\nSee [this]({target}).")

    assert "leads nowhere" in problems(lab)


def test_no_technique_is_both_known_and_revoked() -> None:
    known = read_frameworks()

    assert not set(known.techniques) & set(known.revoked)


def test_an_answer_in_a_file_is_found_however_it_is_written() -> None:
    files = {"sheet": "seen 10.1.2.3 and 10:11:12", "notebook": "10.1.2.30 sent 96001 bytes to WWW.Example.org"}
    truth = {"host": "10.1.2.3", "names": frozenset({"www.example.org"}), "sent": 96001, "few": 12, "kind": "beacon"}

    assert {(place, fact) for place, fact, _ in found_in(files, truth)} == {
        ("sheet", "host"), ("notebook", "names"), ("notebook", "sent"),
    }  # fmt: skip


def test_words_and_small_numbers_are_not_searched_for() -> None:
    assert list(telling_texts(["beacon", 12, True, 443])) == []


def test_a_lab_that_gives_an_answer_away_is_found(changed: Change) -> None:
    from csirtlab.content.scenarios import read_scenario
    from csirtlab.evidence.cases import ground_truth
    from csirtlab.evidence.seeds import seed_of_text

    truth = ground_truth(read_scenario(content_root(), "c2-beacon"), seed_of_text("leaks/c2-beacon/0"))
    lab = changed("lab.md", "## How this lab works", f"## How {truth['c2_domain']} works")

    (problem,) = leak_problems(content_root(), lab, 1)

    assert "gives away c2_domain of case 0" in problem
