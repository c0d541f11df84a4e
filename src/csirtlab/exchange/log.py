"""The append-only, hash-chained log of everything that the exchange keeps."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from csirtlab.exchange.durable import sync_folder, write_durably
from csirtlab.exchange.entries import BEGINNING, Draft, Entry, chain, decode, encode
from csirtlab.exchange.refusals import LogError, StorageError


def utc_now() -> datetime:
    """Return the server's clock, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Reading:
    """What a walk along the log found."""

    entries: tuple[Entry, ...]  # those that form an unbroken chain from the beginning
    length: int  # of these entries' lines, in bytes
    torn: bytes  # a last line that a crash cut off; it was never acknowledged
    damage: str | None  # what is wrong, and on which line; entries end before it


def read_log(path: Path) -> Reading:
    """Walk along the chain from its beginning; a log that does not exist yet is empty.

    A last line without its end, or with the zero bytes that a power cut leaves where a block was
    not written, is torn. Anything else that does not fit is damage: no crash of ours writes it.
    """
    entries: list[Entry] = []
    length, previous = 0, BEGINNING
    if not path.exists():
        return Reading((), 0, b"", None)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n") or (b"\0" in line and not file.peek(1)):
                return Reading(tuple(entries), length, line, None)
            try:
                entry = decode(line)
                _follows(entry, position=number - 1, previous=previous)
            except LogError as error:
                return Reading(tuple(entries), length, b"", f"{path}:{number}: {error}.")
            entries.append(entry)
            length, previous = length + len(line), entry.hash
    return Reading(tuple(entries), length, b"", None)


def _follows(entry: Entry, *, position: int, previous: str) -> None:
    if entry.position != position:
        raise LogError(f"entry {entry.position} stands where entry {position} belongs: lines were removed or moved")
    if entry.previous != previous:
        raise LogError("the chain is broken: the entry before this one is not the one that it was written after")


class Log:
    """The log, open for appending by one process; its threads may share it."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Open the log at ``path``, repairing what a crash left of an unacknowledged last line.

        Raises:
            LogError: It is damaged in a way that no crash explains.
        """
        reading = read_log(path)
        if reading.damage:
            raise LogError(
                f"{reading.damage} The exchange will not write to a log that it cannot trust. Put the log back from "
                "a backup; `csirtlab exchange verify` says when it is whole again."
            )
        self._path = path
        self._clock = clock
        self._guard = threading.Lock()
        self._broken: str | None = None
        self._next = len(reading.entries)
        self._previous = reading.entries[-1].hash if reading.entries else BEGINNING
        self._length = reading.length
        self.opened_with = reading.entries
        if reading.torn:
            write_durably(_torn_name(path, self._next), reading.torn, mode=0o600)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if reading.torn:
            os.ftruncate(self._descriptor, reading.length)
        os.fsync(self._descriptor)
        sync_folder(path.parent)

    def append(self, draft: Draft) -> Entry:
        """Write ``draft`` as the next entry; it is on disk when this returns.

        Raises:
            StorageError: The disk did not take it. The log is as it was before.
        """
        with self._guard:
            if self._broken:
                raise StorageError(self._broken)
            entry = chain(draft, position=self._next, time=self._clock(), previous=self._previous)
            line = encode(entry)
            self._write(line)
            self._next, self._previous, self._length = entry.position + 1, entry.hash, self._length + len(line)
            return entry

    def _write(self, line: bytes) -> None:
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._take_back()
            raise _not_taken(self._path, error) from error
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            # What is on disk after a failed sync is unknown, and a second one may wrongly succeed:
            # only reading the log again, at the next start, tells.
            self._break(error)
            raise _not_taken(self._path, error) from error

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self._length)
            os.fsync(self._descriptor)
        except OSError as error:
            self._break(error)

    def _break(self, error: OSError) -> None:
        self._broken = (
            f"The log {self._path} cannot be written any more ({error}). What was acknowledged is safe. Mend the disk, "
            "then restart the hub: the log is checked and repaired at its start."
        )

    def close(self) -> None:
        """Let go of the file; appending afterwards is refused."""
        with self._guard:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
                self._broken = "The exchange is shutting down. Send this again in a minute."


def _torn_name(path: Path, position: int) -> Path:
    """Return a free name beside the log for what was torn off at ``position``."""
    attempt = 0
    while (name := path.with_name(f"{path.name}.torn-{position:06d}-{attempt}")).exists():
        attempt += 1
    return name


def _not_taken(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The server's disk did not take the log entry ({error.strerror}: {path}). Nothing was acknowledged. Keep "
        "your work where it is, tell the instructor to free space on the server, then send it again."
    )
