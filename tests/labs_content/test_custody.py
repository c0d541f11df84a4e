"""The lab ``custody``: what its prose promises about the evidence, beyond what its questions ask."""

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

LAB = read_lab(content_root(), "custody")
SCENARIO = read_scenario(content_root(), LAB.scenario)
SEED = seed_of_text("first seed")
COPIES = ["exhibits/exhibit-a.pcap", "exhibits/exhibit-b.pcap", "exhibits/exhibit-c.pcap"]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("custody")
    make_evidence(SCENARIO, SEED, folder / "evidence")
    write_case_sheet(LAB, folder / "evidence", cohort="workshop", trainee="ana", language=Language.EN)
    return open_case(folder)


def test_time_servers_agree_with_the_sensor_and_the_web_server_asks_none(case: Case) -> None:
    ntp = case.table(["frame.time_epoch", "ntp.xmt"], "ntp.flags.mode == 4")
    said = pd.to_datetime(ntp["ntp.xmt"], utc=True, format="mixed")
    seen = pd.to_datetime(ntp["frame.time_epoch"], unit="s", utc=True)
    assets = pd.read_csv(case.path("assets.csv"))
    server = assets.loc[assets["role"] == "intranet web server", "address"].item()

    assert len(ntp) > 5 and (seen - said).dt.total_seconds().abs().max() < 1
    assert case.table(["ip.src"], f"ntp.flags.mode == 3 && ip.src == {server}").empty


def test_only_the_short_copy_has_many_gaps(case: Case) -> None:
    marks = "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment"
    gaps = {name: len(case.table(["frame.number"], marks, name=name)) for name in COPIES}
    sizes = {name: case.path(name).stat().st_size for name in COPIES}
    short = min(sizes, key=lambda name: sizes[name])
    lost = ground_truth(SCENARIO, SEED)["lost_packets"]

    assert isinstance(lost, int)
    assert gaps[short] > max(count for name, count in gaps.items() if name != short) + lost / 4


def test_the_statement_weighs_as_much_as_the_method() -> None:
    assert LAB.question("statement").points == LAB.question("clock_method").points == 15
