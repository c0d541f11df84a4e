"""Views over a whole capture: each shows in words and as a table what it draws, and the code gives the same."""

import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from csirtlab.kit import (
    Case,
    activity,
    activity_timeline,
    conversation_graph,
    conversations,
    open_case,
    packet_browser,
    packet_list,
    periodicity,
    periodicity_plot,
)
from csirtlab.kit.drawings import Edge, activity_picture, conversation_picture, curve_picture
from csirtlab.kit.timing import peak, self_likeness

HOST, SERVER, RESOLVER = "10.1.2.3", "192.0.2.10", "10.1.2.1"
START = 1772619072.0


def words(view: Any) -> str:
    return str(view.children[-1].value)


def picture(view: Any) -> Any:
    return ElementTree.fromstring(view.children[-2].value)


def test_conversations_are_summed_up_in_both_directions(case: Case) -> None:
    found = conversations(case)

    assert found[["a", "b", "packets"]].values.tolist() == [[HOST, SERVER, 8], [HOST, RESOLVER, 1]]
    assert (found["sent"] + found["received"]).tolist() == found["bytes"].tolist()
    assert str(found["first"].iloc[0]) == "2026-03-04 10:11:12+00:00"


@pytest.mark.parametrize("start", [START + 61, "2026-03-04T10:12:13Z", "2026-03-04 10:12:13"])
def test_a_time_narrows_them_however_it_is_written(case: Case, start: object) -> None:
    assert conversations(case, start=start)["packets"].tolist() == [6]


def test_activity_counts_every_packet_once(case: Case) -> None:
    assert activity(case, bins=10)["packets"].sum() == 9
    assert len(activity(case, bins=10)) == 10
    assert activity(case, "icmp").empty


def test_the_graph_draws_the_hosts_of_the_largest_conversations(case: Case) -> None:
    drawn = picture(conversation_graph(case))

    labels = [text.text for text in drawn.findall("{*}text")]
    assert labels[2:] == [RESOLVER, f"ws-1 · {HOST}", SERVER]
    assert drawn.findtext("{*}desc") == "2 of 2 conversations, with 100 % of all bytes."


def test_the_graph_has_the_same_table_as_the_code_beside_it(case: Case) -> None:
    shown = words(conversation_graph(case))

    for row in conversations(case).itertuples():
        assert f"{row.a}</td>" in shown and f"{row.b}</td>" in shown and f"{row.bytes}</td>" in shown
    assert ">conversations(case)</code>" in shown


def test_a_chosen_host_is_told_of_in_words(case: Case) -> None:
    view = conversation_graph(case)

    view.children[2].value = SERVER

    assert f"{SERVER} talks to 1 hosts: 8 packets" in words(view)
    assert RESOLVER not in words(view)


def test_fewer_conversations_are_drawn_when_asked(case: Case) -> None:
    view = conversation_graph(case)

    view.children[1].value = 1

    assert "1 of 2 conversations" in words(view)
    assert RESOLVER not in view.children[-2].value


def test_the_brush_says_what_lies_in_its_part(case: Case) -> None:
    view = activity_timeline(case)
    everything = words(view)

    view.children[1].index = (60, 119)

    assert "9 packets" in everything and "2 conversations" in everything
    assert "4 packets" in words(view) and "1 conversations" in words(view)


def test_the_code_beside_the_brush_gives_what_it_shows(case: Case) -> None:
    view = activity_timeline(case)
    view.children[1].index = (60, 119)

    code = words(view).split('user-select: all">')[1].split("<")[0]

    found = eval(code, {"case": case, "conversations": conversations})
    assert found["packets"].sum() == 4


def test_what_repeats_has_its_peak_at_its_interval(case: Case) -> None:
    lag, likeness = peak(periodicity(case, HOST, SERVER)) or (0.0, 0.0)

    assert lag == pytest.approx(60, abs=3)
    assert likeness > 0.5


def test_a_jittered_timer_is_told_from_chance() -> None:
    dice = np.random.default_rng(1)
    timer = np.cumsum(dice.uniform(54, 66, 80))
    chance = np.sort(dice.uniform(0, 4800, 80))

    lag, likeness = peak(self_likeness(timer.tolist())) or (0.0, 0.0)
    _, by_chance = peak(self_likeness(chance.tolist())) or (0.0, 0.0)

    assert lag == pytest.approx(60, abs=4)
    assert likeness > 1.5 * by_chance


