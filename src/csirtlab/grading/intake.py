"""A submission looked at before nbgrader opens it: what cannot be graded is refused with the reason.

nbgrader copies whatever links point to, waits at a named pipe for ever, and tells of a file that it cannot
read in its log alone.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from csirtlab.grading.refusing import RefusalError, WayOut

MOST_FILES = 1_000
MOST_MIB = 200
MOST_NOTEBOOK_MIB = 20  # as the exchange takes
TIMESTAMP = "timestamp.txt"
_MIB = 2**20


def check_submission(folder: Path, lab: str) -> None:
    """Refuse a submission that is not a notebook and at most some plain files beside it.

    Raises:
        RefusalError: What is wrong, and what to hand in instead.
    """
    size = 0
    for number, entry in enumerate(_entries(folder), start=1):
        if number > MOST_FILES:
            raise RefusalError("The submission holds more than {most} files.", WayOut.NOTEBOOK_ALONE, most=MOST_FILES)
        mode = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(mode.st_mode):
            raise RefusalError("The submission holds a link, {name}.", WayOut.PLAIN_FILES, name=entry.name)
        if not stat.S_ISREG(mode.st_mode) and not stat.S_ISDIR(mode.st_mode):
            raise RefusalError("{name} in the submission is no file.", WayOut.PLAIN_FILES, name=entry.name)
        size += mode.st_size
    if size > MOST_MIB * _MIB:
        raise RefusalError(
            "The submission has {size} MiB, at most {most} MiB are read.",
            WayOut.LESS,
            size=size // _MIB,
            most=MOST_MIB,
        )
    if not (folder / f"{lab}.ipynb").is_file():
        raise RefusalError("There is no {lab}.ipynb in the submission.", WayOut.OWN_NAME, lab=lab)
    _check_notebook(folder / f"{lab}.ipynb")
    if (folder / TIMESTAMP).exists():
        _check_timestamp(folder / TIMESTAMP)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below ``folder``, following no link."""
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _check_notebook(path: Path) -> None:
    import nbformat

    size = path.stat().st_size
    if size > MOST_NOTEBOOK_MIB * _MIB:
        raise RefusalError(
            "The notebook has {size} MiB, at most {most} MiB are read.",
            WayOut.CLEAR_OUTPUTS,
            size=size // _MIB,
            most=MOST_NOTEBOOK_MIB,
        )
    try:
        notebook = nbformat.reads(path.read_bytes().decode("utf-8"), as_version=4)
        cells = notebook.cells
    except Exception as error:  # nbformat raises whatever comes of walking through what is no notebook
        raise RefusalError(
            "The notebook cannot be read ({kind}: {detail}).",
            WayOut.SAVE_AGAIN,
            kind=type(error).__name__,
            detail=str(error)[:100],
        ) from error
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise RefusalError("The notebook cannot be read: its cells are no cells.", WayOut.SAVE_AGAIN)


def _check_timestamp(path: Path) -> None:
    from nbgrader.utils import parse_utc

    try:
        text = path.read_text(encoding="utf-8").strip()
        if text:
            parse_utc(text)
    except Exception as error:  # dateutil raises whatever comes of it
        raise RefusalError(
            "{file} in the submission holds no time.", WayOut.INSTRUCTORS_TIMESTAMP, file=TIMESTAMP
        ) from error
