"""What hosts say over IPv6, as tshark reads it."""

import ipaddress
from collections import defaultdict
from pathlib import Path

import pytest
from tests.evidence.tshark import see

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.settings import content_root


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ipv6") / "case"
    make_evidence(read_scenario(content_root(), "first-look"), seed_of_text("ipv6"), folder)
    return folder / "capture.pcap"


def test_every_kind_of_message_is_read_without_a_fault(capture: Path) -> None:
    rows = see(capture, ["frame.protocols", "icmpv6.type", "_ws.expert.severity"], "ipv6")

    spoken = {row["frame.protocols"].rsplit(":", 1)[-1] for row in rows}
    assert spoken == {"mdns", "llmnr", "dhcpv6", "icmpv6"}
    assert {row["icmpv6.type"] for row in rows} - {""} == {"133", "143"}
    assert see(capture, ["frame.number"], "ipv6 && _ws.malformed") == []


def test_every_checksum_is_right(capture: Path) -> None:
    wrong = "ipv6 && (udp.checksum.status != 1 || icmpv6.checksum.status != 1)"

    assert see(capture, ["frame.number"], "ipv6") != []
    assert see(capture, ["frame.number"], wrong) == []


def test_each_host_has_one_link_local_address_and_speaks_to_groups_alone(capture: Path) -> None:
    rows = see(capture, ["eth.src", "ipv6.src", "ipv6.dst", "eth.dst"], "ipv6")
    addresses = defaultdict(set)
    for row in rows:
        addresses[row["eth.src"]].add(row["ipv6.src"])

    assert all(len(found) == 1 for found in addresses.values()) and len(addresses) >= 5
    assert all(ipaddress.IPv6Address(row["ipv6.src"]).is_link_local for row in rows)
    for row in rows:
        group = ipaddress.IPv6Address(row["ipv6.dst"])
        assert group.is_multicast and row["eth.dst"] == "33:33:" + group.packed[-4:].hex(":")
