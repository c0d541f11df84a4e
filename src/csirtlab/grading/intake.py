"""A submission looked at before nbgrader opens it: what cannot be graded is refused with the reason.

nbgrader copies whatever links point to, waits at a named pipe for ever, and tells of a file that it cannot
read in its log alone.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from csirtlab.errors import GradingError

MOST_FILES = 1_000
MOST_MIB = 200
MOST_NOTEBOOK_MIB = 20  # as the exchange takes
TIMESTAMP = "timestamp.txt"
_MIB = 2**20
_SAVE_AGAIN = (
    "Open it in JupyterLab, save it, and hand it in again; if it does not open, fetch the lab again, "
    "copy the answers into it, and hand that in."
)


def check_submission(folder: Path, lab: str) -> None:
    """Refuse a submission that is not a notebook and at most some plain files beside it.

    Raises:
        GradingError: What is wrong, and what to hand in instead.
    """
    size = 0
    for number, entry in enumerate(_entries(folder), start=1):
        if number > MOST_FILES:
            raise GradingError(f"The submission holds more than {MOST_FILES} files. Hand in the notebook alone.")
        mode = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(mode.st_mode):
            raise GradingError(f"The submission holds a link, {entry.name}. Hand in plain files only.")
        if not stat.S_ISREG(mode.st_mode) and not stat.S_ISDIR(mode.st_mode):
            raise GradingError(f"{entry.name} in the submission is no file. Hand in plain files only.")
        size += mode.st_size
    if size > MOST_MIB * _MIB:
        raise GradingError(f"The submission has {size // _MIB} MiB, at most {MOST_MIB} MiB are read. Hand in less.")
    if not (folder / f"{lab}.ipynb").is_file():
        raise GradingError(f"There is no {lab}.ipynb in the submission. Hand in the lab's notebook under its own name.")
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
        raise GradingError(
            f"The notebook has {size // _MIB} MiB, at most {MOST_NOTEBOOK_MIB} MiB are read. "
            "Clear its outputs (Edit > Clear Outputs of All Cells), save it, and hand it in again."
        )
    try:
        notebook = nbformat.reads(path.read_bytes().decode("utf-8"), as_version=4)
        cells = notebook.cells
    except Exception as error:  # nbformat raises whatever comes of walking through what is no notebook
        raise GradingError(
            f"The notebook cannot be read ({type(error).__name__}: {str(error)[:100]}). {_SAVE_AGAIN}"
        ) from error
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise GradingError(f"The notebook cannot be read: its cells are no cells. {_SAVE_AGAIN}")


def _check_timestamp(path: Path) -> None:
    from nbgrader.utils import parse_utc

    try:
        text = path.read_text(encoding="utf-8").strip()
        if text:
            parse_utc(text)
    except Exception as error:  # dateutil raises whatever comes of it
        raise GradingError(
            f"{TIMESTAMP} in the submission holds no time. Collect the submission again, or delete that file."
        ) from error
