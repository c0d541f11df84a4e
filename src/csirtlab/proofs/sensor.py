"""What tshark, which shares no code with the generator, sees in a folder of evidence: one pass a capture."""

import csv
import datetime as dt
import shutil
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from csirtlab.errors import EvidenceError, SetupError
from csirtlab.proofs.letters import Kept, read_letter

T = TypeVar("T")
Frame = dict[str, str]
Pair = tuple[str, str]
SNI = "tls.handshake.extensions_server_name"
FIELDS = (
    "frame.time_epoch", "frame.len", "frame.protocols", "eth.src", "eth.dst", "ip.src", "ip.dst", "ip.ttl", "ip.id",
    "tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.len", "tcp.window_size_value",
    "tcp.options", "tcp.options.timestamp.tsval", "tcp.completeness", "tcp.analysis.retransmission",
    "tcp.analysis.ack_lost_segment", "udp.stream", "udp.srcport", "udp.dstport", SNI, "dns.id", "dns.qry.name",
    "dns.qry.type", "dns.flags.response", "dns.flags.rcode", "dns.a", "dns.txt", "http.date", "http.request.uri",
    "http.response_for.uri", "arp.opcode",
    "dhcp.option.hostname", "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "_ws.malformed",
    "_ws.expert.severity",
)  # fmt: skip
_MACHINE_FIELDS = (
    "frame.time_epoch", "ip.src", "ip.dst", "tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.payload",
    "http.request.uri",
)  # fmt: skip
# On: tshark trusts checksums otherwise, since network cards compute them late.
_CHECKSUMS = [word for layer in ("ip", "tcp", "udp") for word in ("-o", f"{layer}.check_checksum:TRUE")]
_SYN, _SYN_ACK = 0x02, 0x12


class TsharkError(EvidenceError):
    """tshark cannot read a capture, or does not understand what is asked of it; ``why`` says what it says."""

    def __init__(self, capture: Path, why: str) -> None:
        super().__init__(f"{capture}: tshark gives up: {why}. Name a whole pcap or pcapng file.")
        self.capture, self.why = capture, why

    def __reduce__(self) -> tuple[type["TsharkError"], tuple[Path, str]]:
        """Let it come over from another process."""
        return type(self), (self.capture, self.why)


