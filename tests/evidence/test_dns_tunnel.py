"""A tunnel as the resolver's log and the capture show it."""

import base64
import hashlib
import re
from collections import Counter

import pytest
from scapy.layers.dns import DNS
from scapy.layers.inet import IP, UDP
from scapy.utils import PcapReader
from tests.evidence.made import Case

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.tshark import see
from csirtlab.settings import content_root

LINE = re.compile(
    r"(\d\d-\w{3}-2026 [\d:.]+) queries: info: client @0x[0-9a-f]+ ([\d.]+)#(\d+) \((\S+)\): query: (\S+) IN (\w+) "
    r"\+(E\(0\))? \([\d.]+\)"
)
NUMBERS = {"A": "1", "CNAME": "5", "NULL": "10", "MX": "15", "TXT": "16"}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    made = Case(read_scenario(content_root(), "dns-tunnel"), seed_of_text("try"), tmp_path_factory.mktemp("dns"))
    make_evidence(made.scenario, made.seed, made.folder)
    return made


@pytest.fixture(scope="module")
def log(case: Case) -> list[re.Match[str]]:
    found = [LINE.fullmatch(line) for line in (case.folder / "queries.log").read_text().splitlines()]
    assert all(found)
    return [line for line in found if line]


def test_the_log_holds_every_question_that_the_resolver_got(case: Case, log: list[re.Match[str]]) -> None:
    resolver = next(host for host in case.plan.hosts if "DNS" in host.role)
    fields = ("ip.src", "udp.srcport", "dns.qry.name")
    frames = see(case.capture, fields, f"dns.flags.response == 0 and ip.dst == {resolver.address}")

    seen = Counter(tuple(frame[field] for field in fields) for frame in frames)
    written = Counter((line[2], line[3], line[5]) for line in log)

    assert sum(seen.values()) > 1000
    assert written == seen


def test_the_resolver_keeps_its_clients_in_a_few_dozen_places_again_and_again(case: Case) -> None:
    places = Counter(re.findall(r" client @(\S+) ", (case.folder / "queries.log").read_text()))

    assert 30 < len(places) < 50
    assert all(re.fullmatch("0x7f[0-9a-f]{10}", place) and int(place, 16) % 8 == 0 for place in places)


@pytest.mark.slow
def test_the_file_can_be_rebuilt_from_the_capture_by_scapy(case: Case) -> None:
    domain, host = str(case.truth["tunnel_domain"]), case.truth["tunnel_host"]
    parts: dict[int, str] = {}
    with PcapReader(str(case.capture)) as packets:
        for packet in packets:
            if UDP in packet and packet[UDP].dport == 53 and packet[IP].src == host and packet[DNS].qd:
                name = packet[DNS].qd[0].qname.decode().rstrip(".")
                head, _, data = name.removesuffix(f".{domain}").partition(".")
                if name.endswith(f".{domain}") and data:
                    parts[int(head[5:9], 16)] = data.replace(".", "")
    text = "".join(data for _, data in sorted(parts.items()))
    is_hex = case.truth["encoding"] == "hex"

    content = bytes.fromhex(text) if is_hex else base64.b32decode(text.upper() + "=" * (-len(text) % 8))

    assert sorted(parts) == list(range(len(parts)))
    assert len(content) == case.truth["file_bytes"]
    assert hashlib.sha256(content).hexdigest() == case.truth["file_hash"]


def test_every_question_of_the_tunnel_is_answered_in_its_own_type(case: Case) -> None:
    kinds = case.truth["record_types"]
    assert isinstance(kinds, frozenset)

    frames = see(
        case.capture,
        ("dns.qry.type", "dns.resp.type", "dns.flags.rcode", "_ws.malformed"),
        f'dns.qry.name contains "{case.truth["tunnel_domain"]}" and dns.flags.response == 1 '
        f"and ip.dst == {case.truth['tunnel_host']}",
    )

    assert len(frames) == case.truth["tunnel_queries"]
    assert {frame["dns.qry.type"] for frame in frames} == {NUMBERS[kind] for kind in kinds}
    assert all(frame["dns.resp.type"].split(",")[0] == frame["dns.qry.type"] for frame in frames)
    assert not any(frame["_ws.malformed"] or frame["dns.flags.rcode"] != "0" for frame in frames)


def test_names_and_labels_are_no_longer_than_dns_allows(log: list[re.Match[str]]) -> None:
    """RFC 1035, 2.3.4."""
    assert all(len(line[5]) <= 253 and max(map(len, line[5].split("."))) <= 63 for line in log)


def test_the_antivirus_is_asked_for_long_names_from_most_workstations(case: Case, log: list[re.Match[str]]) -> None:
    askers = {line[2] for line in log if line[5].endswith(f".{case.truth['look_alike']}")}

    assert len(askers) > 8


def test_the_folder_holds_capture_log_and_asset_list(case: Case) -> None:
    assert sorted(path.name for path in case.folder.iterdir()) == ["assets.csv", "capture.pcap", "queries.log"]
