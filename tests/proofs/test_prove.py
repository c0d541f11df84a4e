"""A proof is what independent witnesses find, seed after seed, compared with the ground truth."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from csirtlab.cli.evidence import commands
from csirtlab.content.labs import Tolerance
from csirtlab.content.scenarios import Baseline, Filter, Scenario, read_scenario, scenario_names
from csirtlab.content.vocabulary import GUESSES as GUESS_NAMES
from csirtlab.content.vocabulary import WITNESSES, read_by
from csirtlab.errors import EvidenceError
from csirtlab.evidence.cases import ground_truth
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.dissection import count_agreement, ndpi_agreement
from csirtlab.proofs.leaks import best_split
from csirtlab.proofs.prove import Outcome, accepted_errors, near_share, proof_seed, prove, same_share
from csirtlab.proofs.run_solvers import agree, guesses, named, run_solvers
from csirtlab.proofs.solvers import GUESSES, SOLVERS
from csirtlab.settings import content_root

SCENARIOS = scenario_names(content_root())


def test_every_witness_and_guess_of_the_vocabulary_has_its_solver() -> None:
    assert set(SOLVERS) == set(WITNESSES)
    assert set(GUESSES) == set(GUESS_NAMES)


@pytest.mark.parametrize(
    "name", [name if name == "c2-beacon" else pytest.param(name, marks=pytest.mark.slow) for name in SCENARIOS]
)
def test_a_scenario_is_proven_by_its_witnesses(name: str) -> None:
    proof = prove(read_scenario(content_root(), name), 2, jobs=2)

    assert proof.refuted == {}
    assert proof.proven == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_ten_seeds_of_a_scenario_hold_everything_that_is_promised(name: str) -> None:
    proof = prove(read_scenario(content_root(), name), 10, jobs=2)

    assert proof.holds, proof.as_json()


def test_a_witness_that_finds_something_else_refutes_the_fact(beacon: Scenario, beacon_folder: Path) -> None:
    truth = ground_truth(beacon, proof_seed(beacon, 0))
    wrong = replace(beacon, facts=tuple(replace(fact, solver="timer.client") for fact in beacon.facts[:1]))

    found = run_solvers(wrong, CaptureView(beacon_folder))

    assert not agree(truth["infected_host"], found["infected_host"])


def test_a_filter_of_tshark_is_a_witness_that_builds_on_facts_above_it(beacon: Scenario, beacon_folder: Path) -> None:
    client, name, address = beacon.facts[:3]
    keep = Filter('tls.handshake.extensions_server_name == "{c2_domain}"', "ip.dst", "only")
    by_filter = replace(beacon, facts=(client, name, replace(address, solver=None, filter=keep)))

    found = run_solvers(by_filter, CaptureView(beacon_folder))

    assert found["c2_address"] == ground_truth(beacon, proof_seed(beacon, 0))["c2_address"]


@pytest.mark.parametrize(
    ("keep", "field", "says"),
    [
        ("foo.bar == 1", "ip.dst", 'Left side of "==" expression must be a field or function, not foo.bar'),
        ("tcp.port ==", "ip.dst", "Unexpected end of filter expression"),
        ("tcp", "foo.bar", "Some fields aren't valid: foo.bar"),
    ],
)
def test_a_filter_that_tshark_does_not_understand_is_told_with_its_line(
    beacon: Scenario, beacon_folder: Path, keep: str, field: str, says: str
) -> None:
    fact = replace(beacon.facts[2], solver=None, filter=Filter(keep, field, "only", 77))

    with pytest.raises(EvidenceError, match=re.escape(says)) as refusal:
        run_solvers(replace(beacon, facts=(fact,)), CaptureView(beacon_folder))

    assert str(refusal.value).startswith(f"{beacon.path}:77: ")
    assert str(beacon_folder) not in str(refusal.value)


def test_a_witness_that_needs_a_log_which_is_not_there_finds_nothing(beacon: Scenario, beacon_folder: Path) -> None:
    by_log = replace(beacon, facts=(replace(beacon.facts[0], solver="spray.source"),))

    assert run_solvers(by_log, CaptureView(beacon_folder)) == {"infected_host": "nothing: the case has no auth.log"}


def test_every_file_that_a_witness_or_a_guess_opens_is_known_by_the_vocabulary(beacon_folder: Path) -> None:
    """A capture and an asset list alone: whoever needs more must have been refused with the scenario."""
    view = CaptureView(beacon_folder)
    for name, solver in (*SOLVERS.items(), *GUESSES.items()):
        try:
            solver(view)
        except FileNotFoundError as error:
            assert any(file.rstrip("/") in str(error.filename) for file in read_by(name)), name
        except (LookupError, ValueError, StopIteration, ZeroDivisionError):
            pass  # it sees nothing in this case, as it should


def test_a_guess_that_needs_a_log_which_is_not_there_is_named(beacon: Scenario, beacon_folder: Path) -> None:
    by_log = replace(beacon, baselines=(Baseline("most-requests.source", "infected_host", 99),))

    with pytest.raises(EvidenceError, match=r'toml:99: the guess "most-requests\.source" .* access\.log'):
        guesses(by_log, CaptureView(beacon_folder), {"infected_host": ""})


def test_a_scenario_without_facts_is_not_proven(beacon: Scenario) -> None:
    with pytest.raises(EvidenceError, match=r"Add a \[\[fact\]\]"):
        prove(replace(beacon, facts=()), 1)


def ground_truth_texts(scenario: Scenario) -> dict[str, str]:
    """Return the truth of the first case as a journal holds it."""
    return {name: str(value) for name, value in ground_truth(scenario, proof_seed(scenario, 0)).items()}


def test_a_run_that_was_stopped_goes_on_where_it_was(beacon: Scenario, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    done = Outcome(0, False, {}, ground_truth_texts(beacon), {named(baseline): False for baseline in beacon.baselines})
    journal.write_text(json.dumps(done.__dict__) + '\n{"seed": 1, "cut o')

    ticks: list[int] = []
    proof = prove(beacon, 1, journal=journal, tick=lambda: ticks.append(1))

    assert proof.proven == 1
    assert len(ticks) == 1


def test_a_copied_answer_that_would_be_accepted_counts_as_the_same() -> None:
    assert near_share([10, 10.05, 10.2, 30], Tolerance(absolute=0.1)) == pytest.approx(1 / 6)
    assert near_share([100, 101, 200, 203], Tolerance(relative=0.01)) == pytest.approx(1 / 6)
    assert near_share([100, 101, 200, 202], Tolerance(relative=0.01)) == pytest.approx(2 / 6)
    assert near_share([1], Tolerance(absolute=5)) == 0


def test_the_widest_tolerance_of_the_labs_that_ask_a_fact_counts(beacon: Scenario) -> None:
    assert accepted_errors(beacon)["beacon_interval"] == Tolerance(absolute=0.1)


def test_ndpi_names_every_flow_of_a_case_and_none_that_is_not_what_its_port_says(beacon_folder: Path) -> None:
    found = ndpi_agreement(beacon_folder / "capture.pcap")

    assert found is not None and found.agreed == found.flows > 500


def test_a_flow_that_ndpi_only_guesses_by_its_port_does_not_agree() -> None:
    line = (
        "\t1\tTCP 10.0.0.1:50001 <-> 192.0.2.1:443 [proto: 91/TLS][Encrypted][Confidence: {how}][cat: Web/5]"
        "[9 pkts/1391 bytes <-> 10 pkts/5179 bytes][Goodput ratio: 60/89][0.4 sec]\n"
    )

    assert count_agreement(line.format(how="DPI")) == (1, 1)
    assert count_agreement(line.format(how="Match by port")) == (0, 1)
    assert count_agreement(line.format(how="DPI").replace("91/TLS", "7/HTTP")) == (0, 1)
    assert count_agreement(line.format(how="DPI").replace("60/89", "0/0")) == (0, 0)


def test_the_share_of_pairs_counts_pairs_of_cases() -> None:
    assert same_share(["a", "a", "b", "c"]) == pytest.approx(1 / 6)
    assert same_share(["a"]) == 0


def test_a_split_is_a_coin_where_a_field_says_nothing_and_certain_where_it_says_all() -> None:
    assert best_split([(64, True), (64, False), (128, True), (128, False)]) == 0.5
    assert best_split([(1, True), (2, True), (3, False), (4, False)]) == 1


def test_prove_prints_its_figures_as_json(tmp_path: Path) -> None:
    runner = CliRunner(env={"XDG_CACHE_HOME": str(tmp_path)})

    result = runner.invoke(commands, ["prove", "c2-beacon", "--seeds", "1", "--json"], catch_exceptions=False)

    (proof,) = json.loads(result.stdout)
    assert result.exit_code == 0
    assert proof["proven"] == proof["seeds"] == 1
    assert {"ambiguous", "same_answer_share_max", "lazy_right_share_max", "leak_accuracy_max"} <= set(proof)
