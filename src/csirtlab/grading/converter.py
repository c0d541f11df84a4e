"""nbgrader's converter, with each submission looked at first, and with a reason kept for each one refused."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.apps import api, autogradeapp
from nbgrader.converters import Autograde
from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError

from csirtlab.errors import CsirtlabError, GradingError
from csirtlab.grading.intake import check_submission


def take_the_place_of_nbgraders() -> None:
    """Let ``nbgrader autograde`` and the formgrader use this converter: for it, nbgrader has no setting."""
    users: tuple[Any, ...] = (api, autogradeapp)
    for module in users:
        module.Autograde = CheckedAutograde


def refusal_path(cohort: Path, lab: str, trainee: str) -> Path:
    """Return where it is kept why a submission was not graded."""
    return cohort / "refused" / lab / f"{trainee}.txt"


def reason_of(error: Exception) -> str:
    """Return what instructor and trainee are told of the error that ended the grading of a submission."""
    if isinstance(error, CsirtlabError):
        return str(error)
    return (
        f"Grading ended early ({type(error).__name__}: {str(error)[:200]}), and no score was written. "
        "Open the notebook in JupyterLab, save it, and hand it in again. If that does not help, "
        "the log of nbgrader autograde says where it happened."
    )


def keep_reason(path: Path, reason: str) -> None:
    """Write the reason of a refusal to where it is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{reason}\n", encoding="utf-8")


class CheckedAutograde(Autograde):
    """Grades as nbgrader does; what one submission is refused for stops no other."""

    _now = ("", "")

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Look at the submission before anything of it is copied."""
        self._now = (assignment_id, student_id)
        with self._keeping_the_reason():
            check_submission(Path(self._format_source(assignment_id, student_id)), assignment_id)
            super().init_assignment(assignment_id, student_id)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Grade one notebook; the reason of an earlier refusal is forgotten then."""
        with self._keeping_the_reason():
            super().convert_single_notebook(notebook_filename)
        self._reason.unlink(missing_ok=True)

    @property
    def _reason(self) -> Path:
        folder: Any = self.coursedir
        return refusal_path(Path(folder.root), *self._now)

    @contextmanager
    def _keeping_the_reason(self) -> Iterator[None]:
        lab, trainee = self._now
        try:
            yield
        except Exception as error:  # whatever a submission makes nbgrader stumble over
            reason = reason_of(error)
            self.log.log(logging.ERROR, "%s/%s was not graded: %s", trainee, lab, reason)
            keep_reason(self._reason, reason)
            if isinstance(error, SchemaTooNewError | SchemaTooOldError):
                raise GradingError(reason) from error  # these would stop the whole batch
            raise
