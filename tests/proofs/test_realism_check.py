"""``csirtlab evidence check``: does a capture look like a real one?"""

import json
from pathlib import Path

import pytest
from scapy.all import IP, TCP, Ether, wrpcap
from typer.testing import CliRunner

from csirtlab.cli.evidence import commands
from csirtlab.errors import EvidenceError
from csirtlab.proofs.realism import check_capture


@pytest.fixture
def naive(tmp_path: Path) -> Path:
    """What a script of ten lines makes."""
    frames = []
    for number in range(300):
        client = f"10.0.0.{2 + number % 6}"
        frame = (
            Ether() / IP(src=client, dst="198.51.100.7") / TCP(sport=1024 + number, dport=443, seq=number, flags="S")
        )
        frame.time = 1_700_000_000 + number * 0.5
        frames.append(frame)
    wrpcap(str(tmp_path / "naive.pcap"), frames)
    return tmp_path / "naive.pcap"


def test_a_made_case_passes_every_check(beacon_folder: Path) -> None:
    assert [check for check in check_capture(beacon_folder / "capture.pcap") if check.passed is False] == []


def test_a_naive_script_fails_where_it_is_naive(naive: Path) -> None:
    failed = {check.number for check in check_capture(naive) if check.passed is False}

    assert {3, 5, 6, 7, 9, 17} <= failed


def test_what_a_capture_gives_no_ground_for_is_neither_passed_nor_failed(naive: Path) -> None:
    assert {check.number for check in check_capture(naive) if check.passed is None} >= {8, 12, 19}


def test_the_command_prints_figures_and_says_no_by_its_exit_code(naive: Path) -> None:
    result = CliRunner().invoke(commands, ["check", str(naive), "--json"], catch_exceptions=False)

    assert result.exit_code == 1
    assert {"number", "name", "figure", "wanted", "passed"} == set(json.loads(result.stdout)[0])


def test_a_made_case_is_also_searched_for_fields_that_give_it_away(tmp_path: Path) -> None:
    runner = CliRunner()
    runner.invoke(commands, ["make", "c2-beacon", "--seed", "try", "--out", str(tmp_path)], catch_exceptions=False)

    words = ["check", str(tmp_path / "capture.pcap"), "--scenario", "c2-beacon", "--seed", "try"]
    result = runner.invoke(commands, words, catch_exceptions=False)

    assert result.exit_code == 0, result.stdout
    assert "one threshold on length finds the incident" in result.stdout


def test_a_file_that_is_no_capture_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no capture")
    (tmp_path / "cut.pcap").write_bytes(bytes.fromhex("d4c3b2a1") + b"cut")

    with pytest.raises(EvidenceError, match=r"cut\.pcap: tshark gives up: .*Name a whole pcap"):
        check_capture(tmp_path / "cut.pcap")
    with pytest.raises(EvidenceError, match="this is a folder"):
        check_capture(tmp_path)
    with pytest.raises(EvidenceError, match="Name a whole pcap"):
        check_capture(tmp_path / "notes.txt")
    with pytest.raises(EvidenceError, match="there is no such file"):
        check_capture(tmp_path / "missing.pcap")
