"""``csirtlab bench evidence``: what it measures is what it says. No figure is judged: machines differ."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from csirtlab.bench.evidence import large_capture
from csirtlab.bench.recorded_session import record_session
from csirtlab.bench.scapy_writer import ScapyWriter
from csirtlab.cli.bench import commands
from csirtlab.content.scenarios import read_scenario, scenario_names
from csirtlab.evidence.capture import Framer, packets, write_packets
from csirtlab.evidence.model import TcpFlow
from csirtlab.evidence.plan import make_plan
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.tshark import is_syn, see
from csirtlab.settings import content_root

KEYS = {"writer_vs_scapy", "case_s", "peer_case_s", "cases300_s", "peak_mib_1m", "growth_exponent"}


def test_scapy_writes_the_same_bytes_as_the_engine(tmp_path: Path) -> None:
    plan = make_plan(read_scenario(content_root(), "first-look"), seed_of_text("bench"))
    some = [packet for packet, _ in zip(packets(plan), range(600), strict=False)]

    with (tmp_path / "ours").open("wb") as file:
        write_packets(Framer(plan), some, file)
    ScapyWriter(plan, some).write(tmp_path / "scapys")

    assert (tmp_path / "scapys").read_bytes()[24:] == (tmp_path / "ours").read_bytes()[24:]


@pytest.mark.slow
def test_the_recorded_session_has_every_connection_of_the_case(tmp_path: Path) -> None:
    plan = make_plan(read_scenario(content_root(), "first-look"), seed_of_text("bench"))

    seconds = record_session(plan, tmp_path / "session.pcap")

    frames = see(tmp_path / "session.pcap")
    assert seconds > 0
    assert sum(map(is_syn, frames)) == sum(isinstance(flow, TcpFlow) for flow in plan.flows)


@pytest.mark.slow
def test_the_large_capture_is_as_large_as_it_says(tmp_path: Path) -> None:
    found = large_capture(50_000, tmp_path / "large.pcap")

    assert 40_000 < found["packets"] < 62_500
    assert len(see(tmp_path / "large.pcap", ("frame.number",))) == found["packets"]


@pytest.mark.slow
def test_a_quick_run_prints_every_figure_as_one_json_object() -> None:
    told = CliRunner().invoke(commands, ["evidence", "--quick", "--json"])

    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found.keys() >= KEYS
    assert set(found["case_s"]) == set(scenario_names(content_root()))
    assert found["peak_mib_1m"] > 0 and found["writer_vs_scapy"]["ratio"] > 1
