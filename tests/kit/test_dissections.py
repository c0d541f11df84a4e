"""A capture is read once for many tables, and each table is what tshark itself would give."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import PcapWriter

from csirtlab.kit import Case, dissections, open_case, readers
from csirtlab.kit.remembered import Memory
from csirtlab.kit.simple_filters import parse

FILTERS = [
    None,
    "tcp.flags.syn == 1",
    "tcp.flags.syn == 1 && tcp.flags.ack == 0 && tcp.dstport == 443",
    "(tcp.flags.syn == 1 and tcp.flags.ack == 1) or udp.dstport == 53",
    "tcp.dstport == 443 && tcp.len > 0",
    "ip.ttl < 64",
    "ip.proto == 17",
    "udp.length >= 40",
    "dns.flags.response == 1",
    "dns.qry.type == 28",
    "frame.number > 3 && frame.number <= 5",
]
LEFT_TO_TSHARK = [
    "tcp",
    "!(tcp.len == 0)",
    "tcp.len != 0",
    "ip.src == 10.1.2.3",
    "tcp.dstport in {80, 443}",
    "tcp.len > 0 && tcp.len < 9 || udp.length > 1",  # which binds closer is for tshark to say
    "tcp.dstport == 010",  # octal
    "tcp.dstport == 70000",  # tshark refuses it, with the reason
    "tcp.flags.syn == 2",
    "tcp.dstport = = 80",
    "tcp.dstport == 80 90",
    "(tcp.dstport == 80",
    "tcp.dstport",
    "",
]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The options of every tshark that is started; nothing is remembered from before."""
    seen: list[list[str]] = []
    start = readers._start

    def note(path: Path, options: list[str], display_filter: str | None, language: str) -> object:
        seen.append([*options, display_filter or ""])
        return start(path, options, display_filter, language)

    monkeypatch.setattr(readers, "_start", note)
    monkeypatch.setattr(readers, "_memory", Memory(2**26))
    yield seen


@pytest.fixture
def odd_capture(tmp_path: Path) -> Path:
    """Frames in which fields occur several times, not at all, or with bytes that no name should have."""
    ether = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    there, back = IP(src="10.1.2.3", dst="192.0.2.10", ttl=63), IP(src="192.0.2.10", dst="10.1.2.3")
    lost = UDP(sport=5000, dport=33434) / Raw(b"x" * 40)
    answer = DNS(qr=1, qd=DNSQR(qname="a.example", qtype="AAAA"), an=[DNSRR(rrname="a.example", rdata="192.0.2.1")] * 2)
    frames: list[Packet] = [
        ether / there / TCP(sport=1025, dport=443, flags="S", seq=100),
        ether / back / TCP(sport=443, dport=1025, flags="SA", seq=900, ack=101),
        ether / there / TCP(sport=1025, dport=443, flags="PA", seq=101, ack=901) / Raw(b"GET / HTTP/1.1\r\n\r\n"),
        ether / there / lost,
        ether / back / ICMP(type=3, code=3) / there / lost,  # two IP and UDP headers in a frame
        ether / Dot1Q(vlan=7) / there / UDP(sport=1026, dport=53) / DNS(qd=DNSQR(qname="odd\x1fna\tme\n.example")),
        ether / back / UDP(sport=53, dport=1026) / answer,
        Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff", type=0x88B5) / Raw(b"\x00" * 46),
    ]
    path = tmp_path / "odd.pcap"
    with PcapWriter(str(path), nano=True, linktype=1) as writer:
        for number, frame in enumerate(frames):
            frame.time = 1772619072.0 + number
            writer.write(frame)
    return path


@pytest.mark.parametrize("display_filter", FILTERS)
@pytest.mark.parametrize("every", [False, True])
def test_what_is_cut_out_is_what_tshark_gives(odd_capture: Path, display_filter: str | None, every: bool) -> None:
    fields = list(dissections.FIELDS)

    cut = readers.tshark_columns(odd_capture, fields, display_filter, "en", every=every)

    assert cut == _by_tshark(odd_capture, fields, display_filter, every=every)
    assert any(cut[0]) and len({len(column) for column in cut}) == 1


@pytest.mark.parametrize("display_filter", LEFT_TO_TSHARK)
def test_any_other_filter_is_left_to_tshark(display_filter: str) -> None:
    assert parse(display_filter, dissections.FIELDS) is None


