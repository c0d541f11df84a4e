"""A lure as kept messages, the proxy's log and the capture show it; read by Python's own email package."""

import email
import hashlib
import re
import zipfile
from collections import defaultdict
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr, parsedate_to_datetime
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from tests.evidence.made import Case

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.applications.correspondence import correspondence
from csirtlab.evidence.applications.mail_messages import encoded
from csirtlab.evidence.applications.zip_files import zip_archive
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.model import TcpFlow
from csirtlab.evidence.protocols.recordings import recording
from csirtlab.evidence.protocols.smtp import Handover
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.evidence.subjects.mailing import ACTIONS
from csirtlab.proofs.messages import KeptMessage, read_message
from csirtlab.proofs.tshark import at_ns, see
from csirtlab.settings import content_root

LINE = re.compile(
    r"(\d+\.\d{3}) +(\d+) (\S+) (TCP_MISS|TCP_DENIED|TCP_TUNNEL)/(\d{3}) (\d+) (GET|HEAD|CONNECT) (\S+) - (\S+) (\S+)"
)
LANGUAGES = ("es", "pt", "en")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    scenario = read_scenario(content_root(), "phish-to-download")
    made = Case(scenario, seed_of_text("try"), tmp_path_factory.mktemp("phish"))
    make_evidence(made.scenario, made.seed, made.folder)
    return made


@pytest.fixture(scope="module")
def messages(case: Case) -> dict[str, EmailMessage]:
    """Return the kept messages by queue id."""
    return {
        path.stem: email.message_from_bytes(path.read_bytes(), policy=default)
        for path in (case.folder / "mail").iterdir()
    }


@pytest.fixture(scope="module")
def lures(case: Case) -> list[KeptMessage]:
    return [message for message in map(read_message, (case.folder / "mail").iterdir()) if message.is_broken]


@pytest.fixture(scope="module")
def log(case: Case) -> list[re.Match[str]]:
    found = [LINE.fullmatch(line) for line in (case.folder / "proxy.log").read_text().splitlines()]
    assert all(found)
    return [line for line in found if line]


def test_every_letter_from_outside_is_a_handover_of_the_capture_in_the_same_second(
    case: Case, messages: dict[str, EmailMessage]
) -> None:
    fields = ("frame.time_epoch", "smtp.rsp.parameter", "tcp.stream")
    replies = see(case.capture, fields, 'smtp.rsp.parameter contains "queued as"')
    queued = {found[1]: at_ns(frame) / 1e9 for frame in replies if (found := re.search(r"queued as (\w+)", str(frame)))}
    outside = {name for name, message in messages.items() if "ESMTPSA" not in str(message["Received"])}

    assert outside == set(queued) and len(outside) > 35
    for name in outside:
        taken = parsedate_to_datetime(str(messages[name]["Received"]).rsplit(";", 1)[1])
        assert 0 <= queued[name] - taken.timestamp() < 4


def test_what_is_kept_is_what_was_sent_below_the_servers_own_headers(
    case: Case, messages: dict[str, EmailMessage]
) -> None:
    handovers = [
        flow.dialogue
        for flow in case.plan.flows
        if isinstance(flow, TcpFlow) and isinstance(flow.dialogue, Handover) and not flow.dialogue.is_refused
    ]
    sent = {frame["imf.message_id"].strip() for frame in see(case.capture, ("imf.message_id",), "imf")}
    kept = {str(message["Message-ID"]) for message in messages.values() if message["Authentication-Results"]}

    for handover in handovers:
        assert (
            (case.folder / "mail" / f"{handover.queue_id}.eml")
            .read_bytes()
            .endswith(handover.message.replace(b"\r\n", b"\n"))
        )
    # tshark does not put a message together whose last line lies in two segments.
    assert len(kept - sent) <= 0.1 * len(kept)


def test_times_of_a_letter_follow_each_other_from_its_author_to_the_site(messages: dict[str, EmailMessage]) -> None:
    for message in messages.values():
        hops = [parsedate_to_datetime(str(line).rsplit(";", 1)[1]) for line in message.get_all("Received", [])]
        written = parsedate_to_datetime(str(message["Date"]))

        assert hops == sorted(hops, reverse=True)
        assert 0 <= (hops[0] - written).total_seconds() < 60


def test_every_letter_is_whole_and_readable(messages: dict[str, EmailMessage]) -> None:
    for message in messages.values():
        body = message.get_body(("plain",))

        assert body is not None and len(body.get_content()) > 40
        assert not message.defects
        assert str(message["Subject"]).strip() and "{" not in str(message["Subject"]) + body.get_content()
        assert all(part.get_content() for part in message.iter_attachments())


def test_an_attachment_shows_nothing(messages: dict[str, EmailMessage]) -> None:
    files = [part for message in messages.values() for part in message.iter_attachments()]

    assert files
    assert all(b"exercise: this file shows nothing" in part.get_content() for part in files)


