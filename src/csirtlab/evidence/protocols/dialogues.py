"""What two programs say to each other over TCP, turn by turn, whatever carries it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import ClassVar, NamedTuple, Protocol

from csirtlab.evidence.protocols.records import Record

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
