"""Telnet as a sensor sees it: recorded logins to a telnetd, filled with this case's names, passwords and files."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from csirtlab.evidence.protocols.dialogues import Closing, Turn, Watch
from csirtlab.evidence.protocols.recordings import recording
from csirtlab.evidence.sampling import bounded_pareto, nanoseconds

PORTS = (23, 2323)
_PAUSE_NS = 100_000_000  # a recorded wait of a client longer than this is its driver's, not the program's


@dataclass(frozen=True, slots=True)
class TelnetSession:
    """One connection to a telnet server in which somebody logs in, or fails to."""

    recording: str  # of ``csirtlab.evidence.recorded``
    device: str  # the name that the server's prompt shows
    account: str
    password: str
    pauses_s: tuple[float, float]  # of the client before each line, mostly near the first
    closing: Closing
    loader: str = ""  # where the order to fetch a file sends the device
    file: str = ""
    fetch_ns: int = 0  # when that order passes the sensor
    fetched_ns: int = 0  # when the device has the file
    round_trip_ns: int = 0  # from the sensor to the client and back
    keeps_records: ClassVar[bool] = False

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield what both say; a client that orders a file waits for its moment, the device for the file."""
        fields = {"device": self.device, "account": self.account, "password": self.password}
        values = {name: text.encode() for name, text in (fields | {"loader": self.loader, "file": self.file}).items()}
        watch = Watch()
        since_fetch = 0
        for turn in recording(self.recording).turns:
            wait = int(turn.wait_ns * (0.7 + 0.9 * rng.random()))
            if turn.by_client and turn.wait_ns > _PAUSE_NS:
                wait = nanoseconds(bounded_pareto(rng, *self.pauses_s))
            if turn.mark == "fetch":
                wait, since_fetch = watch.until(self.fetch_ns - self.round_trip_ns), 1
            elif since_fetch:
                since_fetch += 1
                if since_fetch == 3:  # first it repeats the order, then the prompt comes back
                    wait, since_fetch = watch.until(self.fetched_ns), 0
            yield Turn(turn.by_client, watch.remember(turn.payload(rng, values)), wait)