def test_a_lure_names_its_true_sender_between_the_relay_and_a_line_that_somebody_made_up(
    case: Case, lures: list[KeptMessage]
) -> None:
    topology = case.plan.named_hosts

    assert {message.hops[0].to for message in lures} == case.truth["lure_recipients"]
    for message in lures:
        relay, true, forged = message.hops
        assert relay.address == topology["relay"].address
        assert true.address == case.truth["sender_address"]
        assert forged.address == topology["partner"].address
        assert message.linked == 2 and message.fails_dmarc


def test_the_partner_in_whose_name_it_comes_writes_too(case: Case, lures: list[KeptMessage]) -> None:
    partner = case.plan.named_hosts["partner"]
    messages = map(read_message, (case.folder / "mail").iterdir())
    mine = [message for message in messages if message.hops[0].address == partner.address]

    assert mine and not any(message.is_broken or message.fails_dmarc for message in mine)
    assert {message.sender.split("@")[1] for message in mine} == {message.sender.split("@")[1] for message in lures}


def test_the_list_fails_dmarc_for_another_reason(case: Case) -> None:
    messages = map(read_message, (case.folder / "mail").iterdir())
    failed = [message for message in messages if message.fails_dmarc and not message.is_broken]

    assert {message.sender.split("@")[1] for message in failed} == {case.truth["false_alarm"]}


def test_the_server_does_not_know_one_of_those_whom_the_lure_was_for(
    case: Case, messages: dict[str, EmailMessage]
) -> None:
    refusals = see(case.capture, ("smtp.rsp.parameter",), "smtp.response.code == 550")
    gone = str(case.truth["refused_recipient"])

    assert [gone in frame["smtp.rsp.parameter"] for frame in refusals] == [True]
    assert not any(gone in str(message) for message in messages.values())


def test_the_proxys_log_tells_every_answer_of_the_capture_when_it_was_delivered(
    case: Case, log: list[re.Match[str]]
) -> None:
    proxy = case.plan.named_hosts["proxy"].address
    fields = ("frame.time_epoch", "ip.dst", "http.response.code", "http.response_for.uri", "http.date")
    seen = see(case.capture, fields, f"http.response and ip.src == {proxy} and http.date")
    written = [(line[3], line[5], line[8], float(line[1])) for line in log if line[4] != "TCP_TUNNEL"]

    assert len(seen) > 60
    for frame in seen:
        ended = at_ns(frame) / 1e9
        assert abs(parsedate_to_datetime(frame["http.date"]).timestamp() - ended) < 2
        assert any(
            (frame["ip.dst"], frame["http.response.code"]) == (client, status) and abs(when - ended) < 0.05
            for client, status, _, when in written
        ), frame


def test_the_link_checker_asks_for_every_link_first_and_gets_no_file(
    case: Case, log: list[re.Match[str]], lures: list[KeptMessage]
) -> None:
    checker = case.plan.named_hosts["checker"].address
    links = {link for message in lures for link in message.links}

    for link in links:
        askers = [(line[3], line[7]) for line in log if line[8] == link]
        assert askers[0] == (checker, "HEAD")
    assert not any(line[3] == checker and line[7] == "GET" for line in log)


def test_some_who_click_are_refused_once_the_proxy_knows(case: Case, log: list[re.Match[str]]) -> None:
    site = case.plan.named_hosts["lure-site"].name
    results = [line[4] for line in log if line[7] == "GET" and f"//{site}/" in line[8]]
    clicked, hosts = case.truth["clicked_accounts"], case.truth["download_hosts"]
    assert isinstance(clicked, frozenset) and isinstance(hosts, frozenset)

    assert results == sorted(results, reverse=True)  # missed and fetched before, denied after
    assert results.count("TCP_DENIED") == len(clicked) - len(hosts) >= 1
    assert results.count("TCP_MISS") == 2 * len(hosts)


def test_the_proxy_refuses_other_sites_too_all_the_time(case: Case, log: list[re.Match[str]]) -> None:
    site = case.plan.named_hosts["lure-site"].name
    denied = [
        (line[7], line[8].removeprefix("http://").split("/")[0].removesuffix(":443"))
        for line in log
        if line[4] == "TCP_DENIED"
    ]
    elsewhere = {host for _, host in denied if host != site}
    allowed = {urlsplit(line[8]).hostname for line in log if line[4] == "TCP_MISS"}

    assert len(elsewhere) >= 3 and not elsewhere & allowed
    assert {method for method, host in denied if host != site} == {"GET", "CONNECT"}
    assert all((line[5], line[9], line[10]) == ("403", "HIER_NONE/-", "text/html") for line in log
               if line[4] == "TCP_DENIED")  # fmt: skip


def test_harmless_senders_call_themselves_other_names_than_dns_does(
    messages: dict[str, EmailMessage], lures: list[KeptMessage]
) -> None:
    """Nobody finds the lure by comparing the two names of a ``Received`` line, nor by what the lure's lines say."""
    posed = {message.sender for message in lures}
    others = [message for message in messages.values() if parseaddr(str(message["From"]))[1] not in posed]
    odd = {
        parseaddr(str(message["From"]))[1].split("@")[1]
        for message in others
        for line in message.get_all("Received", [])
        if (found := re.match(r"from ([\w.-]+) \((\S+) \[", str(line))) and found[1] != found[2]
    }

    assert len(odd) >= 3
    for how in ("ESMTPSA", "ESMTPS"):
        assert any(f" with {how} " in str(line) for message in others for line in message.get_all("Received", []))


