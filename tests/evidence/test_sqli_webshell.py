"""A break-in at a web site as its logs and the capture show it."""

import datetime as dt
import re
from collections import Counter
from email.utils import parsedate_to_datetime

import pytest
from tests.evidence.made import Case

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.sensor import at_ns, see
from csirtlab.settings import content_root

LINE = re.compile(r'(\S+) - - \[([^\]]+)\] "(\w+) (\S+) HTTP/1.1" (\d+) (\d+) "-" "([^"]*)"')


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    made = Case(read_scenario(content_root(), "sqli-webshell"), seed_of_text("try"), tmp_path_factory.mktemp("web"))
    make_evidence(made.scenario, made.seed, made.folder)
    return made


@pytest.fixture(scope="module")
def log(case: Case) -> list[re.Match[str]]:
    found = [LINE.fullmatch(line) for line in (case.folder / "access.log").read_text().splitlines()]
    assert all(found)
    return [line for line in found if line]


def test_the_access_log_has_every_answer_of_the_capture_with_its_status(case: Case, log: list[re.Match[str]]) -> None:
    server = case.plan.cast["site-server"].address
    frames = see(case.capture, ("ip.dst", "http.response.code"), f"http.response and ip.src == {server}")

    seen = Counter((frame["ip.dst"], frame["http.response.code"]) for frame in frames)
    written = Counter((line[1], line[5]) for line in log)

    assert sum(seen.values()) > 800
    # What was being said when the recording ended stands in the log alone.
    assert sum((seen - written).values()) == 0
    assert sum((written - seen).values()) <= 0.02 * len(log)


def test_the_log_tells_each_request_in_the_second_in_which_it_was_answered(
    case: Case, log: list[re.Match[str]]
) -> None:
    source = case.truth["intruder_address"]
    fields = ("frame.time_epoch", "http.request.uri")
    asked = [
        (frame["http.request.uri"], at_ns(frame) / 1e9)
        for frame in see(case.capture, fields, f"http.request and ip.src == {source}")
    ]
    injections = [line for line in log if line[1] == source and "UNION" in line[4]]

    assert len(injections) >= 12
    for line in injections:
        written = dt.datetime.strptime(line[2], "%d/%b/%Y:%H:%M:%S %z").timestamp()
        assert any(uri == line[4] and -1.5 < written - at < 3 for uri, at in asked), line[0]


def test_the_application_complains_about_what_did_not_work(case: Case, log: list[re.Match[str]]) -> None:
    complaints = [line for line in (case.folder / "app.log").read_text().splitlines() if "level=error" in line]
    failed = [line for line in log if line[5] == "500"]

    assert len(complaints) == len(failed) >= 9
    assert all(f"client={case.truth['intruder_address']} " in line for line in complaints)


def test_nothing_is_malformed_and_dates_agree(case: Case) -> None:
    frames = see(case.capture, ("frame.time_epoch", "http.date", "_ws.malformed"), "http.response")

    assert not any(frame["_ws.malformed"] for frame in frames)
    late = [at_ns(frame) / 1e9 - parsedate_to_datetime(frame["http.date"]).timestamp() for frame in frames]
    assert all(-1.5 < seconds < 3 for seconds in late)


def test_what_is_uploaded_does_nothing(case: Case) -> None:
    (upload,) = see(case.capture, ("tcp.payload",), 'http.request.method == "POST" and frame contains "multipart"')

    assert b"this file does nothing" in bytes.fromhex(upload["tcp.payload"].replace(",", "").replace(":", ""))


def test_the_audit_by_appointment_asks_for_more_that_is_missing(case: Case, log: list[re.Match[str]]) -> None:
    missing = Counter(line[1] for line in log if line[5] == "404")

    assert missing[str(case.truth["false_alarm"])] > missing[str(case.truth["intruder_address"])] > 100


def test_people_search_with_quotes_and_are_answered_as_ever(case: Case, log: list[re.Match[str]]) -> None:
    quoted = [line for line in log if "%27" in line[4] and line[1] != case.truth["intruder_address"]]

    assert len({line[1] for line in quoted}) >= 2
    assert {line[5] for line in quoted} == {"200"}
    assert all(line[4].startswith("/buscar.php?q=") for line in quoted)


def test_the_folder_holds_capture_logs_and_asset_list(case: Case) -> None:
    names = sorted(path.name for path in case.folder.iterdir())

    assert names == ["access.log", "app.log", "assets.csv", "capture.pcap"]
