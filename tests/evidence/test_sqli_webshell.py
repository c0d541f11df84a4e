"""A break-in at a web site as its logs and the capture show it."""

import datetime as dt
import re
from collections import Counter, defaultdict
from email.utils import parsedate_to_datetime

import pytest
from tests.evidence.made import Case

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.applications.shells import output_of
from csirtlab.evidence.applications.site_files import picture, style_sheet
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text, stream
from csirtlab.proofs.tshark import at_ns, see
from csirtlab.settings import content_root

LINE = re.compile(r'(\S+) - - \[([^\]]+)\] "(\w+) (\S+) HTTP/1.1" (\d+) (\d+) "([^"]*)" "([^"]*)"')


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
    server = case.plan.named_hosts["site-server"].address
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
    lines = (case.folder / "app.log").read_text().splitlines()
    complaints = [line for line in lines if "event=database" in line]
    mails = [line for line in lines if "event=mail" in line]
    intruder = case.truth["intruder_address"]
    failed = Counter(line[1] == intruder for line in log if line[5] == "500")

    assert len(complaints) == failed[True] >= 9
    assert all(f" client={intruder} level=error " in line for line in complaints)
    assert len(mails) == failed[False] >= 1
    assert not any(f" client={intruder} " in line for line in mails)


def test_the_application_says_more_of_others_than_of_the_intruder(case: Case) -> None:
    lines = (case.folder / "app.log").read_text().splitlines()
    own = [line for line in lines if f" client={case.truth['intruder_address']} " in line]

    assert len(own) < len(lines) - len(own) < 5 * len(own)
    assert {line.split("event=")[1].split()[0] for line in lines} == {"database", "mail", "search", "slow", "upload"}


def test_the_only_post_is_the_upload(log: list[re.Match[str]]) -> None:
    assert [line[4] for line in log if line[3] == "POST"] == ["/contacto.php"]


def test_a_file_of_the_site_is_the_same_for_everybody(case: Case) -> None:
    fields = ("http.response_for.uri", "http.content_length", "http.content_type", "http.last_modified")
    server = case.plan.named_hosts["site-server"].address
    on_disk = f"http.last_modified and http.response.code == 200 and ip.src == {server}"
    complete = 'http.response.line contains "ETag: " and http.response.line contains "Accept-Ranges: bytes"'
    answers = see(case.capture, fields, f"{on_disk} and {complete}")
    known: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for answer in answers:
        known[answer["http.response_for.uri"]].add(
            (answer["http.content_length"], answer["http.content_type"], answer["http.last_modified"])
        )

    assert len(answers) == len(see(case.capture, ("frame.number",), on_disk)) > len(known) > 10
    assert all(len(seen) == 1 for seen in known.values())
    kinds = {url.rsplit(".", 1)[1]: kind for url, seen in known.items() for _, kind, _ in seen}
    assert kinds == {"css": "text/css", "txt": "text/plain", "webp": "image/webp"}


def test_pictures_and_styles_are_what_they_say() -> None:
    url = "http://www.town.example/static/0a1b2c3.webp"
    image = picture(url).body
    style = style_sheet("http://www.town.example/static/site.css")

    assert image == picture(url).body
    assert image[:4] + image[8:16] == b"RIFFWEBPVP8 "
    assert int.from_bytes(image[4:8], "little") == len(image) - 8
    assert style.body.decode("ascii").count("{") == style.body.count(b"}") > 50
    assert style.tag == f'"{style.changed_s:x}-{len(style.body):x}"'


def test_browsers_ask_as_chromium_does_and_programs_with_few_lines(case: Case, log: list[re.Match[str]]) -> None:
    fields = ("http.user_agent", "http.accept_language", "http.accept", "http.referer", "http.request.uri")
    asked = see(case.capture, fields, f"http.request and ip.dst == {case.plan.named_hosts['site-server'].address}")
    browsers = [frame for frame in asked if " Chrome/156.0.0.0 " in frame["http.user_agent"]]
    programs = [frame for frame in asked if frame not in browsers]

    assert browsers and all(frame["http.accept_language"] and frame["http.accept"] for frame in browsers)
    assert programs and not any(frame["http.accept_language"] or frame["http.referer"] for frame in programs)
    sent = {(frame["http.request.uri"], frame["http.referer"] or "-") for frame in asked}
    written = {(line[4], line[7]) for line in log}
    assert not sent - written
    assert len(written - sent) <= 0.02 * len(log)


def test_a_browser_runs_on_the_system_that_its_packets_show(case: Case) -> None:
    shown = see(
        case.capture, ("ip.ttl", "http.user_agent"), 'tcp and http.request and http.user_agent contains "Chrome/"'
    )

    assert {("Windows" in frame["http.user_agent"], int(frame["ip.ttl"]) > 64) for frame in shown} == {
        (True, True),
        (False, False),
    }


@pytest.mark.parametrize(
    ("order", "shape"),
    [
        ("id", r"uid=33\(www-data\) gid=33\(www-data\) groups=33\(www-data\)\n"),
        ("hostname", r"srv-[a-z0-9]+\n"),
        ("ls -la /home", r"total \d+\n(d[rwx-]{9} .+\n)+"),
        ("cat /etc/passwd", r"(([^:\n]*:){6}[^:\n]+\n)+"),
        ("xyzzy", r"sh: 1: xyzzy: not found\n"),
    ],
)
def test_an_order_prints_what_its_program_would(case: Case, order: str, shape: str) -> None:
    output = output_of(stream(case.seed, "orders"), order, case.plan.named_hosts["site-server"])

    assert re.fullmatch(shape, output.decode())


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
