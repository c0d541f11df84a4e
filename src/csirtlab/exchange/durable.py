"""Files that survive a power cut: written aside, synced, then put in their place."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Wait until the names in ``folder`` are on disk; a synced file under an unsynced name can vanish."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def ensure_folder(folder: Path) -> None:
    """Make ``folder``, for its owner alone, so that it is still there after a power cut."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(folder.parent)


def write_durably(path: Path, content: bytes, *, mode: int) -> None:
    """Write ``content`` under ``path`` whole or not at all; on disk when this returns."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
