"""A worm among cameras, and a camera that writes to a controller, as capture, flow records and tags show them."""

import csv
import datetime as dt
from collections import Counter, defaultdict
from typing import NamedTuple

import pytest
from tests.evidence.made import Case

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.tshark import Frame, at_ns, see
from csirtlab.settings import content_root

FIELDS = (
    "frame.time_epoch", "ip.src", "ip.dst", "ip.len", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport",
    "tcp.flags", "tcp.stream", "tcp.payload", "http.request.uri", "arp.opcode", "arp.src.proto_ipv4", "_ws.malformed",
    "tcp.analysis.retransmission",
)  # fmt: skip
FLAGS = "CEUAPRSF"
Key = tuple[str, str, str, str, str]


class Message(NamedTuple):
    at_ns: int
    is_request: bool
    master: str
    controller: str
    conversation: tuple[str, int]  # stream, transaction
    function: int
    body: bytes

    @property
    def register(self) -> int:
        return int.from_bytes(self.body[:2])

    @property
    def value(self) -> int:
        return int.from_bytes(self.body[-2:])


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    scenario = read_scenario(content_root(), "iot-worm-and-plc")
    made = Case(scenario, seed_of_text("try"), tmp_path_factory.mktemp("iot"))
    make_evidence(made.scenario, made.seed, made.folder)
    return made


@pytest.fixture(scope="module")
def frames(case: Case) -> list[Frame]:
    return see(case.capture, FIELDS)


@pytest.fixture(scope="module")
def messages(frames: list[Frame]) -> list[Message]:
    """Return every Modbus message, read byte by byte."""
    found = []
    for frame in frames:
        if "502" not in (frame["tcp.srcport"], frame["tcp.dstport"]) or not frame["tcp.payload"]:
            continue
        if frame["tcp.analysis.retransmission"]:
            continue
        content = payload(frame)
        is_request = frame["tcp.dstport"] == "502"
        ends = (frame["ip.src"], frame["ip.dst"]) if is_request else (frame["ip.dst"], frame["ip.src"])
        assert int.from_bytes(content[4:6]) == len(content) - 6
        conversation = (frame["tcp.stream"], int.from_bytes(content[:2]))
        found.append(Message(at_ns(frame), is_request, *ends, conversation, content[7], content[8:]))
    return found


@pytest.fixture(scope="module")
def tags(case: Case) -> list[dict[str, str]]:
    return list(csv.DictReader((case.folder / "tags.csv").read_text().splitlines()))


def payload(frame: Frame) -> bytes:
    return bytes.fromhex(frame["tcp.payload"].replace(":", ""))


def writes(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.is_request and message.function in (6, 16)]


def readings(messages: list[Message], controller: str, function: int, register: int) -> list[tuple[int, int]]:
    """Return when and with what a controller answered for ``register``."""
    asked = {message.conversation: message.register for message in messages if message.is_request}
    found = []
    for message in messages:
        if not message.is_request and message.function == function and message.controller == controller:
            place = 1 + 2 * (register - asked[message.conversation])
            found.append((message.at_ns, int.from_bytes(message.body[place : place + 2])))
    return found


def test_nothing_is_malformed(frames: list[Frame]) -> None:
    assert len(frames) > 5000
    assert not any(frame["_ws.malformed"] for frame in frames)


def test_the_flow_records_agree_with_the_capture(case: Case, frames: list[Frame]) -> None:
    seen: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    flags: defaultdict[Key, int] = defaultdict(int)
    for frame in frames:
        layer = "tcp" if frame["tcp.srcport"] else "udp"
        if not frame["ip.src"]:
            continue
        key = (layer.upper(), frame["ip.src"], frame["ip.dst"], frame[f"{layer}.srcport"], frame[f"{layer}.dstport"])
        seen[key] += Counter(packets=1, bytes=int(frame["ip.len"]))
        flags[key] |= int(frame["tcp.flags"] or "0", 16)

    written: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    written_flags: defaultdict[Key, int] = defaultdict(int)
    rows = list(csv.DictReader((case.folder / "flows.csv").read_text().splitlines()))
    for row in rows:
        key = (row["pr"], row["sa"], row["da"], row["sp"], row["dp"])
        written[key] += Counter(packets=int(row["ipkt"]), bytes=int(row["ibyt"]))
        if row["pr"] == "TCP":
            written_flags[key] |= int("".join("0" if letter == "." else "1" for letter in row["flg"]), 2)

    assert written == seen
    assert {key: number for key, number in flags.items() if key[0] == "TCP"} == written_flags
    assert {len(row["flg"]) for row in rows} == {len(FLAGS)}


def test_a_flow_that_goes_on_has_a_record_every_five_minutes(case: Case) -> None:
    rows = list(csv.DictReader((case.folder / "flows.csv").read_text().splitlines()))

    lengths = [dt.datetime.fromisoformat(row["te"]) - dt.datetime.fromisoformat(row["ts"]) for row in rows]

    assert dt.timedelta(minutes=4) < max(lengths) <= dt.timedelta(minutes=5)
    assert [row["ts"] for row in rows] == sorted(row["ts"] for row in rows)


