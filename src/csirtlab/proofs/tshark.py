"""What tshark, which shares no code with the generator, reads in a capture."""

import datetime as dt
import shutil
import subprocess
from pathlib import Path
from typing import TypeVar

from csirtlab.errors import EvidenceError, SetupError

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
            sentence = line.removeprefix("tshark: ")
            return (f"{sentence} {after}" if sentence.endswith(":") else sentence).rstrip(".")
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
