"""A folder of evidence as somebody sees it who has nothing else: one pass of tshark a capture, logs, messages."""

import csv
import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from csirtlab.proofs.messages import KeptMessage, read_message
from csirtlab.proofs.tshark import SNI, Frame, Pair, at_ns, is_syn, see

T = TypeVar("T")

_MACHINE_FIELDS = (
    "frame.time_epoch", "ip.src", "ip.dst", "tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.payload",
    "http.request.uri",
)  # fmt: skip


@dataclass
class Conversation:
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
class CaptureView:
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
    def machine_frames(self) -> list[Frame]:
        """What is typed over telnet, said over Modbus/TCP and asked for over HTTP, payload and all."""
        machine_talk = "tcp.port == 502 and tcp.len > 8 or tcp.dstport in {23, 2323} and tcp.len > 0"
        return see(
            self.folder / "capture.pcap",
            _MACHINE_FIELDS,
            f"http.request or ({machine_talk}) and not tcp.analysis.retransmission",
        )

    @cached_property
    def conversations(self) -> dict[Pair, Conversation]:
        """What each host said to each address over TCP; who opened no connection has no starts."""
        conversations: dict[Pair, Conversation] = defaultdict(Conversation)
        for frame in self.frames:
            if not frame["tcp.stream"]:
                continue
            conversation = conversations[frame["ip.src"], frame["ip.dst"]]
            if is_syn(frame):
                conversation.starts.append(at_ns(frame))
            if frame[SNI]:
                conversation.names.add(frame[SNI])
            conversation.sent[frame["tcp.stream"], frame["tcp.seq_raw"]] = int(frame["tcp.len"])
        return dict(conversations)

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
    def messages(self) -> list[KeptMessage]:
        """The messages that the mail server keeps."""
        return [read_message(path) for path in sorted((self.folder / "mail").glob("*.eml"))]

    def lines(self, name: str) -> list[str]:
        """Return the lines of a log that lies beside the capture."""
        return (self.folder / name).read_text(encoding="utf-8").splitlines()


def _fields(line: str) -> list[str]:
    return next(csv.reader([line]))
