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

from csirtlab.evidence.dice import noise


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a turn: as recorded, or a field to fill."""

    content: bytes
    field: str = ""
    length: int = 0


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """What one side said."""

    by_client: bool
    wait_ns: int
    parts: tuple[Part, ...]
    mark: str = ""  # what happens in it, where it matters: "verdict"

    def payload(self, rng: Random, values: Mapping[str, bytes]) -> bytes:
        """Return the bytes to send; fields that ``values`` does not give are random."""
        return b"".join(
            part.content if not part.field else values.get(part.field) or noise(rng, part.length) for part in self.parts
        )


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
    found = json.loads(text)
    return Recording(found["protocol"], found["software"], tuple(_turn(turn) for turn in found["turns"]))


def _turn(turn: Mapping[str, object]) -> RecordedTurn:
    parts = turn["parts"]
    assert isinstance(parts, list)
    return RecordedTurn(
        turn["by"] == "client",
        int(float(str(turn["wait_ms"])) * 1e6),
        tuple(map(_part, parts)),
        str(turn.get("mark", "")),
    )


def _part(part: Mapping[str, object]) -> Part:
    if "field" in part:
        return Part(b"", str(part["field"]), int(str(part["length"])))
    return Part(bytes.fromhex(str(part["hex"])) if "hex" in part else str(part["text"]).encode())
