"""Scans and logins as the sensor and the server's log show them."""

import datetime as dt
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from tests.evidence.made import Case

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.sensor import Frame, at_ns, see
from csirtlab.settings import content_root

LINE = re.compile(r"(\S+) (\S+) sshd\[(\d+)\]: (.+)")
FIELDS = (
    "frame.time_epoch", "frame.number", "ip.src", "ip.dst", "ip.ttl", "tcp.srcport", "tcp.dstport", "tcp.flags",
    "tcp.window_size_value", "tcp.options", "ssh.protocol", "ssh.message_code", "_ws.malformed", "tcp.stream",
)  # fmt: skip


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    made = Case(read_scenario(content_root(), "scan-and-spray"), seed_of_text("try"), tmp_path_factory.mktemp("scan"))
    make_evidence(made.scenario, made.seed, made.folder)
    return made


@pytest.fixture(scope="module")
def frames(case: Case) -> list[Frame]:
    return see(case.capture, FIELDS)


@pytest.fixture(scope="module")
def log(case: Case) -> list[tuple[dt.datetime, str]]:
    """Return time and message of every line of the server's log."""
    lines = (case.folder / "auth.log").read_text().splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found)
    return [(dt.datetime.fromisoformat(line[1]), line[4]) for line in found if line]


def is_syn(frame: Frame) -> bool:
    return bool(frame["tcp.flags"]) and int(frame["tcp.flags"], 16) & 0x12 == 0x02


def test_every_login_that_the_log_tells_is_a_connection_of_the_capture(
    frames: list[Frame], log: list[tuple[dt.datetime, str]]
) -> None:
    opened = {(frame["ip.src"], frame["tcp.srcport"]): at_ns(frame) for frame in frames if is_syn(frame)}
    judged = [(when, message) for when, message in log if message.startswith(("Accepted", "Failed"))]

    assert len(judged) > 30
    for when, message in judged:
        words = message.split()
        began = opened[words[words.index("from") + 1], words[words.index("port") + 1]]
        assert 0 < when.timestamp() - began / 1e9 < 60, message


def test_the_log_is_in_the_order_of_its_clock(log: list[tuple[dt.datetime, str]]) -> None:
    times = [when for when, _ in log]

    assert times == sorted(times)


def test_the_log_holds_one_verdict_for_each_session(log: list[tuple[dt.datetime, str]]) -> None:
    ports = Counter(message.split(" port ")[1] for _, message in log if message.startswith(("Accepted", "Failed")))

    assert set(ports.values()) == {1}


def test_what_tshark_sees_in_the_sessions_is_ssh_and_nothing_malformed(frames: list[Frame]) -> None:
    banners = {frame["ssh.protocol"].split("\r")[0] for frame in frames if frame["ssh.protocol"]}

    assert any("OpenSSH" in banner for banner in banners) and any("paramiko" in banner for banner in banners)
    assert {"20", "21", "30", "31"} <= {code for frame in frames for code in frame["ssh.message_code"].split(",")}
    assert not any(frame["_ws.malformed"] for frame in frames)


def test_a_server_shows_the_same_key_to_everybody(case: Case) -> None:
    replies = see(case.capture, ("tcp.payload",), "ssh.message_code == 31")
    # RFC 5656, 4: the reply begins with the server's key; RFC 8709: its type is followed by 32 bytes.
    keys = {payload[payload.index(b"ssh-ed25519") + 15 :][:32] for payload in map(first_bytes, replies)}

    assert len(replies) > 30 and len(keys) == 1


def first_bytes(frame: Frame) -> bytes:
    return bytes.fromhex(frame["tcp.payload"].replace(",", "").replace(":", ""))


def test_the_port_scan_looks_like_nmaps(case: Case, frames: list[Frame]) -> None:
    target = case.plan.cast["scanned"].address
    scanner = case.plan.cast["scanner"].address
    knocks = [frame for frame in frames if is_syn(frame) and (frame["ip.src"], frame["ip.dst"]) == (scanner, target)]

    assert len({frame["tcp.dstport"] for frame in knocks}) >= 300
    assert {frame["tcp.window_size_value"] for frame in knocks} == {"1024"}
    assert {frame["tcp.options"] for frame in knocks} == {"020405b4"}
    assert len({frame["tcp.srcport"] for frame in knocks}) == 2  # the second one for what is tried again


def test_who_answers_a_scanner_is_refused_by_its_kernel(case: Case, frames: list[Frame]) -> None:
    scanner = case.plan.cast["scanner"].address
    ends: dict[str, list[str]] = defaultdict(list)
    for frame in frames:
        if scanner in (frame["ip.src"], frame["ip.dst"]):
            ends[frame["tcp.stream"]].append(frame["tcp.flags"][-2:])
    opened = [flags for flags in ends.values() if "12" in flags]

    assert len(opened) == len(case.truth["open_ports"])  # type: ignore[arg-type]  # a set
    assert all(flags == ["02", "12", "04"] for flags in opened)


def test_the_monitoring_server_knocks_at_many_ports_in_a_row_and_finishes_every_handshake(
    case: Case, frames: list[Frame]
) -> None:
    watcher = next(host for host in case.plan.hosts if host.role == "monitoring server").address
    server = next(host for host in case.plan.hosts if "domain controller" in host.role).address
    ports: set[str] = set()
    flags: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for frame in frames:
        if watcher in (frame["ip.src"], frame["ip.dst"]) and frame["tcp.stream"]:
            flags[frame["tcp.stream"]].append((frame["ip.src"], frame["tcp.flags"][-2:]))
            if is_syn(frame) and frame["ip.dst"] == server:
                ports.add(frame["tcp.dstport"])
    began_by_watcher = [seen for seen in flags.values() if seen[0] == (watcher, "02")]

    assert len(ports) >= 9
    assert len(began_by_watcher) > 60
    # What the end of the recording cuts off is one connection at most.
    whole = [seen for seen in began_by_watcher if (watcher, "10") in seen]
    assert len(whole) >= len(began_by_watcher) - 1
    assert all(seen[1][1] == "12" for seen in whole)


def test_an_administrator_mistypes_and_nobody_should_be_alarmed(log: list[tuple[dt.datetime, str]], case: Case) -> None:
    forgetful = str(case.truth["false_alarm"])
    mine = [message for _, message in log if f"from {forgetful} " in message and "password for" in message]

    assert [message.split()[0] for message in mine][-1] == "Accepted"
    assert sum(message.startswith("Failed") for message in mine) >= 4
    assert len({message.split(" from ")[0].split()[-1] for message in mine}) == 1


def test_the_folder_holds_capture_log_and_asset_list(case: Case) -> None:
    assert sorted(path.name for path in Path(case.folder).iterdir()) == ["assets.csv", "auth.log", "capture.pcap"]
