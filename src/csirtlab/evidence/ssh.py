"""SSH as a sensor sees it: recorded logins of OpenSSH and paramiko, and what sshd writes about each.

The log is OpenSSH 9.2's on Debian 12, in the format of its rsyslog (RFC 5424 times, with microseconds).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from csirtlab.evidence.dialogues import Closing, Turn
from csirtlab.evidence.dice import heavy, nanoseconds, noise, whole
from csirtlab.evidence.model import Host
from csirtlab.evidence.recordings import recording
from csirtlab.evidence.records import Record
from csirtlab.evidence.seeds import stream

LOG = "auth.log"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SPOKEN_LEAST_S, _SPOKEN_MOST_S = 1.4, 11.0  # to type a password


@dataclass(frozen=True, slots=True)
class SshLogin:
    """One connection to an SSH server in which somebody logs in, or fails to."""

    recording: str  # of ``csirtlab.evidence.recorded``
    server: Host
    address: str  # the client's, as the server sees it
    account: str
    exists: bool  # the server knows the account
    accepted: str  # "password", "publickey", or "" where it is refused
    process: int  # sshd's pid
    is_typed: bool  # a person types the password
    closing: Closing
    keeps_records: ClassVar[bool] = True

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield what both say; the server's key is its own, all else is new each time."""
        values = {"host_key": noise(stream(self.server.mac, "ssh host key"), 32)}
        turns = recording(self.recording).turns
        verdict = next(number for number, turn in enumerate(turns) if turn.mark == "verdict")
        for number, turn in enumerate(turns):
            wait = int(turn.wait_ns * (0.7 + 0.9 * rng.random()))
            if self.is_typed and number == verdict - 1:
                wait += nanoseconds(heavy(rng, _SPOKEN_LEAST_S, _SPOKEN_MOST_S))
            writes = None
            if number == verdict:
                writes = self._accept if self.accepted else self._refuse_and_leave
            elif number == len(turns) - 1:
                writes = self._leave
            yield Turn(turn.by_client, turn.payload(rng, values), wait, writes)

    def _accept(self, at_ns: int, port: int) -> Iterator[Record]:
        yield self._line(at_ns, f"Accepted {self.accepted} for {self.account} from {self.address} port {port} ssh2")
        number = 1000 + whole(stream(self.account.encode(), "uid"), 3, 90)
        opened = f"session opened for user {self.account}(uid={number}) by (uid=0)"
        yield self._line(at_ns + 1_800_000, f"pam_unix(sshd:session): {opened}")

    def _leave(self, at_ns: int, port: int) -> Iterator[Record]:
        if "paramiko" not in recording(self.recording).software:
            yield self._line(
                at_ns + 400_000, f"Received disconnect from {self.address} port {port}:11: disconnected by user"
            )
        yield self._line(at_ns + 500_000, f"Disconnected from user {self.account} {self.address} port {port}")
        yield self._line(at_ns + 900_000, f"pam_unix(sshd:session): session closed for user {self.account}")

    def _refuse_and_leave(self, at_ns: int, port: int) -> Iterator[Record]:
        place = f"{self.address} port {port}"
        if not self.exists:
            yield self._line(at_ns - 9_000_000, f"Invalid user {self.account} from {place}")
        unknown = "" if self.exists else "invalid user "
        whose = "authenticating" if self.exists else "invalid"
        yield self._line(at_ns, f"Failed password for {unknown}{self.account} from {place} ssh2")
        yield self._line(at_ns + 3_000_000, f"Connection closed by {whose} user {self.account} {place} [preauth]")

    def _line(self, at_ns: int, message: str) -> Record:
        written = (_EPOCH + dt.timedelta(microseconds=(at_ns + self.server.clock_ns) // 1000)).isoformat(
            timespec="microseconds"
        )
        return Record(at_ns, LOG, f"{written} {self.server.name} sshd[{self.process}]: {message}")