def test_many_tables_take_one_pass(case: Case, started: list[list[str]]) -> None:
    case.table(["frame.time_epoch", "ip.src"])
    case.table(["tcp.stream", "tcp.len"], "tcp.flags.syn == 1 && tcp.dstport == 443")
    case.table(["dns.qry.name"], "dns.flags.response == 0")

    assert [options[-1] for options in started] == [""]


def test_the_same_table_again_starts_no_tshark(case: Case, started: list[list[str]]) -> None:
    first = case.table(["ip.src", "tcp.options"], "tcp && ip.src == 10.1.2.3")

    again = case.table(["ip.src", "tcp.options"], "tcp && ip.src == 10.1.2.3")

    pd.testing.assert_frame_equal(first, again)
    assert len(started) == 1


def test_a_changed_table_changes_no_other(case: Case) -> None:
    first = case.table(["ip.src"])

    first["ip.src"] = "overwritten"
    first.loc[len(first)] = "added"

    assert set(case.table(["ip.src"])["ip.src"]) == {"10.1.2.3"}


@pytest.mark.parametrize("field", ["ip.src", "ip.dsfield"])
def test_another_capture_under_the_same_name_is_read_anew(
    make_case: Callable[[str], Path], tmp_path: Path, field: str
) -> None:
    case = open_case(make_case("en"))
    before = case.table([field])
    capture = case.path("capture.pcap")
    shorter = tmp_path / "shorter.pcap"
    with PcapWriter(str(shorter), nano=True, linktype=1) as writer:
        writer.write(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src="10.9.9.9", dst="10.1.2.1"))
    shutil.copyfile(shorter, capture)

    after = case.table([field])

    assert (len(before), len(after)) == (9, 1)


def test_memory_is_bounded_and_the_oldest_is_forgotten(lab_folder: Path) -> None:
    memory, made = Memory(100), []

    def make(name: str) -> readers._Said:
        made.append(name)
        return readers._Said(bytes(40))

    for name in ("a", "b", "a", "c", "a", "b"):
        memory.get(lab_folder, name, lambda name=name: make(name))  # type: ignore[misc]  # bound per turn
        assert memory.size <= 100

    assert made == ["a", "b", "c", "b"]


def test_a_dissection_beside_its_capture_is_read_in_place_of_tshark(
    make_case: Callable[[str], Path], started: list[list[str]]
) -> None:
    case = open_case(make_case("en"))
    capture = case.path("capture.pcap")
    found = readers.dissect(capture)
    assert found
    dissections.write(found, capture)
    os.utime(capture)  # not remembered any more
    started.clear()

    table = case.table(["ip.src", "tcp.dstport"], "tcp.flags.syn == 1")

    assert started == []
    assert len(table) == 8


@pytest.mark.parametrize("spoil", [b"", b"{}\n", b"[1]\n", b"\xff\xfe"])
def test_a_dissection_that_is_not_of_this_capture_is_not_believed(
    make_case: Callable[[str], Path], started: list[list[str]], spoil: bytes
) -> None:
    case = open_case(make_case("en"))
    capture = case.path("capture.pcap")
    found = readers.dissect(capture)
    assert found
    dissections.write(found, capture)
    if spoil:
        dissections.place_of(capture).write_bytes(spoil)
    else:
        with capture.open("ab") as file:  # a frame more
            file.write(
                capture.read_bytes()[24:][: 16 + len(Ether() / IP() / UDP() / DNS(qd=DNSQR(qname="c2.example")))]
            )
    os.utime(capture)
    started.clear()

    table = case.table(["frame.number"])

    assert len(started) == 1
    assert len(table) == (10 if not spoil else 9)


def _by_tshark(path: Path, fields: list[str], display_filter: str | None, *, every: bool) -> list[list[str]]:
    options = ["-T", "fields", "-E", "separator=/t", "-E", "quote=n"]
    options += ["-E", "occurrence=a", "-E", "aggregator=\x1f"] if every else ["-E", "occurrence=f"]
    for field in fields:
        options += ["-e", field]
    rows = [
        row.split("\t") for row in readers._output_of(path, options, display_filter, "en").decode().split("\n")[:-1]
    ]
    return [list(column) for column in zip(*rows, strict=True)]
