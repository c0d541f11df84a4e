"""What came of a submission, kept: its scores and its notebook, both or neither.

nbgrader's own converter does it, from the step on that writes scores. The scores of one submission are one
transaction; the notebook is written aside and takes its place after it. Stopped in between, the submission
counts as new, and grading it again gives the same.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.converters.base import NbGraderException
from traitlets.config import Config

from csirtlab.errors import GradingError
from csirtlab.grading.cohort_config import course_directory, load_config
from csirtlab.grading.conducting import Conducted, first_saving_step
from csirtlab.grading.converter import CheckedAutograde
from csirtlab.grading.one_gradebook import OneGradebook, shared

ASIDE = ".grading"
"""Folder in the cohort's folder for what is not in its place yet."""


class Records:
    """The gradebook and the autograded folder of a cohort, for one lab; a context manager."""

    def __init__(self, folder: Path, lab: str) -> None:
        self._folder, self._lab = folder, lab
        self._config = load_config(folder)
        directory = course_directory(self._config, lab, "")
        self._gradebook = OneGradebook(directory.db_url, directory.course_id)
        shutil.rmtree(folder / ASIDE, ignore_errors=True)  # of a run that was cut off

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *_: object) -> None:
        self._gradebook.end()
        shutil.rmtree(self._folder / ASIDE, ignore_errors=True)

    def is_new(self, trainee: str) -> bool:
        """Return whether a submission waits: never graded, or handed in again since.

        As nbgrader decides it; besides, one that the gradebook does not know waits too.
        """
        directory = course_directory(self._config, self._lab, trainee)
        graded = self._place(trainee)
        if not (graded / f"{self._lab}.ipynb").exists() or not self.points(trainee):
            return True
        submitted = self._folder / "submitted" / trainee / self._lab
        then, now = (directory.get_existing_timestamp(str(place)) for place in (graded, submitted))
        return bool(then and now and now > then)

    def points(self, trainee: str) -> dict[str, float | None]:
        """Return the automatic points by graded cell as the gradebook has them; nothing if never graded."""
        try:
            notebook = self._gradebook.find_submission_notebook(self._lab, self._lab, trainee)
            return {str(grade.name): grade.auto_score for grade in notebook.grades}
        except MissingEntry:
            return {}
        finally:
            self._gradebook.forget()

    def record(self, conducted: Conducted) -> None:
        """Keep the scores and the notebook of a submission, durably.

        Raises:
            GradingError: nbgrader refused; nothing was kept.
        """
        directory = course_directory(self._config, self._lab, conducted.trainee)
        with shared(self._gradebook):
            try:
                _Recording(conducted.notebook, coursedir=directory, config=_brisk(self._config)).start()
                aside = self._folder / ASIDE / conducted.trainee / self._lab
                _sync_tree(aside)
                self._gradebook.keep()
            except NbGraderException as error:
                raise GradingError(
                    f"nbgrader did not take {conducted.trainee}'s scores: {error}. "
                    f"Look closer: nbgrader autograde {self._lab} --student {conducted.trainee} --force"
                ) from error
            finally:
                self._gradebook.forget()
        self._put_in_place(aside, self._place(conducted.trainee))

    def _place(self, trainee: str) -> Path:
        return self._folder / "autograded" / trainee / self._lab

    @staticmethod
    def _put_in_place(aside: Path, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            shutil.rmtree(place)
        aside.rename(place)
        _sync(place.parent)
        _sync(place.parent.parent)


class _Recording(CheckedAutograde):
    """nbgrader's converter with the notebook run already; writes aside."""

    def __init__(self, notebook: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._notebook = notebook

    @property
    def _output_directory(self) -> str:
        return ASIDE

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Take the steps that write scores, and write the notebook."""
        with self._keeping_the_reason():
            resources = self.init_single_notebook_resources(notebook_filename)
            self.exporter._preprocessors = []
            for step in self.autograde_preprocessors[first_saving_step(self.autograde_preprocessors) :]:
                self.exporter.register_preprocessor(step)
            judged = nbformat.reads(self._notebook, as_version=4)
            output, resources = self.exporter.from_notebook_node(judged, resources)
            write: Any = self.write_single_notebook
            write(output, resources)
        self._forget_the_reason()


def _brisk(config: Any) -> Any:
    brisk = Config(config)
    brisk.Exporter.optimistic_validation = True
    return brisk


def _sync_tree(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
