"""How fast evidence is made: the writer beside scapy, cases beside a recorded session, a cohort, a large capture."""

import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from csirtlab.bench.recorded_session import record_session
from csirtlab.bench.scapy_writer import ScapyWriter
from csirtlab.content.scenarios import Scenario, read_scenario, scenario_names
from csirtlab.errors import SetupError
from csirtlab.evidence.capture import Framer, Packet, packets, write_capture, write_packets
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.plan import draft, make_plan
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.settings import content_root

SCENARIO = "c2-beacon"  # for what is measured on one scenario
SMALL, LARGE = 10_000, 1_200_000  # packets asked for, between which growth is measured; a million come at least
WORKERS = 2
COHORT = 300  # cases

Say = Callable[[str], None]


@dataclass(frozen=True)
class Repeats:
    """How often each part is measured."""

    writer: int
    writer_packets: int  # of the plan, for both writers
    seeds: int  # of each scenario
    sessions: int
    cohort: int  # cases really made; the figure for 300 is in proportion

    @property
    def steps(self) -> int:
        """How many steps are told."""
        return 5 + len(scenario_names(content_root()))


FULL = Repeats(writer=5, writer_packets=15_000, seeds=9, sessions=3, cohort=COHORT)
QUICK = Repeats(writer=3, writer_packets=2_000, seeds=3, sessions=1, cohort=16)


def measure_evidence(repeats: Repeats, *, say: Say) -> dict[str, object]:
    """Measure and return the report.

    Raises:
        SetupError: dumpcap or a network namespace is not to be had.
    """
    scenario = read_scenario(content_root(), SCENARIO)
    with tempfile.TemporaryDirectory(prefix="csirtlab-bench-") as root:
        folder = Path(root)
        say("the writer beside scapy")
        writer = _writer(scenario, repeats, folder)
        case_s = {}
        for name in scenario_names(content_root()):
            say(f"cases of {name}")
            case_s[name] = _cases(name, repeats.seeds, folder)
        say("a session, recorded on loopback")
        peer = _peer(scenario, repeats.sessions, folder)
        say(f"{repeats.cohort} cases in {WORKERS} processes")
        cohort_s = _cohort(repeats.cohort, folder)
        say(f"a capture of {SMALL:,} packets")
        small = _in_a_process(SMALL, folder)
        say("a capture of more than a million packets")
        large = _in_a_process(LARGE, folder)
    return {
        "writer_vs_scapy": writer,
        "case_s": case_s,
        "peer_case_s": peer,
        "peer_vs_case": round(peer / case_s[SCENARIO]["median"], 1),
        "cases300_s": round(cohort_s * COHORT / repeats.cohort, 1),
        "peak_mib_1m": large["peak_mib"],
        "growth_exponent": round(
            math.log(large["seconds"] / small["seconds"]) / math.log(large["packets"] / small["packets"]), 3
        ),
        "large": [small, large],
        "repeats": {
            "writer": repeats.writer, "seeds": repeats.seeds, "sessions": repeats.sessions, "cohort": repeats.cohort,
        },
        "conditions": {
            "writer": "the same packets of one plan, into a file: by the engine; as scapy objects by PcapWriter. "
            "Every frame of both is compared. with_growing adds to both sides the growing of packets from flows",
            "peer_case_s": f"the connections and bytes of one case of {SCENARIO}, without a pause, between real "
            "sockets in a network namespace, recorded by dumpcap",
            "cases300_s": "in proportion, where fewer were made",
        },
    }  # fmt: skip


def _writer(scenario: Scenario, repeats: Repeats, folder: Path) -> dict[str, object]:
    plan = make_plan(scenario, seed_of_text("bench"))
    began = time.perf_counter()
    grown = _first(packets(plan), repeats.writer_packets)
    growing_s = time.perf_counter() - began
    ours, scapys = folder / "ours.pcap", folder / "scapy.pcap"
    stock = ScapyWriter(plan, grown)
    ours_s, stock_s = [], []
    for _ in range(repeats.writer):
        began = time.perf_counter()
        with ours.open("wb") as file:
            write_packets(Framer(plan), grown, file)
        ours_s.append(time.perf_counter() - began)
        began = time.perf_counter()
        stock.write(scapys)
        stock_s.append(time.perf_counter() - began)
    if ours.read_bytes()[24:] != scapys.read_bytes()[24:]:
        raise SetupError("scapy wrote other packets than the engine: the two cannot be compared with this scapy.")
    fast, slow = median(ours_s), median(stock_s)
    return {
        "ratio": round(slow / fast, 1),
        "with_growing": round((slow + growing_s) / (fast + growing_s), 1),
        "packets": len(grown),
        "packets_per_s": round(len(grown) / fast),
        "scapy_packets_per_s": round(len(grown) / slow),
    }


