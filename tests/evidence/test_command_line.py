"""``csirtlab evidence``: what an author does with scenarios."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from csirtlab.cli.evidence import commands
from csirtlab.content.scenarios import Scenario
from csirtlab.errors import ContentError
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import seed_of_text


def said(*words: str) -> str:
    result = CliRunner().invoke(commands, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_make_writes_the_evidence_and_prints_its_files(tmp_path: Path) -> None:
    printed = said("make", "c2-beacon", "--seed", "try", "--out", str(tmp_path / "case"))

    assert printed.split() == [str(tmp_path / "case" / name) for name in ("capture.pcap", "assets.csv")]
    assert all(Path(path).stat().st_size for path in printed.split())


def test_facts_are_the_ground_truth_as_json(scenario: Scenario) -> None:
    told = json.loads(said("facts", "c2-beacon", "--seed", "try", "--json"))
    truth = ground_truth(scenario, seed_of_text("try"))

    assert list(told) == list(truth)
    assert told["c2_domain"] == truth["c2_domain"]
    assert told["first_beacon"].endswith("Z")


def test_a_seed_of_64_hexadecimal_digits_is_taken_as_it_is() -> None:
    assert seed_of_text("ab" * 32) == bytes.fromhex("ab" * 32)
    assert len(seed_of_text("ab")) == 32


def test_list_names_the_scenarios_and_their_facts() -> None:
    (listed,) = [found for found in json.loads(said("list", "--json")) if found["name"] == "c2-beacon"]

    assert listed["facts"]["beacon_interval"] == "duration"


def test_an_unknown_scenario_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ContentError, match=r"Scenarios here: .*c2-beacon"):
        said("make", "c3-beacon", "--seed", "try", "--out", "/nowhere")