def test_a_device_fetches_the_file_when_it_is_told_to_and_looks_for_others_after_that(
    case: Case, frames: list[Frame]
) -> None:
    devices, loader = case.truth["infected_devices"], case.truth["loader_address"]
    assert isinstance(devices, frozenset)
    told: dict[str, int] = {}
    fetched: dict[str, int] = {}
    probed: dict[str, int] = {}
    for frame in frames:
        is_telnet = frame["tcp.dstport"] in ("23", "2323")
        if is_telnet and b"wget -q" in payload(frame):
            told[frame["ip.dst"]] = at_ns(frame)
        if frame["http.request.uri"] and frame["ip.dst"] == loader:
            fetched[frame["ip.src"]] = at_ns(frame)
        if is_telnet and frame["ip.src"] in devices:
            probed.setdefault(frame["ip.src"], at_ns(frame))

    assert set(told) == set(fetched) == devices >= set(probed)
    for device in devices:
        assert 0 < fetched[device] - told[device] < 1e9
    for device, at in probed.items():
        assert at > fetched[device] + 1e9


def test_the_file_does_nothing_and_is_the_same_for_all(case: Case) -> None:
    loader = case.truth["loader_address"]
    answers = see(case.capture, ("tcp.payload",), f"ip.src == {loader} and tcp.payload contains 48:54:54:50")
    beginnings = {payload(frame).partition(b"\r\n\r\n")[2][:60] for frame in answers}

    assert len(answers) == len(case.truth["infected_devices"])  # type: ignore[arg-type]  # a set
    assert len(beginnings) == 1 and beginnings.pop().startswith(b"exercise: this file does nothing\n")


def test_who_has_the_worm_asks_for_addresses_that_nobody_has(case: Case, frames: list[Frame]) -> None:
    devices = case.truth["infected_devices"]
    assert isinstance(devices, frozenset)
    asked = Counter(frame["arp.src.proto_ipv4"] for frame in frames if frame["arp.opcode"] == "1")

    others = [count for address, count in asked.items() if address not in devices]
    assert asked[str(case.truth["patient_zero"])] > 3 * max(others)


def test_every_answer_of_a_controller_has_its_question(messages: list[Message]) -> None:
    asked = {message.conversation: message.function for message in messages if message.is_request}
    answers = [message for message in messages if not message.is_request]

    assert len(answers) > 3000
    # One whose question passed before the recording began may come first.
    assert sum(asked.get(message.conversation) != message.function for message in answers) <= 1


def test_masters_were_connected_before_the_recording_began(messages: list[Message], case: Case) -> None:
    opened = {
        frame["tcp.stream"] for frame in see(case.capture, ("tcp.stream",), "tcp.flags.syn == 1 and tcp.port == 502")
    }

    assert {message.conversation[0] for message in messages} - opened


def test_what_one_master_writes_all_masters_read(messages: list[Message]) -> None:
    checked = 0
    for write in writes(messages):
        later = [
            reading
            for reading in readings(messages, write.controller, 3, write.register)
            if reading[0] > write.at_ns + 1e9
        ]
        again = [
            other.at_ns
            for other in writes(messages)
            if (other.controller, other.register) == (write.controller, write.register) and other.at_ns > write.at_ns
        ]
        until = min(again, default=2**63)
        for at, value in later:
            if at < until:
                assert value == write.value
                checked += 1

    assert checked > 200


def test_operators_stay_within_the_list_of_tags_and_the_tampering_does_not(
    case: Case, messages: list[Message], tags: list[dict[str, str]]
) -> None:
    names = {row[1]: row[0] for row in csv.reader((case.folder / "assets.csv").read_text().splitlines())}
    limits = {
        (tag["plc"], int(tag["register"])): (int(tag["low"]), int(tag["high"]))
        for tag in tags
        if tag["table"] == "holding"
    }
    rogue = str(case.truth["rogue_master"])

    found = writes(messages)

    assert {message.master for message in found} == {rogue, str(case.truth["rightful_writer"])}
    for message in found:
        low, high = limits[names[message.controller], message.register]
        assert (low <= message.value <= high) == (message.master != rogue)


def test_the_process_follows_what_was_written(case: Case, messages: list[Message], tags: list[dict[str, str]]) -> None:
    target, value = str(case.truth["target_plc"]), case.truth["written_value"]
    names = {row[1]: row[0] for row in csv.reader((case.folder / "assets.csv").read_text().splitlines())}
    (tag,) = [
        tag["tag"].removesuffix(".SP")
        for tag in tags
        if (tag["plc"], tag["register"]) == (names[target], str(case.truth["written_register"]))
        and tag["table"] == "holding"
    ]
    (measured,) = [int(row["register"]) for row in tags if row["plc"] == names[target] and row["tag"] == f"{tag}.PV"]
    course = readings(messages, target, 4, measured)
    first_write = case.truth["first_write"]
    assert isinstance(first_write, dt.datetime) and isinstance(value, int)

    before = [reading for at, reading in course if at / 1e9 < first_write.timestamp()]
    after = [reading for at, reading in course if at / 1e9 > first_write.timestamp() + 200]

    # Slowly at first, near the new setpoint in the end.
    assert abs(after[-1] - value) < 0.25 * abs(before[-1] - value)
    assert len(after) > 10


def test_the_folder_holds_capture_flows_tags_and_asset_list(case: Case) -> None:
    names = sorted(path.name for path in case.folder.iterdir())

    assert names == ["assets.csv", "capture.pcap", "flows.csv", "tags.csv"]
    assert sum(path.stat().st_size for path in case.folder.iterdir()) < 20_000_000
