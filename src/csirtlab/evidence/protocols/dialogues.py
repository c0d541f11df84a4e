"""What two programs say to each other over TCP, turn by turn, whatever carries it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import ClassVar, NamedTuple, Protocol


class Record(NamedTuple):
    """A line of a log."""

    at_ns: int  # true time; what is written in it is the writer's clock
    file: str  # of the evidence: auth.log
    text: str


Payload = bytes | Callable[[int], bytes]
"""Bytes, or a function that writes them, given the time at which they are sent (ns since 1970)."""


Writer = Callable[[int, int], Iterable[Record]]
"""What a program writes into logs about a turn, given when its last segment passed the sensor and the client's port."""


class Turn(NamedTuple):
    """One side speaks, after having thought."""

    by_client: bool
    payload: Payload
    think_ns: int
    writes: Writer | None = None


class Ending(Enum):
    """How a connection ends."""

    CLIENT_FIN = "the client closes, the server too"
    SERVER_FIN = "the server closes, the client too"
    CLIENT_RESET = "the client resets"
    SERVER_FIN_CLIENT_RESET = "the server closes, the client resets"
    OPEN = "it stays open"


@dataclass(frozen=True, slots=True)
class Closing:
    """What happens when everything is said."""

    ending: Ending
    linger_ns: int = 0  # silence before the end
    keep_alive_ns: int = 0  # in the silence, the client probes this often; 0: never
    farewell: bytes = b""  # sent by the side that closes, just before


class Dialogue(Protocol):
    """A conversation; ``turns`` is the same for the same stream."""

    keeps_records: ClassVar[bool]
    """Whether a turn may write into a log."""

    @property
    def closing(self) -> Closing:
        """How it ends."""
        ...

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield what is said, in order."""
        ...


class Watch:
    """Remembers when a dialogue last spoke, so that its next turn can wait for a moment."""

    def __init__(self, at_ns: int = 0) -> None:
        self.at_ns = at_ns

    def remember(self, content: bytes) -> Payload:
        """Return ``content`` as a payload that tells the watch when it is sent."""

        def send(at_ns: int) -> bytes:
            self.at_ns = at_ns
            return content

        return send

    def until(self, due_ns: int) -> int:
        """Return how long to think so as to speak at ``due_ns``; not at all when that has passed."""
        return max(0, due_ns - self.at_ns)
