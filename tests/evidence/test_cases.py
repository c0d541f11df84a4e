"""A seed makes a case: the same one wherever it is made, another one for everybody else."""

import ipaddress
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.evidence.golden import golden_hashes, hashes
from tests.evidence.made import Case

from csirtlab.content.labs import Form
from csirtlab.content.patterns import PLACEHOLDERS
from csirtlab.content.scenarios import Action, Fact, Scenario, read_scenario, scenario_names
from csirtlab.content.vocabulary import MEASURES, SYSTEMS, VERBS
from csirtlab.errors import EvidenceError
from csirtlab.evidence import cases as cases_module
from csirtlab.evidence import subjects
from csirtlab.evidence.capture import packets
from csirtlab.evidence.cases import facts_of, ground_truth, make_evidence
from csirtlab.evidence.measures import ACTION_MEASURES, CAPTURE_MEASURES, HOST_MEASURES
from csirtlab.evidence.model import ConnectionCache, TcpFlow
from csirtlab.evidence.plan import ambiguities, make_plan
from csirtlab.evidence.protocols.ssh import SshLogin
from csirtlab.evidence.protocols.stacks import STACKS
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.sampling import SECOND
from csirtlab.evidence.seeds import case_seed, seed_of_text, sibling_seed
from csirtlab.evidence.subjects import CHECKS
from csirtlab.evidence.topology import _DEPARTMENTS, _NOUNS, _TLDS, _WORDS
from csirtlab.settings import content_root

SCENARIOS = scenario_names(content_root())
OUTSIDE = [
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "100.64.0.0/10")
]


@pytest.mark.parametrize(
    "name",
    [name if name == "c2-beacon" else pytest.param(name, marks=pytest.mark.slow) for name in SCENARIOS],
)
def test_the_golden_cases_are_what_they_were(name: str, tmp_path: Path) -> None:
    """A change here is a line in the changelog: cases that trainees hold would no longer match their truth."""
    golden = golden_hashes(name)

    assert len(golden) == 3
    for seed, wanted in golden.items():
        make_evidence(read_scenario(content_root(), name), seed_of_text(seed), tmp_path / seed)
        assert hashes(tmp_path / seed) == wanted, seed


def test_a_host_that_is_not_listed_speaks_and_stands_in_no_list() -> None:
    plan = make_plan(read_scenario(content_root(), "first-look"), seed_of_text("golden"))
    stranger = plan.named_hosts["stranger"]

    assert stranger not in plan.hosts
    assert any(isinstance(flow, TcpFlow) and flow.client is stranger for flow in plan.flows)


