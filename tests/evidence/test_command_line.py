"""``csirtlab evidence``: what an author does with scenarios."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from csirtlab.cli.evidence import commands
from csirtlab.content.scenarios import Scenario
from csirtlab.errors import ContentError, EvidenceError
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


def test_whoever_reads_one_line_of_what_make_prints_does_not_make_it_fail(tmp_path: Path) -> None:
    csirtlab = Path(sys.executable).parent / "csirtlab"
    make = f"{csirtlab} evidence make first-look --seed try --out {tmp_path}/case"

    done = subprocess.run(
        ["bash", "-c", f"{make} | true; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_seed_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"is not UTF-8\. Take letters and digits"):
        said("make", "c2-beacon", "--seed", "\udcff", "--out", str(tmp_path))


def test_an_empty_seed_is_a_seed(tmp_path: Path) -> None:
    said("make", "c2-beacon", "--seed", "", "--out", str(tmp_path))

    assert said("check", str(tmp_path / "capture.pcap"), "--scenario", "c2-beacon", "--seed", "")


def test_make_refuses_what_another_case_left_unless_it_is_told_to_replace_it(tmp_path: Path) -> None:
    words = ("make", "first-look", "--seed", "try", "--out", str(tmp_path))
    (tmp_path / "tags.csv").write_text("of another case")

    with pytest.raises(EvidenceError, match=r"tags\.csv of another case .* --force"):
        said(*words)
    said(*words, "--force")

    assert not (tmp_path / "tags.csv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")
def test_a_folder_that_one_may_not_write_into_is_told_as_that(tmp_path: Path) -> None:
    script = f"mount -t tmpfs -o ro small {tmp_path} && {Path(sys.executable).parent}/csirtlab evidence make"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{script} first-look --seed try --out {tmp_path}/case"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "Name a folder that you may write into." in done.stderr
