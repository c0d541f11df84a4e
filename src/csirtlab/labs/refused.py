"""Where it lies why a submission was not graded: grading writes it, the exchange hands it to its trainee."""

from pathlib import Path

FOLDER = "refused"
"""In a cohort's folder."""

MARK = "not-graded.txt"
"""In feedback as the exchange keeps it: says that its page tells why the submission was not graded."""


def refusal_path(cohort: Path, lab: str, trainee: str) -> Path:
    """Return the file with the reason, English, for instructor and log.

    Beside it lie, with other endings, ``.json``: the same for programs, with the number of the submission,
    and ``.html``: the page for the trainee, in their language.
    """
    return cohort / FOLDER / lab / f"{trainee}.txt"
