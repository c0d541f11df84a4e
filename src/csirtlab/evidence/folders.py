"""Folders of evidence: the files of a case appear together, and no other case's stay among them."""

import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from csirtlab.errors import EvidenceError

EVIDENCE = re.compile(
    r"capture\.pcap|assets\.csv|(?:access|app|auth|proxy|queries)\.log|(?:custody|flows|tags)\.csv"
    r"|exhibits/exhibit-[a-z]\.pcap|mail/[0-9A-F]{8,16}\.eml"
)
"""The files that cases have, relative to their folder. What a trainee adds is called otherwise, and stays."""

_NEW = ".new"
_LONGEST_NAME = 200  # of 255: the rest is for what is put round it
_ADVICE = {
    errno.ENOSPC: "Make room or name another folder.",
    errno.EDQUOT: "Make room or name another folder.",
    errno.EFBIG: "Allow larger files (ulimit -f) or name another folder.",
    errno.ENOTDIR: "A file stands where a folder has to be: name another folder.",
    errno.EEXIST: "A file stands where a folder has to be: name another folder.",
    errno.EISDIR: "A folder stands where a file has to be: name another folder.",
    errno.ENAMETOOLONG: "Name a folder with a shorter name.",
    errno.ELOOP: "Links lead in a circle: name another folder.",
}
_USUAL_ADVICE = "Name a folder that you may write into."


@contextmanager
def advising(folder: Path) -> Iterator[None]:
    """Tell a failure of the file system as what to do about it.

    Raises:
        EvidenceError: In the place of an OSError.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise EvidenceError(
            f"{folder}: the evidence cannot be written: {why}. {_ADVICE.get(error.errno or 0, _USUAL_ADVICE)}"
        ) from error


@contextmanager
def whole_folder(folder: Path, *, replace: bool) -> Iterator[Path]:
    """Give an empty folder to write evidence into; at the end its files stand in ``folder``, all or none.

    A folder that is not there appears whole. In one that is there, files of the same names are replaced, and what
    another case left among them is removed with ``replace`` and refused without it.

    Raises:
        EvidenceError: Another case's files would stay among the new ones.
        OSError: Something cannot be written.
    """
    is_there = os.path.lexists(folder)
    with _made(folder.parent):
        near = folder if is_there else folder.parent
        prefix = f".{folder.name[:_LONGEST_NAME]}." if not is_there else ".case."
        _clear(near, prefix)
        aside = near / f"{prefix}{secrets.token_hex(4)}{_NEW}"
        aside.mkdir()
        with _held(aside):
            try:
                yield aside
                _settle(aside, folder, replace=replace)
            finally:
                shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def synced_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file, with its folder; at the end all of it is on the disk, or an OSError says why not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb", buffering=1 << 20) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _made(path: Path) -> Iterator[None]:
    """Make a folder; take back what was made when something fails."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):  # somebody has put something there
                folder.rmdir()
        raise


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder for as long as this process works in it: it ends with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # not every file system over a network has locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _clear(folder: Path, prefix: str) -> None:
    """Remove what a run that was killed has left aside; one that goes on holds its own."""
    there: list[Path] = []
    with suppress(OSError):  # one may be let to write there, and not to look
        there = list(folder.iterdir())
    for left in there:
        if not (left.name.startswith(prefix) and left.name.endswith(_NEW)):
            continue
        if len(left.name) != len(prefix) + 8 + len(_NEW) or left.is_symlink() or not left.is_dir():
            continue
        with suppress(OSError):  # what another user left is not ours to remove
            descriptor = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(descriptor)


def _settle(aside: Path, folder: Path, *, replace: bool) -> None:
    """Let what is complete take its place."""
    if not os.path.lexists(folder):
        with suppress(FileExistsError):  # another run was quicker
            _rename_folder(aside, folder)
            return
    names = sorted(path.relative_to(aside) for path in aside.rglob("*") if path.is_file())
    left = _left_over({name.as_posix() for name in names}, folder)
    if left and not replace:
        raise EvidenceError(
            f"{folder}: {left[0]} of another case would stay among the files of this one. "
            f"Name another folder, or have what is evidence there replaced: --force."
        )
    # All that can be in the way is looked for first: nothing takes its name unless everything can.
    for name in names:
        _refuse_obstacle(folder, name)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (aside / name).replace(folder / name)
    for old in left:
        (folder / old).unlink(missing_ok=True)
        with suppress(OSError):  # it holds something else
            (folder / old).parent.rmdir()


def _rename_folder(aside: Path, folder: Path) -> None:
    try:
        aside.rename(folder)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(*error.args) from error
        raise


def _left_over(names: set[str], folder: Path) -> list[str]:
    """Return the files of another case in a folder that files with these names would not replace."""
    places = (folder, folder / "exhibits", folder / "mail")
    found = (path.relative_to(folder).as_posix() for place in places if place.is_dir() for path in place.iterdir())
    return sorted(name for name in found if EVIDENCE.fullmatch(name) and name not in names)


def _refuse_obstacle(folder: Path, name: Path) -> None:
    target = folder / name
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    parent = next(each for each in target.parents if os.path.lexists(each))
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent))
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(parent))
