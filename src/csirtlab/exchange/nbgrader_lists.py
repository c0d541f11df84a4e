"""The exchange's answers in the shape in which nbgrader's lists, formgrader and JupyterLab panels read them."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from csirtlab.exchange.replies import LabListing, Submission

Place = Callable[[str, str], Path]
"""Returns the folder of (cohort, lab) in the caller's home."""


def timestamp(time: datetime) -> str:
    """Return a time as nbgrader writes and compares it: late penalties are computed from this text."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def released_rows(labs: Iterable[LabListing], place: Place) -> list[dict[str, Any]]:
    """Return what ``nbgrader list`` shows, and formgrader takes for released."""
    return [_released(lab, place(lab.cohort, lab.lab)) for lab in labs if lab.released]


def _released(lab: LabListing, folder: Path) -> dict[str, Any]:
    is_fetched = folder.is_dir()
    notebook = folder / f"{lab.lab}.ipynb"
    return {
        "course_id": lab.cohort,
        "assignment_id": lab.lab,
        "status": "fetched" if is_fetched else "released",
        "path": str(folder),
        "notebooks": [{"notebook_id": lab.lab, "path": str(notebook)}] if notebook.exists() or not is_fetched else [],
    }


def submitted_rows(
    submissions: Iterable[tuple[str, str, Submission]], place: Place, *, fetched: Callable[[Path], bool]
) -> list[dict[str, Any]]:
    """Return submissions, given as (cohort, lab, submission), by cohort, trainee and lab, earliest first.

    ``fetched`` says whether a feedback file is in the caller's home.
    """
    ordered = sorted(submissions, key=lambda each: (each[0], each[2].trainee, each[1], each[2].id))
    return [
        {
            "course_id": cohort,
            "student_id": trainee,
            "assignment_id": lab,
            "status": "submitted",
            "submissions": [_submitted(cohort, lab, each, place(cohort, lab), fetched) for _, _, each in group],
        }
        for (cohort, trainee, lab), group in groupby(ordered, key=lambda each: (each[0], each[2].trainee, each[1]))
    ]


def feedback_folder(folder: Path, submission: Submission) -> Path:
    """Return where the feedback on a submission goes, below the lab's folder, as nbgrader lays it out."""
    return folder / "feedback" / timestamp(submission.time)


def feedback_marker(folder: Path, submission: Submission) -> Path:
    """Return the file that says which feedback lies there: a later one is told from it."""
    return feedback_folder(folder, submission) / ".content"


def _submitted(
    cohort: str, lab: str, submission: Submission, folder: Path, fetched: Callable[[Path], bool]
) -> dict[str, Any]:
    place = feedback_folder(folder, submission)
    has_local = fetched(place / f"{lab}.html")
    state = {
        "has_local_feedback": has_local,
        "has_exchange_feedback": submission.feedback is not None,
        "local_feedback_path": str(place) if has_local else None,
        "feedback_updated": has_local and submission.feedback is not None and _is_other(folder, submission),
    }
    notebook = {**state, "local_feedback_path": str(place / f"{lab}.html") if has_local else None}
    return {
        "course_id": cohort,
        "student_id": submission.trainee,
        "assignment_id": lab,
        "timestamp": timestamp(submission.time),
        "status": "submitted",
        "path": str(folder),
        "notebooks": [{"notebook_id": lab, "path": str(folder / f"{lab}.ipynb"), **notebook}],
        **state,
    }


def _is_other(folder: Path, submission: Submission) -> bool:
    assert submission.feedback is not None
    marker = feedback_marker(folder, submission)
    return not marker.is_file() or marker.read_text() != submission.feedback.content


def describe(row: dict[str, Any]) -> str:
    """Return one submission's line for ``nbgrader list``."""
    if row["has_local_feedback"] and not row["feedback_updated"]:
        feedback = "feedback already fetched"
    elif row["has_exchange_feedback"]:
        feedback = "feedback ready to be fetched"
    else:
        feedback = "no feedback available"
    return f"{row['course_id']} {row['student_id']} {row['assignment_id']} {row['timestamp']} ({feedback})"
