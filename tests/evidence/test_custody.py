"""Copies, a custody log and a wrong clock, as somebody with the folder sees them."""

import csv
import datetime as dt
import hashlib
from collections import Counter
from itertools import pairwise

import pytest
from tests.evidence.made import Case

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.tshark import see
from csirtlab.settings import content_root


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    made = Case(read_scenario(content_root(), "custody"), seed_of_text("try"), tmp_path_factory.mktemp("custody"))
    make_evidence(made.scenario, made.seed, made.folder)
    return made


def test_one_exhibit_is_what_the_custody_log_took_down(case: Case) -> None:
    with (case.folder / "custody.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (case.folder / "exhibits").iterdir()}

    assert [name for name, digest in hashes.items() if digest == first["sha256"]] == [case.truth["true_copy"]]
    assert len(set(hashes.values())) == 3


def test_every_exhibit_is_a_whole_capture(case: Case) -> None:
    counts = sorted(len(see(path, ("frame.number",))) for path in (case.folder / "exhibits").iterdir())
    lost = case.truth["lost_packets"]
    assert isinstance(lost, int)

    assert counts[1] == counts[2] == counts[0] + lost


def test_what_is_altered_shows_in_checksums_of_the_transport(case: Case) -> None:
    bad = {
        path.name: sum(
            "0" in (frame["tcp.checksum.status"], frame["udp.checksum.status"])
            for frame in see(path, ("tcp.checksum.status", "udp.checksum.status"))
        )
        for path in (case.folder / "exhibits").iterdir()
    }

    assert sum(count > 0 for count in bad.values()) == 1


def test_entries_of_the_custody_log_follow_each_other_and_one_breaks_the_chain(case: Case) -> None:
    with (case.folder / "custody.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    times = [dt.datetime.fromisoformat(row["time_utc"]) for row in rows]
    broken = [row for above, row in pairwise(rows) if above["received_by"] != row["handed_over_by"]]

    assert times == sorted(times)
    assert [int(row["entry"]) for row in broken] == [case.truth["broken_entry"]]


def test_somebody_reads_more_reports_than_the_insider_exports(case: Case) -> None:
    asked = Counter(
        (frame["ip.src"], frame["http.request.uri"].split("?")[0])
        for frame in see(case.capture, ("ip.src", "http.request.uri"), 'http.request.uri contains "/reportes/"')
    )
    reader = case.plan.named_hosts["reader"].address
    insider = str(case.truth["insider_address"])

    assert set(asked) == {(reader, "/reportes/ver"), (insider, "/reportes/exportar")}
    assert asked[reader, "/reportes/ver"] > asked[insider, "/reportes/exportar"]


def test_the_servers_log_is_off_by_what_its_clock_is(case: Case) -> None:
    line = next(line for line in (case.folder / "access.log").read_text().splitlines() if "/reportes/exportar" in line)
    logged = dt.datetime.strptime(line.split("[")[1].split("]")[0], "%d/%b/%Y:%H:%M:%S %z")
    true, offset = case.truth["first_export"], case.truth["clock_offset"]
    assert isinstance(true, dt.datetime) and isinstance(offset, float)

    assert abs(offset) >= 35
    assert abs((logged - true).total_seconds() - offset) < 2
