"""A capture must not show what no real one shows: nobody should find the answer by the generator's habits."""

import re
from collections import Counter, defaultdict
from email.utils import parsedate_to_datetime
from itertools import pairwise

import pytest
from tests.evidence.made import Case
from tests.evidence.tshark import nanoseconds, see

Frame = dict[str, str]
FIELDS = (
    "frame.time_epoch", "frame.len", "eth.src", "eth.dst", "ip.src", "ip.dst", "ip.ttl", "ip.id", "tcp.stream",
    "tcp.flags", "tcp.options", "tcp.seq_raw", "tcp.srcport", "tcp.options.timestamp.tsval", "dns.id", "dns.a",
    "tcp.options.timestamp.tsecr", "tcp.ack_raw", "tcp.window_size_value", "frame.number",
    "dns.flags.response", "dns.flags.rcode", "http.date", "arp.opcode", "ip.checksum.status", "tcp.checksum.status",
    "udp.checksum.status", "tcp.analysis.ack_lost_segment", "_ws.malformed", "_ws.expert.severity", "frame.protocols",
)  # fmt: skip
SYN, SYN_ACK, ERROR = 0x02, 0x12, 8_388_608


@pytest.fixture(scope="module")
def frames(case: Case) -> list[Frame]:
    return see(case.capture, FIELDS)


@pytest.fixture(scope="module")
def syns(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in frames if kind(frame) == SYN]


def kind(frame: Frame) -> int:
    return int(frame["tcp.flags"] or "0", 16) & SYN_ACK if frame["tcp.stream"] else 0


def at_ns(frame: Frame) -> int:
    return nanoseconds(frame["frame.time_epoch"])


def is_inside(case: Case, address: str) -> bool:
    return address in {host.address for host in case.plan.hosts}


def test_tshark_finds_nothing_malformed_and_no_error(frames: list[Frame]) -> None:
    assert not [frame for frame in frames if frame["_ws.malformed"]]
    assert not [frame for frame in frames if str(ERROR) in frame["_ws.expert.severity"].split(",")]


@pytest.mark.parametrize("layer", ["ip", "tcp", "udp"])
def test_every_checksum_is_right(frames: list[Frame], layer: str) -> None:
    assert {frame[f"{layer}.checksum.status"] for frame in frames} <= {"", "1"}


def test_time_never_runs_backwards_and_hardly_stands_still(frames: list[Frame]) -> None:
    gaps = [at_ns(later) - at_ns(earlier) for earlier, later in pairwise(frames)]

    assert min(gaps) >= 0
    assert gaps.count(0) < 3


