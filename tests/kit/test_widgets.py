"""Views of a case: what they show is also there in words and as a table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from csirtlab.kit import Case, connection_gaps, open_case, packet_browser, timeline
from csirtlab.kit.plots import rhythm_picture, round_ticks

HOST, SERVER = "10.1.2.3", "192.0.2.10:443"


def control(view: Any, kind: str) -> Any:
    return next(child for child in view.children if type(child).__name__ == kind)


def test_gaps_come_as_a_table(case: Case) -> None:
    gaps = connection_gaps(case, HOST, SERVER)

    assert gaps["gap"].isna().tolist() == [True, *[False] * 7]
    assert gaps["gap"].dropna().unique().tolist() == [60.0]
    assert str(gaps["time"].iloc[0]) == "2026-03-04 10:11:12+00:00"


def test_a_server_is_named_by_its_address_too_and_all_pairs_come_without_it(case: Case) -> None:
    assert len(connection_gaps(case, HOST, "192.0.2.10")) == len(connection_gaps(case)) == 8
    assert connection_gaps(case, "10.9.9.9").empty


def test_the_timeline_offers_the_pairs_with_their_counts(case: Case) -> None:
    assert control(timeline(case), "Dropdown").options == ((f"{HOST} → {SERVER} (8)", (HOST, SERVER)),)


def test_the_timeline_says_in_words_what_it_draws(case: Case) -> None:
    picture, words = timeline(case).children[2:]

    assert "8 connections" in words.value
    assert "median 60.0 s" in words.value
    assert "median 60.0 s" in ElementTree.fromstring(picture.value).findtext("{*}desc", "")


def test_narrowing_the_part_leaves_the_rest_out(case: Case) -> None:
    view = timeline(case)

    control(view, "FloatRangeSlider").value = (0, 50)

    assert "4 connections" in view.children[3].value


def test_the_labels_are_in_the_trainees_language(make_case: Callable[[str], Path]) -> None:
    view = timeline(open_case(make_case("pt")))

    assert control(view, "Dropdown").description == "Par"
    assert "8 conexões" in view.children[3].value
    assert "Início das conexões (UTC)" in view.children[2].value


def test_a_pair_that_is_not_there_is_told(case: Case) -> None:
    assert "No host opens three or more" in timeline(case, "10.9.9.9").value


@pytest.mark.parametrize("starts", [[], [1.0], [1.0, 1.0], [1.0, 2.0, 4.0]])
def test_any_number_of_starts_gives_a_whole_picture(starts: list[float]) -> None:
    svg = ElementTree.fromstring(rhythm_picture(starts, title="<a>", description="b & c", labels=["1", "2", "3"]))

    assert svg.findtext("{*}title") == "<a>"
    assert svg.get("role") == "img"


def test_the_browser_lists_packets_and_dissects_the_chosen_one(case: Case) -> None:
    view = packet_browser(case, "dns")
    listed, full = view.children[3:]

    assert [value for _, value in listed._options_full] == ["1"]
    listed.value = "1"
    assert "c2.example" in full.value
    assert "Domain Name System" in full.value


def test_a_wrong_filter_in_the_browser_is_told_in_place(case: Case) -> None:
    view = packet_browser(case)

    control(view, "Text").value = "dns ="

    assert "does not understand the display filter" in view.children[2].children[1].value


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0.0, [0, 1]),
        (44.3, [0, 10, 20, 30, 40, 50]),
        (60.0, [0, 20, 40, 60]),
        (449.0, [0, 100, 200, 300, 400, 500]),
        (0.3, [0, 0.1, 0.2, 0.3]),
        (9.9, [0, 2, 4, 6, 8, 10]),
    ],
)
def test_axes_have_round_numbers(most: float, ticks: list[float]) -> None:
    assert round_ticks(most) == ticks
