"""Every fact is found again by an analyst who has the capture and tshark, and nothing else."""

import datetime as dt
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from tests.evidence.made import Case
from tests.evidence.tshark import nanoseconds, see

Pair = tuple[str, str]
SNI = "tls.handshake.extensions_server_name"


FIELDS = (
    "frame.time_epoch", "frame.len", "ip.src", "ip.dst", "tcp.stream", "tcp.flags", "tcp.seq_raw", "tcp.len", SNI,
    "dns.qry.name", "dns.flags.response",
)  # fmt: skip


@dataclass
class Conversation:
    """All connections from one host to one server."""

    starts: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    sent: dict[tuple[str, str], int] = field(default_factory=dict)  # (stream, sequence number) -> bytes

    @property
    def gaps(self) -> list[float]:
        return [(later - earlier) / 1e9 for earlier, later in pairwise(self.starts)]

    @property
    def variation(self) -> float:
        return statistics.pstdev(self.gaps) / statistics.mean(self.gaps)


@dataclass
class Analyst:
    """Somebody who has the capture, and what tshark makes of it."""

    frames: list[dict[str, str]]
    conversations: dict[Pair, Conversation]
    lookups: dict[str, int]  # name -> time of the first question

    @classmethod
    def reads(cls, capture: Path) -> "Analyst":
        analyst = cls(see(capture, FIELDS), defaultdict(Conversation), {})
        for frame in analyst.frames:
            at_ns = nanoseconds(frame["frame.time_epoch"])
            if frame["dns.flags.response"] == "0":
                analyst.lookups.setdefault(frame["dns.qry.name"], at_ns)
            if not frame["tcp.stream"]:
                continue
            conversation = analyst.conversations[frame["ip.src"], frame["ip.dst"]]
            if int(frame["tcp.flags"], 16) & 0x12 == 0x02:
                conversation.starts.append(at_ns)
            if frame[SNI]:
                conversation.names.add(frame[SNI])
            conversation.sent[frame["tcp.stream"], frame["tcp.seq_raw"]] = int(frame["tcp.len"])
        return analyst

    @property
    def by_steadiness(self) -> list[Pair]:
        frequent = [pair for pair, conversation in self.conversations.items() if len(conversation.starts) >= 15]
        return sorted(frequent, key=lambda pair: self.conversations[pair].variation)

    def name(self, pair: Pair) -> str:
        (name,) = self.conversations[pair].names
        return name


@pytest.fixture(scope="module")
def analysts(cases: list[Case]) -> list[Analyst]:
    return [Analyst.reads(case.capture) for case in cases]


def instant(at_ns: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_ns // 1000)


@pytest.mark.parametrize("number", range(3))
def test_an_analyst_with_tshark_finds_every_fact(cases: list[Case], analysts: list[Analyst], number: int) -> None:
    case, analyst = cases[number], analysts[number]

    steady, beacon = analyst.by_steadiness[:2]
    conversation = analyst.conversations[beacon]
    domain = analyst.name(beacon)

    assert case.truth == {
        "infected_host": beacon[0],
        "c2_address": beacon[1],
        "c2_domain": domain,
        "first_lookup": instant(analyst.lookups[domain]),
        "first_beacon": instant(conversation.starts[0]),
        "beacon_interval": pytest.approx(statistics.median(conversation.gaps), abs=1e-6),
        "beacon_count": len({stream for stream, _ in conversation.sent}),
        "bytes_out": sum(conversation.sent.values()),
        "look_alike": analyst.name(steady),
    }


def test_the_beacon_and_its_look_alike_stand_apart_from_people(analysts: list[Analyst]) -> None:
    for analyst in analysts:
        steady, beacon, *people = (analyst.conversations[pair].variation for pair in analyst.by_steadiness)

        assert steady < 0.03 < beacon < 0.4
        assert min(people) > 0.8


def test_no_cheap_guess_finds_the_beacon(cases: list[Case], analysts: list[Analyst]) -> None:
    for case, analyst in zip(cases, analysts, strict=True):
        volume: Counter[str] = Counter()
        for frame in analyst.frames:
            volume[frame["ip.src"]] += int(frame["frame.len"])
        calls = Counter({pair: len(conversation.starts) for pair, conversation in analyst.conversations.items()})
        clients: Counter[str] = Counter()
        for (client, _), count in calls.items():
            clients[client] += count
        first = min((pair for pair in calls if calls[pair]), key=lambda pair: analyst.conversations[pair].starts[0])

        guesses = {
            "first connection": first,
            "most connections": calls.most_common(1)[0][0],
            "most bytes sent": volume.most_common(1)[0],
            "busiest host": clients.most_common(1)[0],
        }

        right = {case.truth["c2_address"], case.truth["infected_host"]}
        assert not {guess: pair for guess, pair in guesses.items() if right <= {*pair} or pair[0] in right}


def test_the_infected_host_browses_like_the_others(cases: list[Case], analysts: list[Analyst]) -> None:
    for case, analyst in zip(cases, analysts, strict=True):
        mine = [
            conversation
            for pair, conversation in analyst.conversations.items()
            if pair[0] == case.truth["infected_host"]
        ]

        assert len({name for conversation in mine for name in conversation.names} - {case.truth["c2_domain"]}) >= 5