def test_no_digit_of_the_clock_is_preferred(frames: list[Frame]) -> None:
    digits = Counter(at_ns(frame) // 1000 % 10 for frame in frames)
    expected = len(frames) / 10
    chi_squared = sum((digits[digit] - expected) ** 2 / expected for digit in range(10))

    assert (chi_squared / len(frames)) ** 0.5 < 0.074  # the widest of the real captures


def test_packets_come_in_bursts(frames: list[Frame]) -> None:
    gaps = [at_ns(later) - at_ns(earlier) for earlier, later in pairwise(frames)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5

    assert 1.2 < deviation / mean < 9


def test_identifications_differ_by_system(case: Case, frames: list[Frame]) -> None:
    numbers = [int(frame["ip.id"], 16) for frame in frames if frame["ip.id"]]
    windows = next(host.address for host in case.plan.hosts if host.stack.family == "windows" and "PC" in host.name)
    paths: defaultdict[str, list[int]] = defaultdict(list)
    for frame in frames:
        if frame["ip.src"] == windows:
            paths[frame["ip.dst"]].append(int(frame["ip.id"], 16))

    assert numbers.count(1) / len(numbers) < 0.002
    assert len(set(numbers)) > 0.5 * len(numbers)
    assert len(paths) > 3
    for counted in paths.values():
        assert all((later - earlier) % 65_536 in (1, 2) for earlier, later in pairwise(counted))


def test_no_window_shrinks_and_one_that_takes_much_grows(frames: list[Frame]) -> None:
    edges: dict[tuple[str, str], int] = {}
    scales: dict[tuple[str, str], int] = {}
    windows: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for frame in frames:
        if not frame["tcp.stream"] or int(frame["tcp.flags"], 16) & 0x04:
            continue
        side = (frame["tcp.stream"], frame["ip.src"])
        if int(frame["tcp.flags"], 16) & 0x02:
            found = re.search("0303(..)", frame["tcp.options"])
            scales[side] = int(found[1], 16) if found else 0
            continue
        offered = int(frame["tcp.window_size_value"]) << scales.get(side, 0)
        edge = int(frame["tcp.ack_raw"]) + offered
        if side in scales:
            assert edge >= edges.get(side, 0) or edges[side] - edge > 1 << 31, frame["frame.number"]
            edges[side] = edge
            windows[side].append(offered)

    assert max(max(seen) / seen[0] for seen in windows.values()) > 3


def test_a_timestamp_echoes_what_has_had_the_time_to_arrive(frames: list[Frame], case: Case) -> None:
    inside = {host.address for host in case.plan.hosts}
    sent: dict[tuple[str, str, str], int] = {}
    opened: dict[str, int] = {}
    trips: dict[str, int] = {}
    checked = 0
    for frame in frames:
        stream, source = frame["tcp.stream"], frame["ip.src"]
        if not stream or not frame["tcp.options.timestamp.tsval"]:
            continue
        if kind(frame) == SYN and source in inside and frame["ip.dst"] not in inside:
            opened[stream] = at_ns(frame)
        elif stream in opened and source not in inside:
            trips.setdefault(stream, at_ns(frame) - opened[stream])
            passed = sent[stream, frame["ip.dst"], frame["tcp.options.timestamp.tsecr"]]
            assert at_ns(frame) - passed > 0.6 * trips[stream]
            checked += 1
        sent[stream, source, frame["tcp.options.timestamp.tsval"]] = at_ns(frame)

    assert checked > 200


def test_initial_sequence_numbers_are_random(syns: list[Frame]) -> None:
    numbers = [int(frame["tcp.seq_raw"]) for frame in syns]

    assert len(set(numbers)) == len(numbers)
    assert sum(number < 100_000 for number in numbers) < 3


def test_every_syn_carries_its_systems_options(case: Case, syns: list[Frame]) -> None:
    families = {host.address: host.stack.family for host in case.plan.hosts}
    options: dict[str, set[str]] = defaultdict(set)
    for frame in syns:
        kinds = frame["tcp.options"].replace("020405b4", "M")
        options[families[frame["ip.src"]]].add(kinds[:1] + str(len(frame["tcp.options"])))

    assert all(len(seen) == 1 and seen.pop().startswith("M") for seen in options.values())
    assert len(options) >= 3


def test_hosts_inside_show_their_systems_ttl_and_servers_outside_a_journey(case: Case, frames: list[Frame]) -> None:
    ttls: dict[str, Counter[int]] = defaultdict(Counter)
    for frame in frames:
        if frame["tcp.stream"]:
            ttls[frame["ip.src"]][int(frame["ip.ttl"])] += 1
    outside = {ttl for address, seen in ttls.items() if not is_inside(case, address) for ttl in seen}

    assert all(len(seen) == 1 for seen in ttls.values())
    assert len(outside) > 8
    assert not outside & {64, 128, 255}


def test_a_server_outside_is_looked_up_before_it_is_called(case: Case, frames: list[Frame]) -> None:
    known: set[str] = set()
    strangers = []
    for frame in frames:
        known.update(frame["dns.a"].split(","))
        if kind(frame) == SYN and not is_inside(case, frame["ip.dst"]) and frame["ip.dst"] not in known:
            strangers.append(frame["ip.dst"])

    assert strangers == []


def test_some_names_do_not_exist(frames: list[Frame]) -> None:
    codes = [frame["dns.flags.rcode"] for frame in frames if frame["dns.flags.rcode"]]

    assert 0.02 < codes.count("3") / len(codes) < 0.3


def test_neighbours_are_asked_for_before_the_first_packet(frames: list[Frame]) -> None:
    spoken: set[str] = set()
    silent_start = []
    for frame in frames:
        if frame["arp.opcode"]:
            spoken |= {frame["eth.src"], frame["eth.dst"]}
        elif frame["tcp.stream"] and frame["eth.dst"] not in spoken:
            silent_start.append(frame["eth.dst"])

    assert silent_start == []


def test_servers_outside_share_the_routers_address_and_hosts_inside_have_their_own(
    case: Case, frames: list[Frame]
) -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for frame in frames:
        if frame["ip.src"]:
            owners["inside" if is_inside(case, frame["ip.src"]) else "outside"].add(frame["eth.src"])

    assert len(owners["outside"]) == 1
    assert len(owners["inside"]) == len(case.plan.hosts) - 1  # all of the asset list speak, the router for others
    assert not owners["outside"] & owners["inside"]


def test_the_date_of_a_web_page_agrees_with_its_frame(frames: list[Frame]) -> None:
    dated = [frame for frame in frames if frame["http.date"]]
    apart = [at_ns(frame) / 1e9 - parsedate_to_datetime(frame["http.date"]).timestamp() for frame in dated]

    assert len(dated) > 20
    # A date says whole seconds; a long page ends later than it was dated.
    assert sorted(apart)[len(apart) // 2] < 1
    assert -0.2 < min(apart) < max(apart) < 3


def test_a_hosts_timestamps_never_run_backwards(frames: list[Frame]) -> None:
    clocks: dict[str, list[int]] = defaultdict(list)
    for frame in frames:
        if frame["tcp.options.timestamp.tsval"]:
            clocks[frame["ip.src"]].append(int(frame["tcp.options.timestamp.tsval"]))

    assert clocks
    assert all(later >= earlier for clock in clocks.values() for earlier, later in pairwise(clock))


def test_each_way_takes_its_own_time(frames: list[Frame]) -> None:
    sent: dict[str, int] = {}
    trips = []
    for frame in frames:
        if kind(frame) == SYN:
            sent[frame["tcp.stream"]] = at_ns(frame)
        elif kind(frame) == SYN_ACK:
            trips.append(at_ns(frame) - sent[frame["tcp.stream"]])

    assert len(set(trips)) == len(trips)
    assert min(trips) < 2_000_000
    assert 40_000_000 < max(trips) < 400_000_000


def test_no_acknowledgment_of_what_the_sensor_never_saw_before(frames: list[Frame]) -> None:
    assert sum(bool(frame["tcp.analysis.ack_lost_segment"]) for frame in frames) <= 3


def test_frames_are_as_long_as_a_switch_passes_them_on(frames: list[Frame]) -> None:
    lengths = [int(frame["frame.len"]) for frame in frames]

    assert min(lengths) == 60
    assert max(lengths) == 1514
    assert len(set(lengths)) > 200


def test_the_network_hums_in_the_background(frames: list[Frame]) -> None:
    protocols = {protocol for frame in frames for protocol in frame["frame.protocols"].split(":")}

    assert {"arp", "dhcp", "dns", "http", "llmnr", "mdns", "nbns", "ntp", "ssdp", "tls"} <= protocols


def test_connections_end_in_different_ways(case: Case) -> None:
    endings = Counter(
        frame["tcp.completeness"]
        for frame in see(case.capture, ["tcp.completeness"], "tcp.flags.fin == 1 or tcp.flags.reset == 1")
    )

    assert len(endings) >= 2
