"""One entry of the exchange's log: its fields, its line, its place in the hash chain."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from csirtlab.exchange.refusals import LogError

FORMAT = 1
BEGINNING = "0" * 64
"""What stands as "the previous entry's hash" in the first entry."""


class Kind(StrEnum):
    """What was handed over."""

    RELEASE = "release"  # a lab, from the instructor to the cohort
    WITHDRAW = "withdraw"  # a release taken back
    SUBMISSION = "submission"  # a trainee's work
    FEEDBACK = "feedback"  # on one submission, from the instructor to its trainee
    HINT = "hint"  # shown to a trainee, on their demand
    CASE = "case"  # a lab's folder with their own case, given to somebody for the first time since its release
    HINT_COST = "hint_cost"  # what each hint costs the cohort's trainees from now on


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What an entry says, before the log gives it its place."""

    kind: Kind
    cohort: str
    lab: str
    by: str  # the username that the hub's token belongs to
    trainee: str | None = None  # None for a release and a withdrawal
    content: str | None = None  # SHA-256 of what was kept; None for a withdrawal
    about: int | None = None  # of a feedback: the position of the submission that it judges
    question: str | None = None  # of a hint
    number: int | None = None  # of a hint: 1 is the first of its question
    cost: int | None = None  # of a hint: its price when it was shown, in per cent of the question's points
    case: str | None = None  # of a case: its digest, which without the cohort's secret tells nothing


@dataclass(frozen=True, kw_only=True)
class Entry(Draft):
    """An entry in its place; ``hash`` covers all the other fields, ``previous`` chains it to the one before."""

    position: int  # from 0, without a gap: the order of things, whatever the clock said
    time: datetime  # aware, UTC, as the server's clock stood
    previous: str
    hash: str = ""


def chain(draft: Draft, *, position: int, time: datetime, previous: str) -> Entry:
    """Return ``draft`` as the entry at ``position``, after the entry whose hash is ``previous``."""
    entry = Entry(**asdict(draft), position=position, time=time, previous=previous)
    return replace(entry, hash=_hash_of(entry))


def _hash_of(entry: Entry) -> str:
    said = {key: value for key, value in _plain(entry).items() if key != "hash"}
    return hashlib.sha256(canonical_json(said)).hexdigest()


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Return the one spelling of ``value`` that hashes and signatures cover: sorted keys, no blanks, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def time_text(time: datetime) -> str:
    """Return an aware time as ISO 8601 in UTC, always with microseconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def time_from(text: str) -> datetime:
    """Read what ``time_text`` wrote; ValueError for anything else."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


_OPTIONAL = {"question", "number", "cost", "case"}
"""Left out of entries that are about something else, which therefore read as they did before there were such."""


def _plain(entry: Entry) -> dict[str, Any]:
    said = {**asdict(entry), "kind": str(entry.kind), "time": time_text(entry.time), "format": FORMAT}
    return {key: value for key, value in said.items() if value is not None or key not in _OPTIONAL}


def encode(entry: Entry) -> bytes:
    """Return the entry's line in the log, with its line end."""
    return canonical_json(_plain(entry)) + b"\n"


_FIELDS = {field.name for field in fields(Entry)} | {"format"}


def decode(line: bytes) -> Entry:
    """Read one line of the log.

    Raises:
        LogError: It is not exactly what ``encode`` writes, or its hash is not that of its fields.
    """
    try:
        plain = json.loads(line)
        if (
            not isinstance(plain, dict)
            or not _FIELDS - _OPTIONAL <= set(plain) <= _FIELDS
            or plain.pop("format") != FORMAT
        ):
            raise LogError("this is not an entry in a format that this version knows")
        plain["kind"], plain["time"] = Kind(plain["kind"]), time_from(plain["time"])
        entry = Entry(**plain)
        rewritten = encode(entry)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise LogError(f"this is not an entry ({error})") from error
    if rewritten != line:
        raise LogError("the line is not spelled as the log spells it: something else has written here")
    if _hash_of(entry) != entry.hash:
        raise LogError("the entry was altered: its hash is not that of its fields")
    return entry
