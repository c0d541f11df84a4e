"""nbgrader's converter, with each submission looked at first, and with a reason kept for each one refused."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.apps import api, autogradeapp
from nbgrader.converters import Autograde
from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError

from csirtlab.errors import GradingError
from csirtlab.grading.intake import check_submission
from csirtlab.grading.put_right import quiet_reading
from csirtlab.grading.refusals import forget_refusal, keep_refusal
from csirtlab.grading.refusing import reason_of
from csirtlab.languages import Language


def take_the_place_of_nbgraders() -> None:
    """Let ``nbgrader autograde`` and the formgrader use this converter: for it, nbgrader has no setting."""
    users: tuple[Any, ...] = (api, autogradeapp)
    for module in users:
        module.Autograde = CheckedAutograde


class CheckedAutograde(Autograde):
    """Grades as nbgrader does; what one submission is refused for stops no other."""

    _now = ("", "")

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Look at the submission before anything of it is copied."""
        self._now = (assignment_id, student_id)
        with self._keeping_the_reason(), quiet_reading():
            check_submission(Path(self._format_source(assignment_id, student_id)), assignment_id)
            super().init_assignment(assignment_id, student_id)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Grade one notebook; the reason of an earlier refusal is forgotten then."""
        with self._keeping_the_reason(), quiet_reading():
            super().convert_single_notebook(notebook_filename)
        self._forget_the_reason()

    @property
    def _cohort(self) -> Path:
        folder: Any = self.coursedir
        return Path(folder.root)

    def _forget_the_reason(self) -> None:
        forget_refusal(self._cohort, *self._now)

    @contextmanager
    def _keeping_the_reason(self) -> Iterator[None]:
        lab, trainee = self._now
        try:
            yield
        except Exception as error:  # whatever a submission makes nbgrader stumble over
            reason = reason_of(error)
            english = reason.told(Language.EN)
            self.log.log(logging.ERROR, "%s/%s was not graded: %s", trainee, lab, english)
            keep_refusal(self._cohort, lab, trainee, reason)
            if isinstance(error, SchemaTooNewError | SchemaTooOldError):
                raise GradingError(english) from error  # these would stop the whole batch
            raise
