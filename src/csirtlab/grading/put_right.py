"""What was put right in a submitted notebook before it was graded: one line for the log, the rest kept in a file."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

FOLDER = "put-right"
"""In a cohort's folder: LAB/TRAINEE.txt, English."""


def notes_path(cohort: Path, lab: str, trainee: str) -> Path:
    """Return the file in which the notes on a submission are kept."""
    return cohort / FOLDER / lab / f"{trainee}.txt"


def summary(notes: Sequence[str], cohort: Path, lab: str, trainee: str) -> str:
    """Return one line for all notes; the note itself if there is only one."""
    if len(notes) == 1:
        return notes[0]
    path = notes_path(cohort, lab, trainee).relative_to(cohort)
    return f"{len(notes)} things were put right in the notebook before it was graded; {path} lists them"


def keep_notes(cohort: Path, lab: str, trainee: str, notes: Sequence[str]) -> None:
    """Write the notes on the submission that is graded now, each once with how often; remove those on earlier ones."""
    path = notes_path(cohort, lab, trainee)
    if not notes:
        path.unlink(missing_ok=True)
        return
    lines = [f"{note} ({count} times)" if count > 1 else note for note, count in Counter(notes).items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    aside.replace(path)


@contextmanager
def quiet_reading() -> Iterator[None]:
    """Let nbformat read a notebook without a warning for every cell with no name, or another cell's.

    Such cells get names of their own when the notebook is put right.
    """
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning

    with warnings.catch_warnings():
        for category in (DuplicateCellId, MissingIDFieldWarning):
            warnings.simplefilter("ignore", category)
        yield
