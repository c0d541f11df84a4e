"""A small case on disk: a capture written by scapy, and its sheet."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import PcapWriter

from csirtlab.kit import Case, open_case

START = 1772619072.0
STARTS = [START + 60 * number for number in range(8)]
HOST, SERVER = "10.1.2.3", "192.0.2.10"

QUESTIONS: list[dict[str, object]] = [
    {"id": "host", "kind": "finding", "form": "address"},
    {"id": "began", "kind": "finding", "form": "time"},
    {"id": "verdict", "kind": "finding", "form": "choice", "choices": {"beacon": "Una baliza", "update": "Otra"}},
    {"id": "names", "kind": "finding", "form": "set", "items": "domain"},
    {"id": "finder", "kind": "method", "form": "address"},
    {"id": "note", "kind": "report"},
    {"id": "webshell", "kind": "rule", "language": "sigma", "fields": ["c-ip", "cs-uri-query", "sc-status"]},
    {"id": "payload", "kind": "rule", "language": "yara"},
]  # fmt: skip


def write_case(folder: Path, language: str = "en", host: str = HOST) -> Path:
    """Write a lab folder with one case: eight connections a minute apart, and one DNS query."""
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    # Both addresses given: scapy would ask the network for them.
    frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    with PcapWriter(str(evidence / "capture.pcap"), nano=True, linktype=1) as writer:
        query = frame / IP(src=host, dst="10.1.2.1") / UDP(sport=5353, dport=53) / DNS(qd=DNSQR(qname="c2.example"))
        query.time = START - 1
        writer.write(query)
        for number, start in enumerate(STARTS):
            syn = frame / IP(src=host, dst=SERVER) / TCP(sport=40000 + number, dport=443, flags="S", seq=1)
            syn.time = start
            writer.write(syn)
    (evidence / "assets.csv").write_text("hostname,address,role\nws-1,10.1.2.3,workstation\n", encoding="utf-8")
    blank: dict[str, object] = {"form": None, "items": None, "columns": {}, "choices": {}, "points": 5, "unit": None}
    sheet = {
        "format": 1, "lab": "sample", "cohort": "demo", "trainee": "ana", "language": language, "title": "A sample",
        "minutes": 10, "evidence": ["assets.csv", "capture.pcap"],
        "questions": [{**blank, **question} for question in QUESTIONS],
    }  # fmt: skip
    (evidence / "case.json").write_text(json.dumps(sheet), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def lab_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_case(tmp_path_factory.mktemp("case") / "sample")


@pytest.fixture
def case(lab_folder: Path) -> Case:
    return open_case(lab_folder)


@pytest.fixture
def make_case(tmp_path: Path) -> Callable[[str], Path]:
    """Make another case in a language of choice; return its lab folder."""
    return lambda language: write_case(tmp_path / "sample", language)
