"""One submission up to its verdicts, in a worker: nbgrader's steps before the first that writes a score.

It reads the gradebook and the submission, and writes neither: what comes of it is recorded elsewhere. Why one
was refused, and what was put right in it, is kept here.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import determine_grade, is_grade, setenv
from traitlets.config import Config

from csirtlab.errors import BoxError, SetupError
from csirtlab.grading.cohort_config import course_directory, load_config
from csirtlab.grading.intake import check_submission
from csirtlab.grading.one_gradebook import OneGradebook, shared
from csirtlab.grading.put_right import quiet_reading
from csirtlab.grading.refusals import keep_refusal
from csirtlab.grading.refusing import reason_of
from csirtlab.languages import Language

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Conducted:
    """A submission that was run and judged: the notebook with its verdicts, JSON, and its points by graded cell.

    Points are None where a person has to grade.
    """

    trainee: str
    notebook: str
    points: Mapping[str, float | None]


@dataclass(frozen=True)
class Refused:
    """A submission that cannot be graded as it is, and why."""

    trainee: str
    reason: str


@dataclass(frozen=True)
class Failed:
    """A submission that was not graded for a reason that is not its own; it stays new."""

    trainee: str
    reason: str


def conduct(folder: Path, lab: str, trainee: str) -> Conducted | Refused | Failed:
    """Run and judge the submission ``submitted/TRAINEE/LAB/LAB.ipynb``; safe to be called again."""
    try:
        try:
            with quiet_reading():
                return _conduct(folder, lab, trainee)
        except BoxError as error:
            _log.warning("%s/%s: %s Trying once more.", trainee, lab, error)
            with quiet_reading():
                return _conduct(folder, lab, trainee)
    except (BoxError, SetupError) as error:
        return Failed(trainee, str(error))
    except Exception as error:  # whatever a submission makes nbgrader stumble over: no other one is touched
        _log.debug("%s/%s", trainee, lab, exc_info=True)
        reason = reason_of(error)
        keep_refusal(folder, lab, trainee, reason)
        return Refused(trainee, reason.told(Language.EN))


def _conduct(folder: Path, lab: str, trainee: str) -> Conducted:
    source = folder / "submitted" / trainee / lab / f"{lab}.ipynb"
    check_submission(source.parent, lab)
    bench = _bench(folder)
    converter = Autograde(coursedir=course_directory(bench.config, lab, trainee), config=bench.config)
    steps = converter.autograde_preprocessors
    with shared(bench.gradebook):
        try:
            resources = converter.init_single_notebook_resources(str(source))
            clean, _ = bench.exporter(converter.sanitize_preprocessors).from_filename(str(source), resources=resources)
            resources = converter.init_single_notebook_resources(str(source))
            with setenv(NBGRADER_EXECUTION="autograde"):
                judged, _ = bench.exporter(steps[: first_saving_step(steps)]).from_notebook_node(
                    nbformat.reads(clean, as_version=4), resources
                )
        finally:
            bench.gradebook.forget()
    return Conducted(trainee, judged, points_in(judged))


def first_saving_step(steps: list[Any]) -> int:
    """Return how many steps stand before the first that writes to the gradebook."""
    for index, step in enumerate(steps):
        if isinstance(step, type) and issubclass(step, SaveAutoGrades):
            return index
    raise SetupError(
        "nbgrader_config.py leaves SaveAutoGrades out of Autograde.autograde_preprocessors. "
        "Put it back: without it no score is kept."
    )


def points_in(notebook: str) -> dict[str, float | None]:
    """Return the points of each graded cell, as nbgrader reads them from its outputs."""
    cells = nbformat.reads(notebook, as_version=4).cells
    return {cell.metadata.nbgrader["grade_id"]: determine_grade(cell, _log)[0] for cell in cells if is_grade(cell)}


class _Bench:
    """What a worker reads once for all submissions of a cohort."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = load_config(folder)
        directory = course_directory(self.config, "", "")
        self.gradebook = OneGradebook(directory.db_url, directory.course_id)
        fewer = Config()
        fewer.Exporter.default_preprocessors = []
        # nbconvert checks the whole notebook after each step; once after the last finds the same faults.
        fewer.Exporter.optimistic_validation = True
        self._export_config = Config(self.config)
        self._export_config.merge(fewer)

    def exporter(self, steps: list[Any]) -> Any:
        exporter = NotebookExporter(config=self._export_config)
        for step in steps:
            exporter.register_preprocessor(step)
        return exporter


_kept: list[_Bench] = []


def _bench(folder: Path) -> _Bench:
    if not _kept or _kept[0].folder != folder:
        _kept[:] = [_Bench(folder)]
    return _kept[0]