def see(capture: Path, fields: tuple[str, ...] = FIELDS, keep: str = "") -> list[Frame]:
    """Return the fields of every frame that the display filter ``keep`` lets pass; values in a frame are joined by ",".

    Raises:
        SetupError: tshark is not installed.
        TsharkError: tshark cannot read the file, or does not understand the filter or a field.
    """
    if shutil.which("tshark") is None:
        raise SetupError("tshark is not installed, and proofs are made with it. Install the package tshark.")
    command = ["tshark", "-n", "-r", str(capture), *_CHECKSUMS, "-T", "fields", "-E", "occurrence=a"]
    for name in fields:
        command += ["-e", name]
    if keep:
        command += ["-Y", keep]
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    if done.returncode:
        raise TsharkError(capture, _first_sentence(done.stderr))
    return [dict(zip(fields, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


def _first_sentence(stderr: str) -> str:
    """Return what tshark says is wrong: its first line that begins with its name, and what that announces."""
    lines = [line.strip() for line in stderr.splitlines()]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("tshark: "):
            said = line.removeprefix("tshark: ")
            return (f"{said} {after}" if said.endswith(":") else said).rstrip(".")
    return lines[-1].rstrip(".") if lines else "it did not say why"


def nanoseconds(epoch: str) -> int:
    """Return tshark's decimal seconds as whole nanoseconds; a float would lose the last digits."""
    seconds, _, fraction = epoch.partition(".")
    return int(seconds) * 10**9 + int(fraction[:9].ljust(9, "0"))


def instant(at_ns: int) -> dt.datetime:
    """Return a time as an aware datetime, cut to microseconds."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_ns // 1000)


def at_ns(frame: Frame) -> int:
    """Return when a frame passed."""
    return nanoseconds(frame["frame.time_epoch"])


def handshake(frame: Frame) -> int:
    """Return the SYN and ACK bits of a frame, 0 when it is no TCP."""
    return int(frame["tcp.flags"] or "0", 16) & _SYN_ACK if frame["tcp.stream"] else 0


def is_syn(frame: Frame) -> bool:
    """Say whether a frame opens a connection."""
    return handshake(frame) == _SYN


@dataclass
class Talk:
    """All connections that one host opened to one server."""

    starts: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)  # from ClientHellos
    sent: dict[Pair, int] = field(default_factory=dict)  # (stream, sequence number) -> bytes of payload

    @property
    def gaps(self) -> list[float]:
        """Return the seconds between consecutive starts."""
        return [(later - earlier) / 1e9 for earlier, later in pairwise(self.starts)]

    @property
    def variation(self) -> float:
        """Return the coefficient of variation of the gaps: 0 is clockwork, 1 is chance."""
        return statistics.pstdev(self.gaps) / statistics.mean(self.gaps)

    @property
    def bytes_out(self) -> int:
        """Return the payload bytes sent, those sent again once."""
        return sum(self.sent.values())


@dataclass
class Sight:
    """Somebody who has the evidence folder, and what tshark makes of its capture."""

    folder: Path
    _known: dict[str, object] = field(default_factory=dict, repr=False, compare=False)

    def once(self, name: str, work: Callable[[], T]) -> T:
        """Return what ``work`` finds; it is done once for each name, since a look with tshark takes long."""
        if name not in self._known:
            self._known[name] = work()
        return self._known[name]  # type: ignore[return-value]  # a name stands for one kind of work

    @cached_property
    def frames(self) -> list[Frame]:
        """All frames of the capture, in order."""
        return see(self.folder / "capture.pcap")

    @cached_property
    def machine_talk(self) -> list[Frame]:
        """What is typed over telnet, said over Modbus/TCP and asked for over HTTP, payload and all."""
        told = "tcp.port == 502 and tcp.len > 8 or tcp.dstport in {23, 2323} and tcp.len > 0"
        return see(
            self.folder / "capture.pcap",
            _MACHINE_FIELDS,
            f"http.request or ({told}) and not tcp.analysis.retransmission",
        )

    @cached_property
    def talks(self) -> dict[Pair, Talk]:
        """What each host said to each address over TCP; who opened no connection has no starts."""
        talks: dict[Pair, Talk] = defaultdict(Talk)
        for frame in self.frames:
            if not frame["tcp.stream"]:
                continue
            talk = talks[frame["ip.src"], frame["ip.dst"]]
            if is_syn(frame):
                talk.starts.append(at_ns(frame))
            if frame[SNI]:
                talk.names.add(frame[SNI])
            talk.sent[frame["tcp.stream"], frame["tcp.seq_raw"]] = int(frame["tcp.len"])
        return dict(talks)

    @cached_property
    def lookups(self) -> dict[str, int]:
        """When each name was asked for first."""
        first: dict[str, int] = {}
        for frame in self.frames:
            if frame["dns.flags.response"] in ("0", "False"):
                first.setdefault(frame["dns.qry.name"], at_ns(frame))
        return first

    @cached_property
    def assets(self) -> list[dict[str, str]]:
        """The rows of the asset list."""
        lines = (self.folder / "assets.csv").read_text(encoding="utf-8").splitlines()
        return [dict(zip(lines[0].split(","), _fields(line), strict=True)) for line in lines[1:]]

    @cached_property
    def letters(self) -> list[Kept]:
        """The letters that the mail server keeps."""
        return [read_letter(path) for path in sorted((self.folder / "mail").glob("*.eml"))]

    def lines(self, name: str) -> list[str]:
        """Return the lines of a log that lies beside the capture."""
        return (self.folder / name).read_text(encoding="utf-8").splitlines()


def _fields(line: str) -> list[str]:
    return next(csv.reader([line]))
