"""``csirtlab bench attacks``: where attacks are found, how they are read, and what a quick run prints."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from csirtlab.bench.attacks.evidence import Outcome
from csirtlab.bench.attacks.ours import broken_promises
from csirtlab.bench.attacks.play import chosen
from csirtlab.bench.attacks.sources import Expect, find_attacks, read_attack
from csirtlab.errors import SetupError

ROOT = Path(__file__).resolve().parents[2]
ATTACKS = ROOT / "tests" / "attacks"
WRITTEN = """+++
tries = "Something."
must = "Nothing happens."
expect = "score"
+++

```{code-cell}
got("it")
```
"""


def test_attacks_are_found_from_anywhere_in_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "docs" / "explanation")

    assert find_attacks() == ATTACKS


def test_outside_a_checkout_it_says_how_to_name_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SetupError, match="--attacks CHECKOUT/tests/attacks"):
        find_attacks()


def test_an_attack_is_read_from_its_front_matter_and_blocks(tmp_path: Path) -> None:
    path = tmp_path / "one.md"
    path.write_text(WRITTEN)

    attack = read_attack(path)

    assert (attack.name, attack.expect, attack.own, attack.neighbour) == ("one", Expect.SCORE, 10, "zoe")
    assert attack.cells == ('got("it")\n',)


@pytest.mark.parametrize(
    "edit",
    [("expect", "expects"), ('"score"', '"luck"'), ("+++\n\n", "\n\n"), ("{code-cell}", "python")],
)
def test_a_file_that_is_not_written_as_an_attack_is_named(tmp_path: Path, edit: tuple[str, str]) -> None:
    path = tmp_path / "one.md"
    path.write_text(WRITTEN.replace(*edit))

    with pytest.raises(SetupError, match=r"one\.md: not written as an attack is"):
        read_attack(path)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome(24, "", "", ("24 points in the place of 10",), 1), "24 points in the place of 10"),
        (Outcome(3, "", "", (), 1), "3 points in the place of 10; no reason"),
        (Outcome(None, "It is a link.", "", (), 1), "None points in the place of 10; It is a link."),
        (Outcome(10, "", "", ("something of the gradebook was seen",), 1), "something of the gradebook was seen"),
    ],
)
def test_a_promise_is_broken_by_any_harm_and_by_points_lost(tmp_path: Path, outcome: Outcome, said: str) -> None:
    (tmp_path / "one.md").write_text(WRITTEN)

    assert said in broken_promises(read_attack(tmp_path / "one.md"), outcome)


def test_the_quick_sample_has_thirty_of_each_kind() -> None:
    quick, full = chosen(ATTACKS, quick=True), chosen(ATTACKS, quick=False)

    assert 30 <= len(quick.grading) < len(full.grading)
    assert 30 <= len(quick.hub) < len(full.hub)


def test_attacks_are_chosen_by_name() -> None:
    named = chosen(ATTACKS, quick=False, only=["eq-always-true", "plain-address"])

    assert [each.name for each in named.grading] == ["eq-always-true"]
    assert [each.name for each in named.hub] == ["plain-address"]


def test_a_name_that_no_attack_has_is_told() -> None:
    with pytest.raises(SetupError, match="no attack is called nothing"):
        chosen(ATTACKS, quick=False, only=["nothing"])


@pytest.mark.slow
@pytest.mark.browser
def test_a_run_plays_both_kinds_on_all_sides() -> None:
    names = ["eq-always-true", "read-the-gradebook", "gates-own-headers"]
    done = subprocess.run(
        [str(ROOT / "csirtlab"), "bench", "attacks", "--json", *(word for name in names for word in ("--only", name))],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["attacks"], told["succeeded"]) == (2, 0)
    assert told["succeeded_nbgrader"] == sum(each["nbgrader"] for each in told["by_name"]) > 0
    assert all({"name", "tries", "ours", "nbgrader"} <= set(each) for each in told["by_name"])
    assert (told["hub_attacks"], told["hub_succeeded"]) == (1, 0)
    assert [each["name"] for each in told["hub_by_name"]] == ["gates-own-headers"]