@pytest.mark.parametrize("starts", [[], [1.0], [1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
def test_too_little_to_compare_has_no_peak(starts: list[float]) -> None:
    assert peak(self_likeness(starts)) is None


def test_the_plot_says_in_words_after_which_time_it_repeats(case: Case) -> None:
    view = periodicity_plot(case)

    assert "8 connections. They are most like themselves after 60" in words(view).replace("59.", "60").replace(
        "57.", "60"
    )
    assert f"periodicity(case, {HOST!r}, ".replace("'", "&#x27;") in words(view)


def test_a_pair_that_does_not_repeat_is_told_so(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("csirtlab.kit.timing.self_likeness", lambda _: self_likeness([0.0, 1.0, 7.0, 8.0, 30.0, 31.0]))
    monkeypatch.setattr("csirtlab.kit.timing.peak", lambda _: (12.0, 0.1))

    assert "No time after which they repeat" in words(periodicity_plot(case))


def test_the_list_of_packets_is_what_the_browser_shows(case: Case) -> None:
    listed = packet_browser(case, "dns").children[3].options
    (row,) = packet_list(case, "dns").itertuples(index=False)

    assert str(row.number) == listed[0][1]
    assert row.info in listed[0][0]


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
@pytest.mark.parametrize("view", [conversation_graph, activity_timeline, periodicity_plot])
def test_nothing_of_a_view_stays_english(
    view: Callable[[Case], Any], language: str, make_case: Callable[[str], Path]
) -> None:
    shown = view(open_case(make_case(language)))

    texts = [getattr(child, "description", "") for child in shown.children] + [shown.children[-2].value, words(shown)]
    assert not [word for word in ("packets", "talks", "Host", " in each ", "after") if word in " ".join(texts)]


def test_a_capture_without_ip_is_told(case: Case) -> None:
    assert "No IP packets match here." in conversation_graph(case, "icmp").value
    assert "No IP packets match here." in activity_timeline(case, "icmp").value
    assert "No host opens six or more" in periodicity_plot(case, "10.9.9.9").value


@pytest.mark.parametrize(
    "svg",
    [
        conversation_picture([], {}, chosen=None, title="<a>", description="b & c", labels=["1", "2"]),
        conversation_picture(
            [Edge("fe80::1", "ff02::1", 0), Edge("10.0.0.1", "not an address", 5)], {"10.0.0.1": "<x>"},
            chosen="10.0.0.1", title="<a>", description="", labels=["1", "2"],
        ),
        activity_picture([], [], brushed=(0, 1), title="<a>", description="", label=""),
        activity_picture([1.0], [5.0], brushed=(0, 1), title="<a>", description="", label=""),
        curve_picture([], [], marked=None, title="<a>", description="", labels=["", ""]),
        curve_picture([1.0, 2.0], [-0.2, 1.2], marked=2.0, title="<a>", description="", labels=["", ""]),
    ],
)  # fmt: skip
def test_any_content_gives_a_whole_picture(svg: str) -> None:
    whole = ElementTree.fromstring(svg)

    assert (whole.findtext("{*}title"), whole.get("role")) == ("<a>", "img")


@pytest.fixture
def large_case(make_case: Callable[[str], Path]) -> Case:
    """A case of 100,000 packets between 1,000 hosts and a server."""
    folder = make_case("en")
    frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    frames = [bytes(frame / IP(src=f"10.1.{n // 200}.{n % 200}", dst=SERVER) / UDP() / b"x") for n in range(1000)]
    with (folder / "evidence" / "capture.pcap").open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(100_000):
            each = frames[number % 1000]
            file.write(struct.pack("<IIII", int(START) + number // 100, number % 100, len(each), len(each)) + each)
    return open_case(folder)


def change_graph(view: Any) -> None:
    view.children[1].value = 40


def move_brush(view: Any) -> None:
    view.children[1].index = (10, 50)


def turn_page_and_choose(view: Any) -> None:
    view.children[2].children[0].value = 2000
    view.children[3].index = 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("view", "use"),
    [(conversation_graph, change_graph), (activity_timeline, move_brush), (packet_browser, turn_page_and_choose)],
)
def test_a_hundred_thousand_packets_can_be_looked_at(
    view: Callable[[Case], Any], use: Callable[[Any], None], large_case: Case
) -> None:
    began = time.perf_counter()
    shown = view(large_case)
    opened_s = time.perf_counter() - began

    began = time.perf_counter()
    use(shown)
    changed_s = time.perf_counter() - began

    # On idle cores some seconds, and far less than one; these limits hold on a machine that does much else.
    assert (opened_s < 60, changed_s < 15) == (True, True), (opened_s, changed_s)
