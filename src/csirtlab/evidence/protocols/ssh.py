"""SSH as a sensor sees it: recorded logins of OpenSSH and paramiko, and what the server writes about each.

The log is OpenSSH 9.2's on Debian 12, with pam_unix, systemd-logind and sudo beside it, in the format of its rsyslog
(RFC 5424 times, with microseconds).
"""

import base64
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import ClassVar

from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Record, Turn, Writer
from csirtlab.evidence.protocols.recordings import recording
from csirtlab.evidence.sampling import between, bounded_pareto, nanoseconds, noise, whole
from csirtlab.evidence.seeds import stream

LOG = "auth.log"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SPOKEN_LEAST_S, _SPOKEN_MOST_S = 1.4, 11.0  # to type a password
_REFUSED_S = (1.6, 2.6)  # pam_unix lets whoever is wrong wait for 2 s, a quarter more or less (pam_fail_delay(3))


@dataclass(frozen=True, slots=True)
class Course:
    """What only the finished plan tells of a login: numbers that the server counts up, and when it is over."""

    process: int = 1000  # sshd's pid for this connection
    child: int = 1001  # of the process that serves a session
    session: int = 1  # systemd-logind's number
    ended_ns: int = 0  # when the client's last word passes the sensor, in true time
    order: str = ""  # what somebody lets sudo do in the session


