"""The realism checks of one capture, from one pass of tshark: a figure, what real captures show, a verdict.

Ranges are those of six real captures (office, web, Modbus, DNP3, brute force), rounded outwards. They are few:
a figure outside is a reason to look, not a proof. A check that a capture gives no ground for is "not there".
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Network, ip_address
from itertools import pairwise
from pathlib import Path
from statistics import mean, median, pstdev

from csirtlab.errors import EvidenceError
from csirtlab.proofs.tshark import Frame, at_ns, handshake, is_syn, see

_SYN_ACK, _ACK = 0x12, 0x10
_INITIAL_TTLS = (64, 128, 255)
# pcap (microseconds, nanoseconds, Kuznetzov's), either way round, and pcapng.
# Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; wiretap/libpcap.h of Wireshark.
_MAGIC = {
    magic[::step] for magic in map(bytes.fromhex, ("a1b2c3d4", "a1b23c4d", "a1b2cd34", "0a0d0d0a")) for step in (1, -1)
}
_MOST_CHANCES = 2000  # frames from which shares of rare things mean something
_BACKGROUND = ("arp", "dhcp", "mdns", "llmnr", "nbns", "ssdp", "ntp", "igmp", "icmpv6", "lldp", "stp")


@dataclass(frozen=True)
class Check:
    """What one check says; ``passed`` is None where the capture gives no ground for it."""

    number: int  # as in the list of checks in docs/explanation/evidence.md
    name: str
    figure: float | None
    wanted: str
    passed: bool | None


@dataclass(frozen=True)
class _Capture:
    frames: list[Frame]

    @property
    def times(self) -> list[int]:
        return [at_ns(frame) for frame in self.frames]

    @property
    def gaps(self) -> list[int]:
        return [later - earlier for earlier, later in pairwise(self.times)]

    @property
    def ip(self) -> list[Frame]:
        return [frame for frame in self.frames if frame["ip.src"]]

    @property
    def tcp(self) -> list[Frame]:
        return [frame for frame in self.frames if frame["tcp.stream"]]

    @property
    def syns(self) -> list[Frame]:
        return [frame for frame in self.frames if is_syn(frame)]


def check_capture(path: Path) -> list[Check]:
    """Return what every check says about the capture at ``path``.

    Raises:
        EvidenceError: It cannot be read, or holds no frame.
    """
    if path.is_dir():
        raise EvidenceError(f"{path}: this is a folder. Name a capture (pcap or pcapng) in it.")
    if not path.is_file():
        raise EvidenceError(f"{path}: there is no such file. Name a capture (pcap or pcapng).")
    try:
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}. Name a capture that you may read.") from error
    if begin not in _MAGIC:  # tshark reads texts too, and sees frames without a time in them
        raise EvidenceError(f"{path}: this is no capture. Name a whole pcap or pcapng file, not packed.")
    frames = see(path)
    if not frames:
        raise EvidenceError(f"{path}: the capture holds no frame. Name one that does.")
    capture = _Capture(frames)
    return [check for find in _CHECKS for check in find(capture)]


def _within(
    number: int, name: str, figure: float | None, low: float = -math.inf, high: float = math.inf, unit: str = ""
) -> Check:
    if low == -math.inf:
        wanted = f"at most {high:g}{unit}"
    elif high == math.inf:
        wanted = f"at least {low:g}{unit}"
    else:
        wanted = f"{low:g} to {high:g}{unit}"
    return Check(number, name, figure, wanted, None if figure is None else low <= figure <= high)


def _percent(part: float, of: float) -> float | None:
    return 100 * part / of if of else None


def _decoding(capture: _Capture) -> Iterator[Check]:
    yield _within(1, "frames malformed", sum(bool(frame["_ws.malformed"]) for frame in capture.frames), high=0)
    wrong = {
        frame["ip.src"]
        for frame in capture.ip
        if any("0" in frame[f"{layer}.checksum.status"].split(",") for layer in ("ip", "tcp", "udp"))
    }
    yield _within(2, "hosts that send wrong checksums (one: its own capture)", len(wrong), high=1)


def _addresses(capture: _Capture) -> Iterator[Check]:
    numbers = [int(frame["ip.id"].split(",")[0], 16) for frame in capture.ip if frame["ip.id"]]
    yield _within(3, "IP identification is 1", _percent(numbers.count(1), len(numbers)), high=0.2, unit=" %")
    ttls: dict[str, Counter[int]] = defaultdict(Counter)
    for frame in capture.tcp:
        if int(frame["tcp.flags"], 16) & _ACK:  # a scanner's SYNs are written by hand, as in reality
            ttls[frame["ip.src"]][int(frame["ip.ttl"].split(",")[0])] += 1
    settled = [max(seen.values()) / seen.total() for seen in ttls.values() if seen.total() >= 20]
    yield _within(4, "share of a host's TCP with its usual TTL, least", min(settled, default=None), low=0.95)
    outside = {ttl for address, seen in ttls.items() if not _is_private(address) for ttl in seen}
    far = _percent(sum(ttl not in _INITIAL_TTLS for ttl in outside), len(outside)) if len(outside) >= 3 else None
    yield _within(4, "TTLs from outside that show a journey", far, low=80, unit=" %")
    owners: dict[str, set[str]] = defaultdict(set)
    for frame in capture.tcp:
        if _is_private(frame["ip.src"].split(",")[0]):
            owners[frame["ip.src"]].add(frame["eth.src"])
    several = sum(len(found) > 1 for found in owners.values())
    yield _within(16, "hosts inside with several Ethernet addresses", several if owners else None, high=0)


def _openings(capture: _Capture) -> Iterator[Check]:
    syns = capture.syns
    total = len(syns)
    bare = sum(not frame["tcp.options"] for frame in syns)
    yield _within(5, "SYNs without options", _percent(bare, total), high=0, unit=" %")
    starts = {frame["tcp.stream"]: frame["tcp.seq_raw"] for frame in syns}
    yield _within(
        6, "different initial sequence numbers", _percent(len(set(starts.values())), len(starts)), 99, unit=" %"
    )
    low = sum(int(number) < 100_000 for number in starts.values())
    yield _within(6, "initial sequence numbers below 100000", _percent(low, len(starts)), high=1, unit=" %")
    ports = [int(frame["tcp.srcport"]) for frame in syns]
    counted = sum(later - earlier == 1 for earlier, later in pairwise(ports))
    # A host alone may count its ports; several never take turns in one count.
    share = _percent(counted, len(ports) - 1) if len({frame["ip.src"] for frame in syns}) >= 3 else None
    yield _within(7, "source ports one above the SYN before", share, high=60, unit=" %")


def _timing(capture: _Capture) -> Iterator[Check]:
    times, gaps = capture.times, capture.gaps
    digits = Counter(time // 1000 % 10 for time in times)
    expected = len(times) / 10
    w = math.sqrt(sum((digits[digit] - expected) ** 2 / expected for digit in range(10)) / len(times))
    yield _within(
        8, "unevenness of the microseconds' last digit", w if len(times) >= _MOST_CHANCES else None, high=0.08
    )
    common = Counter(gap // 1000 for gap in gaps if gap > 0).most_common(1)
    share = _percent(common[0][1], len(gaps)) if common and len(gaps) >= 200 else None
    yield _within(9, "most common gap", share, high=7, unit=" %")
    yield _within(10, "gaps below zero", sum(gap < 0 for gap in gaps), high=0)
    yield _within(10, "gaps of zero", _percent(gaps.count(0), len(gaps)), high=4, unit=" %")
    average = mean(gaps) if gaps else 0
    yield _within(11, "variation of the gaps", pstdev(gaps) / average if average else None, 1.0, 12)


def _connections(capture: _Capture) -> Iterator[Check]:
    # From the SYN to the client's next packet: the whole way, wherever on it the sensor is.
    sent: dict[str, tuple[str, int]] = {}
    answered: set[str] = set()
    trips: list[int] = []
    for frame in capture.tcp:
        stream = frame["tcp.stream"]
        if is_syn(frame):
            sent[stream] = (frame["ip.src"], at_ns(frame))
        elif handshake(frame) == _SYN_ACK:
            answered.add(stream)
        elif stream in sent and stream in answered and frame["ip.src"] == sent[stream][0]:
            trips.append(at_ns(frame) - sent.pop(stream)[1])
    different = _percent(len({trip // 1000 for trip in trips}), len(trips)) if len(trips) > 20 else None
    yield _within(12, "different round trips", different, low=90, unit=" %")
    total = len(capture.tcp)
    repeated = sum(bool(frame["tcp.analysis.retransmission"]) for frame in capture.tcp)
    share = _percent(repeated, total) if total >= _MOST_CHANCES else None
    yield _within(13, "segments sent again", share, high=2, unit=" %")
    unseen = sum(bool(frame["tcp.analysis.ack_lost_segment"]) for frame in capture.tcp)
    yield _within(13, "acknowledgments of what was not seen", _percent(unseen, total), high=0.5, unit=" %")
    endings = {frame["tcp.stream"]: frame["tcp.completeness"] for frame in capture.tcp}
    yield _within(14, "ways in which connections end", len(set(endings.values())) if endings else None, low=1)
    clocks: dict[str, list[int]] = defaultdict(list)
    for frame in capture.tcp:
        if frame["tcp.options.timestamp.tsval"]:
            clocks[frame["ip.src"]].append(int(frame["tcp.options.timestamp.tsval"].split(",")[0]))
    steps = [later < earlier for clock in clocks.values() for earlier, later in pairwise(clock)]
    yield _within(20, "steps back of a host's TCP clock", _percent(sum(steps), len(steps)), high=2, unit=" %")


def _surroundings(capture: _Capture) -> Iterator[Check]:
    lengths = len({frame["frame.len"] for frame in capture.frames}) if len(capture.frames) >= 200 else None
    yield _within(15, "different frame lengths", lengths, low=6)
    protocols = {protocol for frame in capture.frames for protocol in frame["frame.protocols"].split(":")}
    hosts = {frame["ip.src"] for frame in capture.ip if _is_private(frame["ip.src"])}
    hum = sum(name in protocols for name in _BACKGROUND) if len(hosts) >= 5 else None
    yield _within(17, "protocols of a LAN's background", hum, low=1)
    known: set[str] = set()
    announced = calls = 0
    for frame in capture.frames:
        known.update(frame["dns.a"].split(","))
        if is_syn(frame) and not _is_private(frame["ip.dst"]):
            calls += 1
            announced += frame["ip.dst"] in known
    share = _percent(announced, calls) if known - {""} else None
    yield _within(18, "calls to servers outside after their DNS answer", share, low=95, unit=" %")
    asked = [frame["dns.id"] for frame in capture.frames if frame["dns.flags.response"] in ("0", "False")]
    random = [number for number in asked if number != "0x0000"]  # mDNS has none
    different = _percent(len(set(random)), len(random)) if len(random) > 3 else None
    yield _within(18, "different DNS identifications", different, low=75, unit=" %")
    apart = [abs(at_ns(frame) / 1e9 - date) for frame in capture.frames for date in _dates(frame)]
    yield _within(19, "HTTP dates against their frames, median", median(apart) if apart else None, high=2, unit=" s")


def _dates(frame: Frame) -> Sequence[float]:
    try:
        return [parsedate_to_datetime(frame["http.date"]).timestamp()] if frame["http.date"] else []
    except (ValueError, TypeError):
        return []


def _is_private(address: str) -> bool:
    found = ip_address(address.split(",", maxsplit=1)[0] or "0.0.0.0")  # noqa: S104 - no address to listen on
    # Documentation and benchmarking ranges stand for the world outside here.
    return any(found in network for network in _PRIVATE) if found.version == 4 else found.is_private


_PRIVATE = tuple(IPv4Network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"))
_CHECKS: tuple[Callable[[_Capture], Iterator[Check]], ...] = (
    _decoding, _addresses, _openings, _timing, _connections, _surroundings,
)  # fmt: skip
