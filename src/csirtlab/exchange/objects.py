"""Content-addressed files: each kept under its own SHA-256, on disk before anybody is told."""

import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from csirtlab.exchange.durable import sync_folder
from csirtlab.exchange.refusals import Refusal, StorageError

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Incoming:
    """A file on its way in: written aside, hashed as it comes, gone again unless it is kept."""

    def __init__(self, path: Path, *, limit: int, too_large: str) -> None:
        self.path = path
        self.size = 0
        self._limit = limit
        self._too_large = too_large
        self._hash = hashlib.sha256()
        self._file = path.open("xb")

    @property
    def digest(self) -> str:
        """The SHA-256 of what has been written so far."""
        return self._hash.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Add ``chunk``.

        Raises:
            Refusal: It is more than the limit (status 413).
            StorageError: The disk did not take it.
        """
        self.size += len(chunk)
        if self.size > self._limit:
            raise Refusal(self._too_large, 413)
        self._hash.update(chunk)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _disk(error) from error

    def finish(self) -> None:
        """Hand everything written so far to the operating system, so that it can be read back."""
        try:
            self._file.flush()
        except OSError as error:
            raise _disk(error) from error

    def sync(self) -> None:
        """Wait until the content is on disk."""
        self.finish()
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _disk(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # what a full disk did not take is given up together with the file
            self._file.close()
        self.path.unlink(missing_ok=True)


class Objects:
    """The folders ``objects/`` and, for what is on its way, ``incoming/``."""

    def __init__(self, root: Path) -> None:
        self._kept = root / "objects"
        self._aside = root / "incoming"
        self._synced: set[Path] = set()

    def prepare(self) -> None:
        """Make the folders; remove what was on its way when the process ended: none of it was acknowledged."""
        for folder in (self._kept, self._aside):
            folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(self._kept.parent)
        for left in self._aside.iterdir():
            left.unlink()

    def _ensure_place(self, folder: Path) -> None:
        """Make ``folder`` and have its name on disk, also when it was made by a process that died before syncing."""
        if folder not in self._synced:
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder.parent)
            self._synced.add(folder)  # only now: another thread must not rely on it before

    def receive(self, *, limit: int, too_large: str) -> Incoming:
        """Open a file for content on its way in, of at most ``limit`` bytes."""
        try:
            return Incoming(self._aside / secrets.token_hex(16), limit=limit, too_large=too_large)
        except OSError as error:
            raise _disk(error) from error

    def keep(self, incoming: Incoming) -> str:
        """Put what came in into its place and return its digest; it is on disk when this returns."""
        incoming.sync()
        place = self.path(incoming.digest)
        try:
            self._ensure_place(place.parent)
            incoming.path.chmod(0o400)
            # Also when it is there already: the content is the same, and a file that the disk
            # has damaged meanwhile is whole again.
            incoming.path.replace(place)
            sync_folder(place.parent)
        except OSError as error:
            raise _disk(error) from error
        return incoming.digest

    def path(self, digest: str) -> Path:
        """Return where the content with this digest is kept."""
        assert _DIGEST.fullmatch(digest), digest
        return self._kept / digest[:2] / digest

    def fault(self, digest: str) -> str | None:
        """Return what is wrong with the kept content, None when it is whole."""
        path = self.path(digest)
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return f"{path}: {error.strerror}. Put it back from a backup."
        return None if found == digest else f"{path}: its content was changed. Put it back from a backup."


def _disk(error: OSError) -> StorageError:
    return StorageError(
        f"The server's disk did not take the content ({error.strerror}). Nothing was acknowledged, what was kept "
        "before is untouched. Keep your work, tell the instructor to free space on the server, then send it again."
    )
