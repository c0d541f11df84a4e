"""Hints are paid at the price that was told, outside the box, and the reason says so."""

from pathlib import Path

import pytest

from csirtlab.content.labs import Lab, read_lab
from csirtlab.errors import GradingError
from csirtlab.grading.charging import charge, hints_of
from csirtlab.grading.verdicts import Verdict
from csirtlab.labs.hints import HINTS_FILE, hints_text
from csirtlab.languages import Language
from csirtlab.settings import content_root


@pytest.fixture(scope="module")
def lab() -> Lab:
    return read_lab(content_root(), "c2-beacon")


def test_each_hint_takes_its_share_of_the_questions_points(lab: Lab) -> None:
    charged = charge(lab, {"infected_host": Verdict(1.0, "Right.")}, {"infected_host": [10, 20]}, Language.EN)

    assert charged["infected_host"].worth == pytest.approx(0.7)
    assert charged["infected_host"].reason == "Right. For hints seen before (2), 3 points are taken off."


def test_nobody_falls_below_nothing(lab: Lab) -> None:
    verdicts = {"infected_host": Verdict(0.0, "Not right."), "c2_domain": Verdict(0.2, "Partly.")}

    charged = charge(lab, verdicts, {"infected_host": [30], "c2_domain": [30]}, Language.EN)

    assert charged["infected_host"] == verdicts["infected_host"]
    assert charged["c2_domain"].worth == 0


def test_free_hints_leave_the_verdict_as_it_is(lab: Lab) -> None:
    verdicts = {"infected_host": Verdict(1.0, "Right.")}

    assert charge(lab, verdicts, {"infected_host": [0, 0, 0]}, Language.EN) == verdicts


def test_the_prices_come_from_the_note_beside_the_submission(tmp_path: Path) -> None:
    (tmp_path / HINTS_FILE).write_text(hints_text({"infected_host": [10]}), encoding="utf-8")

    assert hints_of(tmp_path) == {"infected_host": (10,)}
    assert hints_of(tmp_path / "by hand") == {}


@pytest.mark.parametrize("note", ["", "[]", '{"infected_host": 10}', '{"infected_host": [-10]}'])
def test_a_damaged_note_stops_the_grading(tmp_path: Path, note: str) -> None:
    (tmp_path / HINTS_FILE).write_text(note, encoding="utf-8")

    with pytest.raises(GradingError, match="Collect the submission again"):
        hints_of(tmp_path)