def test_the_verdict_on_a_signature_names_its_beginning(messages: dict[str, EmailMessage]) -> None:
    named = 0
    for message in messages.values():
        starts = re.findall(r"header\.b=(\S+?);?(?:\s|$)", str(message["Authentication-Results"]))
        signature = "".join(str(message["DKIM-Signature"] or "").split()).rpartition(";b=")[2]
        assert starts == ([signature[:8]] if signature else [])
        named += len(starts)

    assert named > 10


def test_a_sender_always_writes_with_the_same_program(messages: dict[str, EmailMessage]) -> None:
    programs: defaultdict[str, set[str]] = defaultdict(set)
    for message in messages.values():
        programs[parseaddr(str(message["From"]))[1]].add(str(message["User-Agent"] or message["X-Mailer"]))

    assert all(len(found) == 1 for found in programs.values())
    assert len(set.union(*programs.values())) >= 5


def test_lists_say_how_to_leave_them_and_people_do_not(messages: dict[str, EmailMessage]) -> None:
    listed = [message for message in messages.values() if message["List-Id"]]

    assert {str(message["Precedence"]) for message in listed} == {"bulk", "list"}
    assert all(message["List-Unsubscribe"] for message in listed)
    assert not any(message["Precedence"] for message in messages.values() if not message["List-Id"])


def test_the_file_is_an_archive_whose_content_does_nothing(case: Case) -> None:
    handed = next(
        visit.body
        for flow in case.plan.flows
        for visit in getattr(getattr(flow, "dialogue", None), "visits", ())
        if visit.url == case.truth["download_url"] and visit.method == "GET"
    )

    with zipfile.ZipFile(BytesIO(handed)) as archive:
        (name,) = archive.namelist()
        assert archive.testzip() is None
        assert b"exercise: this file does nothing" in archive.read(name)
    assert hashlib.sha256(handed).hexdigest() == case.truth["file_hash"]


def test_nothing_is_malformed(case: Case) -> None:
    assert not see(case.capture, ("frame.number",), "_ws.malformed")


def test_the_folder_holds_capture_log_mail_and_asset_list(case: Case) -> None:
    assert sorted(path.name for path in case.folder.iterdir()) == ["assets.csv", "capture.pcap", "mail", "proxy.log"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_letter_is_written_in_every_language(language: str) -> None:
    spanish, mine = correspondence("es"), correspondence(language)
    kinds = {"correspondence", "colleagues", "newsletter", "list", "invoice", "lure"}

    assert set(mine.messages) == kinds
    assert {kind: len(texts) for kind, texts in mine.messages.items()} == {
        kind: len(texts) for kind, texts in spanish.messages.items()
    }
    assert len(mine.months) == 12
    assert all("{link}" in text.body for kind in ("newsletter", "invoice", "lure") for text in mine.messages[kind])


def test_every_verb_that_sends_mail_has_people_to_send_it_to() -> None:
    assert {"correspond", "newsletter", "list-post", "invoice", "lure", "colleagues"} <= set(ACTIONS)


def test_a_subject_with_accents_is_encoded_in_words_that_headers_may_hold() -> None:
    subject = "Actualización del padrón de funcionarios, convocatoria número 118 y anexos"
    words = encoded(subject).split("\n ")
    message = email.message_from_string(f"Subject: {encoded(subject)}\n\n", policy=default)

    assert all(len(word) <= 75 for word in words) and len(words) > 1
    assert message["Subject"] == subject


def test_an_archive_is_one_that_others_can_open() -> None:
    with zipfile.ZipFile(BytesIO(zip_archive("a.html", b"nothing"))) as archive:
        assert archive.namelist() == ["a.html"]
        assert archive.read("a.html") == b"nothing"


@pytest.mark.parametrize("name", ["smtp-relay", "smtp-relay-refused", "smtp-script", "smtp-script-refused"])
def test_a_recorded_handover_is_played_as_it_was(name: str) -> None:
    """The program's own words, and the reply that is made anew, have the lengths that were recorded."""
    refused = ("nobody@recorded.example",) if "refused" in name else ()
    to = refused or ("to@recorded.example",)
    handover = Handover(
        "script" in name, "client.recorded.example", "server.recorded.example", "from@client.recorded.example", to,
        refused, b"Subject: recorded\r\n\r\nrecorded\r\n", "0123456789A", 0, 0, 0, None,  # type: ignore[arg-type]  # it is not closed here
    )  # fmt: skip
    lengths = {part.field: part.length for turn in recording(name).turns for part in turn.parts if part.field}

    assert handover.recording == name
    assert len("".join(handover.reply_lines())) == lengths["recipient_replies"]
    assert len("".join(handover.recipient_lines())) == lengths["recipients"]