def _first(found: Iterator[Packet], count: int) -> list[Packet]:
    return [packet for packet, _ in zip(found, range(count), strict=False)]


def _cases(name: str, seeds: int, folder: Path) -> dict[str, float]:
    scenario = read_scenario(content_root(), name)
    took = []
    for number in range(seeds):
        began = time.perf_counter()
        make_evidence(scenario, seed_of_text(f"bench/{number}"), folder / "case")
        took.append(time.perf_counter() - began)
        shutil.rmtree(folder / "case")
    return {"median": round(median(took), 3), "max": round(max(took), 3)}


def _peer(scenario: Scenario, sessions: int, folder: Path) -> float:
    plan = make_plan(scenario, seed_of_text("bench/0"))
    return round(median(record_session(plan, folder / "session.pcap") for _ in range(sessions)), 3)


def _cohort(cases: int, folder: Path) -> float:
    began = time.perf_counter()
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        for _ in pool.map(_one_of_a_cohort, range(cases), [folder] * cases):
            pass
    return time.perf_counter() - began


def _one_of_a_cohort(number: int, folder: Path) -> None:
    case = folder / f"trainee-{number}"
    make_evidence(read_scenario(content_root(), SCENARIO), seed_of_text(f"bench/cohort/{number}"), case)
    shutil.rmtree(case)


def _in_a_process(wanted: int, folder: Path) -> dict[str, float]:
    """Return packets, seconds and peak memory of a capture of about ``wanted`` packets, made by its own process."""
    command: Sequence[str] = [sys.executable, "-m", "csirtlab.bench.evidence", str(wanted), str(folder / "large.pcap")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"the large capture could not be made: {done.stderr.strip()[-500:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def large_capture(wanted: int, path: Path) -> dict[str, Any]:
    """Write one capture of about ``wanted`` packets and return its figures.

    The scenario is the usual one, its background as much denser as it takes.
    """
    scenario = read_scenario(content_root(), SCENARIO)
    # Some traffic does not grow with the factor: two drafts tell how much.
    usual, more = (
        sum(1 for _ in packets(draft(denser(scenario, factor), seed_of_text("bench"), 0))) for factor in (1, 5)
    )
    factor = max(0.1, 1 + 4 * (wanted - usual) / (more - usual))
    began = time.perf_counter()
    plan = draft(denser(scenario, factor), seed_of_text("bench"), 0)
    with path.open("wb") as file:
        count = write_capture(plan, file)
    seconds = time.perf_counter() - began
    return {"packets": count, "seconds": round(seconds, 3), "peak_mib": round(_peak_mib(), 1)}


def _peak_mib() -> float:
    """Return the most memory that this process has had; getrusage would count its parent's before exec."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def denser(scenario: Scenario, factor: float) -> Scenario:
    """Return the scenario with ``factor`` times the traffic: people who read more, programs that ask more often."""
    more = {"sessions_per_hour", "connections", "bursts", "pages_per_hour", "times", "times_per_hour"}
    background = []
    for action in scenario.background:
        ranges = {
            name: (max(1.0, low * factor), max(1.0, high * factor)) if name in more else (low, high)
            for name, (low, high) in action.ranges.items()
        }
        if action.verb == "clock":
            low, high = action.ranges["interval_s"]
            ranges["interval_s"] = (max(1.0, low / factor), max(2.0, high / factor))
        background.append(replace(action, ranges=ranges))
    return replace(scenario, background=tuple(background))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(large_capture(int(sys.argv[1]), Path(sys.argv[2]))))