@pytest.mark.parametrize("python", ["python3.11", "python3.12", "python3.13"])
def test_another_python_with_another_hash_order_makes_the_same_bytes(python: str, tmp_path: Path) -> None:
    interpreter = shutil.which(python)
    script = (
        "import sys; from pathlib import Path\n"
        "from csirtlab.content.scenarios import read_scenario\n"
        "from csirtlab.evidence.cases import make_evidence\n"
        "from csirtlab.evidence.seeds import seed_of_text\n"
        "for name in sys.argv[3:]:\n"
        "    scenario = read_scenario(Path(sys.argv[1]), name)\n"
        "    make_evidence(scenario, seed_of_text('golden'), Path(sys.argv[2], name))\n"
    )
    source = Path(cases_module.__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(source), "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    if interpreter is None or subprocess.run([interpreter, "-c", ""], check=False, capture_output=True).returncode:
        pytest.skip(f"{python} is not installed")

    subprocess.run(
        [interpreter, "-c", script, str(content_root()), str(tmp_path), *SCENARIOS],
        check=True,
        env=environment,
        cwd=tmp_path,
    )

    for name in SCENARIOS:
        assert hashes(tmp_path / name) == golden_hashes(name)["golden"], name


def test_the_same_seed_makes_the_same_bytes_and_the_same_truth(case: Case, tmp_path: Path) -> None:
    make_evidence(case.scenario, case.seed, tmp_path)

    assert hashes(tmp_path) == hashes(case.folder)
    assert ground_truth(case.scenario, case.seed) == case.truth


def test_two_trainees_share_no_answer(cases: list[Case]) -> None:
    for fact in cases[0].truth:
        assert len({case.truth[fact] for case in cases}) == len(cases), fact


def test_the_folder_holds_the_evidence_and_nothing_else(case: Case) -> None:
    assert sorted(path.name for path in case.folder.iterdir()) == ["assets.csv", "capture.pcap"]


def test_the_asset_list_names_every_host_and_no_part_in_the_incident(case: Case) -> None:
    lines = (case.folder / "assets.csv").read_text().splitlines()

    assert lines[0] == "hostname,address,role"
    assert len(lines) - 1 == len(case.plan.hosts)
    assert not any(actor.name in line for line in lines for actor in case.scenario.actors)


def test_every_address_and_name_belongs_to_nobody(case: Case) -> None:
    outside = {flow.server for flow in case.plan.flows if isinstance(flow, TcpFlow) and not flow.server.inside}

    assert all(ipaddress.ip_address(host.address).is_private for host in case.plan.hosts)
    assert all(any(ipaddress.ip_address(host.address) in network for network in OUTSIDE) for host in outside)
    assert all(host.name.endswith((".example", ".test")) for host in outside)


def test_a_capture_is_large_enough_to_search_and_small_enough_to_send(cases: list[Case]) -> None:
    for case in cases:
        assert 2_000_000 < case.capture.stat().st_size < 9_000_000
        assert 8_000 < sum(1 for _ in packets(case.plan)) < 25_000


def test_a_plan_that_is_handed_out_is_not_ambiguous(cases: list[Case]) -> None:
    assert [ambiguities(case.scenario, case.plan) for case in cases] == [[], [], []]


def test_a_seed_tells_nothing_of_another() -> None:
    secret = bytes(32)
    seeds = {
        case_seed(secret, "c2-beacon", "ana"),
        case_seed(secret, "c2-beacon", "bruno"),
        case_seed(secret, "c2-beacona", "na"),
        case_seed(bytes([1]) * 32, "c2-beacon", "ana"),
        sibling_seed(secret, "c2-beacon", "ana", 0),
        sibling_seed(secret, "c2-beacon", "ana", 1),
    }

    assert len(seeds) == 6
    assert {len(seed) for seed in seeds} == {32}


def test_an_unwritable_folder_leaves_nothing_and_says_what_to_do(scenario: Scenario, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")

    with pytest.raises(EvidenceError, match="A file stands where a folder has to be: name another folder"):
        make_evidence(scenario, seed_of_text("golden"), tmp_path / "taken" / "case")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_is_told_and_leaves_no_half_of_the_evidence(tmp_path: Path) -> None:
    make = f"{Path(sys.executable).parent}/csirtlab evidence make c2-beacon --seed golden --out {tmp_path}/case"
    script = f"mount -t tmpfs -o size=1m small {tmp_path} && {{ {make}; code=$?; ls -A {tmp_path}; exit $code; }}"

    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "No space left" in done.stderr and "Make room or name another folder" in done.stderr
    assert done.stdout == ""


def test_every_word_of_the_vocabulary_has_its_behaviour() -> None:
    assert set(subjects.ACTIONS) == set(VERBS)
    assert set(ACTION_MEASURES) == set(MEASURES["action"])
    assert set(subjects.MEASURES) <= {(name, fact) for name, verb in VERBS.items() for fact in verb.facts}
    assert set(CHECKS) <= set(VERBS)
    assert set(CAPTURE_MEASURES) == set(MEASURES["capture"])
    assert set(HOST_MEASURES) == set(MEASURES["host"]) | set(MEASURES["service"])


def test_placeholders_of_names_have_as_many_values_as_the_readers_of_scenarios_count() -> None:
    """Whether patterns give enough names is known before one is drawn."""
    counted = {
        name: (len(set(words)), max(map(len, words)))
        for name, words in (("word", _WORDS), ("noun", _NOUNS), ("tld", _TLDS), ("department", _DEPARTMENTS))
    }

    assert {"number": (48, 2), **counted} == {name: tuple(found) for name, found in PLACEHOLDERS.items()}


def test_who_opens_no_connection_is_known_by_the_vocabulary() -> None:
    for name in SCENARIOS:
        scenario = read_scenario(content_root(), name)
        plan = make_plan(scenario, seed_of_text("golden"))
        connecting = {flow.label for flow in plan.flows if isinstance(flow, TcpFlow)}
        assert [action.verb for action in scenario.actions if action.id in connecting and not _connects(action)] == []


def _connects(action: Action) -> bool:
    return VERBS[action.verb].connects


@pytest.mark.parametrize(
    ("measure", "subject"), [("median_gap", "beacon"), ("first_start", "beacon"), ("first_lookup", "beacon")]
)
def test_a_measure_of_what_did_not_happen_names_its_fact(scenario: Scenario, measure: str, subject: str) -> None:
    plan = make_plan(scenario, seed_of_text("golden"))
    fact = Fact("asked", Form.TIME, subject, measure, line=42)

    with pytest.raises(EvidenceError, match=r'scenario\.toml:42: "asked" has no value in this case'):
        facts_of(replace(scenario, facts=(fact,)), replace(plan, flows=()))


def test_a_spray_whose_right_guess_is_not_recorded_is_ambiguous() -> None:
    scenario = read_scenario(content_root(), "scan-and-spray")
    plan = make_plan(scenario, seed_of_text("golden"))
    right = next(
        flow
        for flow in plan.flows
        if isinstance(flow, TcpFlow) and isinstance(flow.dialogue, SshLogin) and flow.label == "spray"
        and flow.dialogue.accepted
    )  # fmt: skip

    cut = replace(plan, flows=tuple(flow for flow in plan.flows if flow is not right))

    assert ambiguities(scenario, plan) == []
    assert 'the recording ends before "spray" gets in' in ambiguities(scenario, cut)


def test_exports_that_may_go_on_when_the_recording_ends_are_ambiguous() -> None:
    scenario = read_scenario(content_root(), "custody")
    plan = make_plan(scenario, seed_of_text("golden"))
    export = next(action for action in scenario.incident if action.verb == "export")
    last = max(flow.start_ns for flow in plan.flows if isinstance(flow, TcpFlow) and flow.label == export.id)
    longest = int(export.ranges["gap_s"][1])

    cut = replace(plan, end_ns=last + (longest - 1) * SECOND)

    assert list(CHECKS["export"](scenario, plan, export)) == []
    assert "still going on" in next(iter(CHECKS["export"](scenario, cut, export)))


def test_a_draft_in_which_nothing_else_happens_is_ambiguous_and_no_fault(scenario: Scenario) -> None:
    plan = make_plan(scenario, seed_of_text("golden"))
    plant = read_scenario(content_root(), "iot-worm-and-plc")
    still = make_plan(plant, seed_of_text("golden"))

    alone = replace(plan, flows=tuple(flow for flow in plan.flows if flow.label == "beacon"))

    assert '"beacon" is the pair with the most connections' in ambiguities(scenario, alone)
    tamper = next(action for action in plant.incident if action.verb == "tamper")
    assert "still going on" in " ".join(CHECKS["tamper"](plant, replace(still, flows=()), tamper))


def test_a_copy_that_would_lose_more_packets_than_there_are_is_ambiguous() -> None:
    scenario = read_scenario(content_root(), "custody")
    plan = make_plan(scenario, seed_of_text("golden"))
    seize = next(action for action in scenario.incident if action.verb == "seize")

    few = replace(plan, flows=plan.flows[:2])

    assert list(CHECKS["seize"](scenario, plan, seize)) == []
    assert "too few packets" in next(CHECKS["seize"](scenario, few, seize))


def test_tampering_of_which_nobody_reads_anything_is_ambiguous() -> None:
    scenario = read_scenario(content_root(), "iot-worm-and-plc")
    plan = make_plan(scenario, seed_of_text("golden"))
    tamper = next(action for action in scenario.incident if action.verb == "tamper")
    polled = {action.id for action in scenario.background if action.verb == "poll-plant"}

    alone = replace(plan, flows=tuple(flow for flow in plan.flows if flow.label not in polled))

    assert any("nobody reads" in found for found in CHECKS["tamper"](scenario, alone, tamper))


def test_every_system_of_the_vocabulary_has_its_stack() -> None:
    assert set(STACKS) == set(SYSTEMS)


def test_the_generator_runs_without_a_package_that_is_not_pythons_own() -> None:
    # The browser-only bundle and other interpreters make the same evidence from the source tree alone.
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import csirtlab.evidence.cases\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('numpy', 'scapy', 'polib', 'cryptography')])"
    )
    source = Path(cases_module.__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-c", script, str(source)], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"


def test_a_connection_is_simulated_once_for_everybody_who_looks(scenario: Scenario) -> None:
    plan = make_plan(scenario, seed_of_text("golden"))
    flow = next(flow for flow in plan.flows if isinstance(flow, TcpFlow))

    assert simulated(plan, flow) is simulated(plan, flow)
    assert simulated(plan, replace(flow)) is not simulated(plan, flow)
    assert simulated(plan, replace(flow)) == simulated(plan, flow)


def test_what_is_simulated_is_let_go_of_before_memory_grows_with_the_capture(scenario: Scenario) -> None:
    plan = replace(make_plan(scenario, seed_of_text("golden")), connections=ConnectionCache(most=100))
    flows = [flow for flow in plan.flows if isinstance(flow, TcpFlow)]

    kept = [(flow, simulated(plan, flow)) for flow in flows[:50]]

    still = [connection for flow, connection in kept if plan.connections.get(flow) is connection]
    assert still == [connection for _, connection in kept][-len(still) :]
    assert 0 < sum(len(connection.segments) for connection in still) <= 100
