"""Wrong for me, right for you: told to the instructor, and only where chance does not explain it."""

import json
import stat
from pathlib import Path

import pytest
from tests.grading.questions import ask
from tests.grading.workshops import LAB, make_workshop

from csirtlab.content.labs import Form, Kind, Tolerance, read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.grading.neighbours import Neighbour, compare, telling
from csirtlab.settings import content_root

HOST = ask(Form.ADDRESS, question_id="host")
STRANGERS = {f"stranger {number}": {"host": f"10.9.{number}.1"} for number in range(80)}
TRUTHS = {"ana": {"host": "10.0.0.1"}, "ben": {"host": "10.0.0.2"}, "cid": {"host": "10.0.0.3"}}


def test_a_wrong_answer_that_is_a_neighbours_truth_names_the_neighbour() -> None:
    found = compare([HOST], {"ana": {"host": "10.0.0.2"}}, TRUTHS, STRANGERS)

    assert found == [Neighbour("ana", "host", "10.0.0.2", ("ben",), found[0].chance)]
    assert 0 < found[0].chance < 0.01


def test_an_answer_that_is_right_for_oneself_is_nobody_elses() -> None:
    shared = TRUTHS | {"ben": {"host": "10.0.0.1"}}

    assert compare([HOST], {"ana": {"host": "10.0.0.1"}}, shared, STRANGERS) == []


def test_an_answer_that_is_nobodys_truth_tells_nothing() -> None:
    assert compare([HOST], {"ana": {"host": "192.0.2.1"}, "ben": {"host": None}}, TRUTHS, STRANGERS) == []


def test_what_cases_often_share_is_not_told() -> None:
    count = ask(Form.COUNT, question_id="host")
    truths = {name: {"host": number} for number, name in enumerate(("ana", "ben", "cid"))}
    strangers = {f"stranger {number}": {"host": number % 4} for number in range(80)}

    assert compare([count], {"ana": {"host": 1}}, truths, strangers) == []


def test_a_wide_tolerance_makes_chance_likelier() -> None:
    truths = {name: {"host": 1000 * number} for number, name in enumerate(("ana", "ben", "cid"), 1)}
    strangers = {f"stranger {number}": {"host": 5000 + 100 * number} for number in range(80)}
    narrow, wide = (ask(Form.COUNT, question_id="host", tolerance=Tolerance(absolute=each)) for each in (1, 900))

    assert compare([narrow], {"ana": {"host": 2000}}, truths, strangers)[0].true_for == ("ben",)
    assert compare([wide], {"ana": {"host": 2000}}, truths, strangers) == []


def test_choices_short_lists_methods_and_reports_tell_nothing() -> None:
    lab = read_lab(content_root(), "c2-beacon")
    scenario = read_scenario(content_root(), lab.scenario)

    asked = telling(lab, scenario)

    assert "infected_host" in {question.id for question in asked}
    assert {question.kind for question in asked} == {Kind.FINDING}
    short = {fact.name for fact in scenario.facts if fact.is_from_short_list}
    assert not short & {question.fact for question in asked}


@pytest.mark.slow
def test_the_instructor_alone_is_told_and_no_score_is_lowered(tmp_path: Path) -> None:
    workshop = make_workshop(tmp_path, ("ana", "ben"))
    copied = workshop.right("ana") | {"infected_host": workshop.right("ben")["infected_host"]}
    workshop.hand_in("ana", copied)
    workshop.hand_in("ben", workshop.right("ben"))

    done = workshop.grade()
    kept = workshop.cohort / "neighbours" / f"{LAB}.json"

    (found,) = json.loads(kept.read_text())
    assert (found["trainee"], found["question"], found["true_for"]) == ("ana", "infected_host", ["ben"])
    assert found["chance"] < 0.05
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert done["neighbours"] == 1
    assert workshop.scores() == {"ana": (0.0, 5.0, None), "ben": (10.0, 5.0, None)}
    assert b"neighbour" not in workshop.autograded()["ana/quick/quick.ipynb"]