@dataclass(frozen=True, slots=True)
class SshLogin:
    """One connection to an SSH server in which somebody logs in, or fails to."""

    recording: str  # of ``csirtlab.evidence.recorded``
    server: Host
    address: str  # the client's, as the server sees it
    account: str
    exists: bool  # the server knows the account
    accepted: str  # "password", "publickey", or "" where it is refused
    is_typed: bool  # a person types the password
    closing: Closing
    course: Course = Course()
    keeps_records: ClassVar[bool] = True

    @property
    def verdict(self) -> int:
        """Return in which turn the server says yes or no."""
        return next(number for number, turn in enumerate(recording(self.recording).turns) if turn.mark == "verdict")

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield what both say; the server's key is its own, all else is new each time."""
        values = {"host_key": noise(stream(self.server.mac, "ssh host key"), 32)}
        turns = recording(self.recording).turns
        verdict = self.verdict
        opened: list[int] = []
        for number, turn in enumerate(turns):
            wait = int(turn.wait_ns * (0.7 + 0.9 * rng.random()))
            if self.is_typed and number == verdict - 1:
                wait += nanoseconds(bounded_pareto(rng, _SPOKEN_LEAST_S, _SPOKEN_MOST_S))
            if not self.accepted and number == verdict:
                wait += nanoseconds(between(rng, *_REFUSED_S))
            yield Turn(turn.by_client, turn.payload(rng, values), wait, self._writer(number - verdict, opened))

    def _writer(self, since: int, opened: list[int]) -> Writer | None:
        """Return what writes about a turn, so many turns after the verdict; ``opened``: when the session began."""
        is_last = since == len(recording(self.recording).turns) - 1 - self.verdict

        def accepts(at_ns: int, port: int) -> Iterator[Record]:
            opened.append(at_ns)
            return self._accept(at_ns, port)

        if self.accepted:
            return accepts if since == 0 else partial(self._leave, opened) if is_last else None
        return {-1: self._doubt, 0: self._refuse}.get(since)

    def _accept(self, at_ns: int, port: int) -> Iterator[Record]:
        moments = self._moments(port, at_ns)
        key = f": ED25519 SHA256:{self._fingerprint()}" if self.accepted == "publickey" else ""
        place = f"{self.address} port {port}"
        verdict = at_ns - moments(0.00002, 0.0012)  # it is written, then sent
        yield self._line(verdict, f"Accepted {self.accepted} for {self.account} from {place} ssh2{key}")
        verdict += moments(0.0009, 0.009)
        opens = f"pam_unix(sshd:session): session opened for user {self.account}(uid={self._uid()}) by (uid=0)"
        yield self._line(verdict, opens)
        verdict += moments(0.0018, 0.025)
        yield self._seat(verdict, f"New session {self.course.session} of user {self.account}.")
        verdict += moments(0.0002, 0.003)
        yield self._line(verdict, "pam_env(sshd:session): deprecated reading of user environment enabled")

    def _leave(self, opened: list[int], at_ns: int, port: int) -> Iterator[Record]:
        moments, child, number = self._moments(port, at_ns), self.course.child, self.course.session
        if self.course.order and opened:
            yield from self._sudo(opened[-1], at_ns, moments)
        at_ns += moments(0.00006, 0.004)
        place = f"{self.address} port {port}"
        if "paramiko" not in recording(self.recording).software:
            yield self._line(at_ns, f"Received disconnect from {place}:11: disconnected by user", child)
            at_ns += moments(0.000008, 0.0003)
        yield self._line(at_ns, f"Disconnected from user {self.account} {place}", child)
        at_ns += moments(0.0005, 0.04)
        yield self._line(at_ns, f"pam_unix(sshd:session): session closed for user {self.account}")
        at_ns += moments(0.0004, 0.03)
        yield self._seat(at_ns, f"Session {number} logged out. Waiting for processes to exit.")
        yield self._seat(at_ns + moments(0.0001, 0.02), f"Removed session {number}.")

    def _sudo(self, opened_ns: int, ended_ns: int, moments: "Moments") -> Iterator[Record]:
        """Yield what sudo writes about one order in the session."""
        length = ended_ns - opened_ns
        at_ns = opened_ns + length // 8 + moments(0.1, 20) % (length // 2)
        account = self.account
        places = f"TTY=pts/0 ; PWD=/home/{account} ; USER=root"
        yield self._written(at_ns, f"sudo: {account:>8} : {places} ; COMMAND={self.course.order}")
        at_ns += moments(0.0006, 0.02)
        session = "sudo: pam_unix(sudo:session): session"
        yield self._written(at_ns, f"{session} opened for user root(uid=0) by {account}(uid={self._uid()})")
        yield self._written(at_ns + moments(0.012, 1.5) % (length // 4), f"{session} closed for user root")

    def _doubt(self, at_ns: int, port: int) -> Iterator[Record]:
        """Yield what is written when the password has come, long before the verdict."""
        moments = self._moments(port, at_ns)
        at_ns += moments(0.0006, 0.012)
        user = f" user={self.account}" if self.exists else ""
        if not self.exists:
            yield self._line(at_ns, f"Invalid user {self.account} from {self.address} port {port}")
            at_ns += moments(0.0012, 0.04)
            yield self._line(at_ns, "pam_unix(sshd:auth): check pass; user unknown")
        at_ns += moments(0.00003, 0.001) if not self.exists else moments(0.004, 0.06)
        failure = f"authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={self.address} {user}"
        yield self._line(at_ns, f"pam_unix(sshd:auth): {failure}")

    def _refuse(self, at_ns: int, port: int) -> Iterator[Record]:
        moments, place = self._moments(port, at_ns), f"{self.address} port {port}"
        unknown = "" if self.exists else "invalid user "
        whose = "authenticating" if self.exists else "invalid"
        refused = at_ns - moments(0.00002, 0.0012)
        yield self._line(refused, f"Failed password for {unknown}{self.account} from {place} ssh2")
        ended = max(self.course.ended_ns, at_ns) + moments(0.0001, 0.006)
        yield self._line(ended, f"Connection closed by {whose} user {self.account} {place} [preauth]")

    def _moments(self, port: int, at_ns: int) -> "Moments":
        """Return what draws how long the server takes for something, mostly short, in nanoseconds."""
        rng = stream(self.server.mac, "sshd", self.address, str(port), str(at_ns))
        return lambda least_s, most_s: nanoseconds(bounded_pareto(rng, least_s, most_s))

    def _uid(self) -> int:
        return 1000 + whole(stream(self.account.encode(), "uid"), 3, 90)

    def _fingerprint(self) -> str:
        """Return that of the account's key, as OpenSSH writes it: base64 without its padding."""
        return base64.b64encode(noise(stream(self.server.mac, "key of", self.account), 32)).decode().rstrip("=")

    def _line(self, at_ns: int, message: str, process: int = 0) -> Record:
        return self._written(at_ns, f"sshd[{process or self.course.process}]: {message}")

    def _seat(self, at_ns: int, message: str) -> Record:
        number = whole(stream(self.server.mac, "systemd-logind"), 480, 990)
        return self._written(at_ns, f"systemd-logind[{number}]: {message}")

    def _written(self, at_ns: int, text: str) -> Record:
        return auth_record(self.server, at_ns, text)


Moments = Callable[[float, float], int]


def auth_record(server: Host, at_ns: int, text: str) -> Record:
    """Return a line of a server's ``auth.log``: ``text`` begins with the program."""
    written = (_EPOCH + dt.timedelta(microseconds=(at_ns + server.clock_ns) // 1000)).isoformat(timespec="microseconds")
    return Record(at_ns, LOG, f"{written} {server.name} {text}")
