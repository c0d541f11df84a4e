"""Dialogues that real programs had, recorded once and played again with other names, numbers and times.

A recording is ``recorded/NAME.json``: ``software`` (both ends, with versions), ``protocol`` and ``turns``. A turn
has ``by`` ("client" or "server"), ``wait_ms`` (how long that side thought) and ``parts``: ``{"text": "..."}`` or
``{"hex": "..."}`` are sent as they are; ``{"field": "name", "length": 32}`` is filled for each case, with random
bytes of that length where the caller gives no value. A turn's ``mark`` names what happens in it.
``csirtlab.proofs.recorders`` makes them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

from csirtlab.evidence.sampling import noise


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a turn: as recorded, or a field to fill."""

    content: bytes
    field: str = ""
    length: int = 0

    def fill(self, rng: Random, values: Mapping[str, bytes]) -> bytes:
        """Return its bytes; a field that ``values`` does not give is random."""
        if not self.field:
            return self.content
        given = values.get(self.field)
        return noise(rng, self.length) if given is None else given


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """What one side said."""

    by_client: bool
    wait_ns: int
    parts: tuple[Part, ...]
    mark: str = ""  # what happens in it, where it matters: "verdict"

    def payload(self, rng: Random, values: Mapping[str, bytes]) -> bytes:
        """Return the bytes to send; fields that ``values`` does not give are random."""
        return b"".join(part.fill(rng, values) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Recording:
    """A dialogue of two real programs."""

    protocol: str
    software: str
    turns: tuple[RecordedTurn, ...]


@cache
def recording(name: str) -> Recording:
    """Return the recording of that name; KeyError and OSError tell of a broken package."""
    text = (files("csirtlab.evidence") / "recorded" / f"{name}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    return Recording(document["protocol"], document["software"], tuple(_turn(turn) for turn in document["turns"]))


def _turn(turn: Mapping[str, object]) -> RecordedTurn:
    parts = turn["parts"]
    assert isinstance(parts, list)
    return RecordedTurn(
        turn["by"] == "client",
        int(float(str(turn["wait_ms"])) * 1e6),
        tuple(map(read_part, parts)),
        str(turn.get("mark", "")),
    )


def read_part(part: Mapping[str, object]) -> Part:
    """Return a part as a recording's JSON holds it."""
    if "field" in part:
        return Part(b"", str(part["field"]), int(str(part["length"])))
    return Part(bytes.fromhex(str(part["hex"])) if "hex" in part else str(part["text"]).encode())
