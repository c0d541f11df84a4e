"""Figures: medians of what was measured, and how the two sides compare."""

import json

import pytest

from csirtlab.bench.figures import Figure, Samples, Side, report


@pytest.fixture
def samples() -> Samples:
    measured = Samples()
    for ours, stock in ((2.0, 4.0), (9.0, 5.0), (2.2, 4.4)):
        measured.add("spawn_s", Side.OURS, ours)
        measured.add("spawn_s", Side.STOCK, stock)
    return measured


def test_a_figure_is_the_median_so_that_one_bad_moment_does_not_count(samples: Samples) -> None:
    assert samples.figures()["spawn_s"] == Figure(ours=2.2, stock=4.4)


def test_the_ratio_is_ours_in_units_of_stock() -> None:
    assert Figure(ours=2.2, stock=4.4).ratio == 0.5


def test_there_is_no_ratio_to_what_stock_does_not_have() -> None:
    assert Figure(ours=75.0, stock=0.0).to_json() == {"ours": 75.0, "stock": 0.0, "ratio": None}


def test_what_was_measured_on_one_side_only_is_no_figure(samples: Samples) -> None:
    samples.add("hub_mib", Side.OURS, 100.0)

    assert set(samples.figures()) == {"spawn_s"}


def test_the_report_has_the_figures_then_what_they_are_about_then_the_raw_samples(samples: Samples) -> None:
    told = report(samples, names=["spawn_s"], about={"cores": 2})

    assert json.loads(json.dumps(told)) == {
        "spawn_s": {"ours": 2.2, "stock": 4.4, "ratio": 0.5},
        "cores": 2,
        "samples": {"spawn_s": {"ours": [2.0, 9.0, 2.2], "stock": [4.0, 5.0, 4.4]}},
    }


def test_a_report_is_never_made_with_a_figure_missing(samples: Samples) -> None:
    with pytest.raises(KeyError, match="kernel_mib"):
        report(samples, names=["spawn_s", "kernel_mib"], about={})
