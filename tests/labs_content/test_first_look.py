"""The lab ``first-look``: what its prose promises about the evidence, beyond what its questions ask."""

from pathlib import Path

import pandas as pd
import pytest

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth, make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.kit import open_case
from csirtlab.kit.case import Case
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.languages import Language
from csirtlab.settings import content_root

LAB = read_lab(content_root(), "first-look")
SCENARIO = read_scenario(content_root(), LAB.scenario)
SEEDS = ["first seed", "second seed"]


@pytest.fixture(scope="module", params=SEEDS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("first-look") / request.param
    make_evidence(SCENARIO, seed_of_text(request.param), folder / "evidence")
    write_case_sheet(LAB, folder / "evidence", cohort="workshop", trainee="ana", language=Language.EN)
    return open_case(folder)


def seed_of(case: Case) -> bytes:
    return seed_of_text(Path(case.folder).parent.name)


def test_no_frame_between_two_workstations_passes_the_sensor(case: Case) -> None:
    assets = pd.read_csv(case.path("assets.csv"))
    people = assets.loc[assets["role"] == "workstation", "address"]
    packets = case.table(["ip.src", "ip.dst"], "ip")

    assert not (packets["ip.src"].isin(people) & packets["ip.dst"].isin(people)).any()


def test_the_router_answers_arp_with_the_card_behind_which_the_world_speaks(case: Case) -> None:
    assets = pd.read_csv(case.path("assets.csv"))
    router = assets.loc[assets["role"] == "router", "address"].item()
    answers = case.table(["arp.src.hw_mac"], f"arp.opcode == 2 && arp.src.proto_ipv4 == {router}")

    assert set(answers["arp.src.hw_mac"]) == {ground_truth(SCENARIO, seed_of(case))["gateway_mac"]}


def test_who_introduces_itself_as_windows_in_dhcp_has_its_ttl(case: Case) -> None:
    leases = case.table(["ip.src"], 'dhcp.option.vendor_class_id == "MSFT 5.0"')
    windows = ground_truth(SCENARIO, seed_of(case))["windows_hosts"]
    openers = set(case.table(["ip.src"], "tcp.flags.syn == 1 && tcp.flags.ack == 0")["ip.src"])

    assert isinstance(windows, frozenset)
    assert not leases.empty and set(leases["ip.src"]) & openers <= windows


def test_the_stranger_keeps_to_one_address_and_one_card(case: Case) -> None:
    truth = ground_truth(SCENARIO, seed_of(case))
    seen = case.table(["eth.src", "ip.src"], f"eth.src == {truth['stranger_mac']} && ip").drop_duplicates()

    assert list(seen["ip.src"]) == [truth["stranger_address"]]
