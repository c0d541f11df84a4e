"""Scans and logins as the sensor and the server's log show them."""

import datetime as dt
import itertools
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from tests.evidence.made import Case

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.tshark import Frame, at_ns, see
from csirtlab.settings import content_root

LINE = re.compile(r"(\S+) (\S+) ([a-zA-Z-]+)(?:\[(\d+)\])?: (.+)")
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
def lines(case: Case) -> list[tuple[dt.datetime, str, int, str]]:
    """Return time, program, process and message of every line of the server's log."""
    found = [LINE.fullmatch(line) for line in (case.folder / "auth.log").read_text().splitlines()]
    assert all(found)
    return [(dt.datetime.fromisoformat(line[1]), line[3], int(line[4] or 0), line[5]) for line in found if line]


@pytest.fixture(scope="module")
def log(lines: list[tuple[dt.datetime, str, int, str]]) -> list[tuple[dt.datetime, str]]:
    """Return time and message of every line of sshd."""
    return [(when, message) for when, program, _, message in lines if program == "sshd"]


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


def test_the_log_is_in_the_order_of_its_clock(lines: list[tuple[dt.datetime, str, int, str]]) -> None:
    times = [when for when, _, _, _ in lines]

    assert times == sorted(times)


def test_processes_have_numbers_that_rise_in_the_order_of_the_connections(
    frames: list[Frame], lines: list[tuple[dt.datetime, str, int, str]]
) -> None:
    opened = {(frame["ip.src"], frame["tcp.srcport"]): at_ns(frame) for frame in frames if is_syn(frame)}
    began: list[tuple[int, int]] = []
    for _, _, process, message in lines:
        if message.startswith(("Accepted", "Failed")):
            words = message.split()
            began.append((opened[words[words.index("from") + 1], words[words.index("port") + 1]], process))
    numbers = [process for _, process in sorted(began)]

    assert len(numbers) > 30 and numbers == sorted(set(numbers))


def test_other_programs_write_into_the_log_too(lines: list[tuple[dt.datetime, str, int, str]]) -> None:
    by_program: defaultdict[str, list[tuple[dt.datetime, str]]] = defaultdict(list)
    for when, program, _, message in lines:
        by_program[program].append((when, message))

    assert set(by_program) == {"sshd", "CRON", "systemd-logind", "sudo"}
    jobs = [when for when, message in by_program["CRON"] if "opened" in message]
    assert {when.minute % 5 for when in jobs if when.minute != 17} == {0} and any(when.minute == 17 for when in jobs)
    sessions = [message for _, message in by_program["sshd"] if "sshd:session): session opened" in message]
    assert sum(message.startswith("New session") for _, message in by_program["systemd-logind"]) == len(sessions)


def test_whoever_is_refused_waits_for_the_verdict(log: list[tuple[dt.datetime, str]]) -> None:
    waits: list[float] = []
    doubted: dict[str, dt.datetime] = {}
    for when, message in log:
        if found := re.search(r"authentication failure; .* rhost=(\S+)", message):
            doubted[found[1]] = when
        elif found := re.match(r"Failed password for .* from (\S+) port", message):
            waits.append((when - doubted.pop(found[1])).total_seconds())

    assert len(waits) > 20
    assert all(1.4 < wait < 2.7 for wait in waits) and len(set(waits)) == len(waits)


def test_no_two_lines_follow_each_other_at_a_fixed_distance(log: list[tuple[dt.datetime, str]]) -> None:
    gaps: defaultdict[tuple[str, str], list[dt.timedelta]] = defaultdict(list)
    for (before, first), (after, second) in itertools.pairwise(log):
        gaps[" ".join(first.split()[:2]), " ".join(second.split()[:2])].append(after - before)

    assert all(Counter(found).most_common(1)[0][1] < len(found) / 3 for found in gaps.values() if len(found) > 9)


def test_a_connection_is_closed_in_the_log_after_it_is_closed_in_the_capture(
    case: Case, frames: list[Frame], log: list[tuple[dt.datetime, str]]
) -> None:
    ahead_s = case.plan.named_hosts["bastion"].clock_ns / 1e9
    ended: dict[tuple[str, str], int] = {}
    for frame in frames:
        if frame["tcp.flags"] and int(frame["tcp.flags"], 16) & 0x01:
            ended.setdefault((frame["ip.src"], frame["tcp.srcport"]), at_ns(frame))
    closed = [
        ((found[1], found[2]), when)
        for when, message in log
        if (found := re.search(r"(\S+) port (\d+) \[preauth\]", message))
    ]

    assert len(closed) > 20
    for who, when in closed:
        assert 0 < when.timestamp() - ahead_s - ended[who] / 1e9 < 0.02


def test_an_account_has_one_key(log: list[tuple[dt.datetime, str]]) -> None:
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for _, message in log:
        if found := re.fullmatch(r"Accepted publickey for (\S+) .* ssh2: ED25519 SHA256:([\w+/]{43})", message):
            keys[found[1]].add(found[2])

    assert keys and all(len(found) == 1 for found in keys.values())
    assert len(set.union(*keys.values())) == len(keys)


def test_the_log_holds_one_verdict_for_each_session(log: list[tuple[dt.datetime, str]]) -> None:
    judged = [message for _, message in log if message.startswith(("Accepted", "Failed"))]
    sessions = Counter(tuple(message.split(" from ")[1].split()[:3]) for message in judged)

    assert set(sessions.values()) == {1}


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
    target = case.plan.named_hosts["scanned"].address
    scanner = case.plan.named_hosts["scanner"].address
    probes = [frame for frame in frames if is_syn(frame) and (frame["ip.src"], frame["ip.dst"]) == (scanner, target)]

    assert len({frame["tcp.dstport"] for frame in probes}) >= 300
    assert {frame["tcp.window_size_value"] for frame in probes} == {"1024"}
    assert {frame["tcp.options"] for frame in probes} == {"020405b4"}
    assert len({frame["tcp.srcport"] for frame in probes}) == 2  # the second one for what is tried again


def test_who_answers_a_scanner_is_refused_by_its_kernel(case: Case, frames: list[Frame]) -> None:
    scanner = case.plan.named_hosts["scanner"].address
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
