"""How nbgrader is set up for a cohort: read by ``grader/nbgrader_config.py``.

``jupyter/`` beside this module holds templates that take the place of nbconvert's.
"""

import os
import sys
from pathlib import Path
from typing import Any

from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    ComputeChecksums,
    DeduplicateIds,
    LimitOutput,
    LockCells,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
    SaveCells,
)

from csirtlab.grading.cohort_folder import read_name
from csirtlab.grading.converter import take_the_place_of_nbgraders
from csirtlab.grading.nbgrader_plugins import MendNotebook, RunInBox, WriteVerdicts
from csirtlab.labs.kept_scenario import SCENARIO

_FILTERS = "csirtlab.grading.page_filters"


def configure(c: Any, cohort_folder: Path) -> None:  # traitlets' Config
    """Set everything but the exchange, which has its own ``configure``."""
    # nbgrader starts alembic by its bare name; nbconvert looks for templates in JUPYTER_PATH.
    _ensure_first("PATH", Path(sys.executable).parent, os.defpath)
    _ensure_first("JUPYTER_PATH", Path(__file__).parent / "jupyter", "")
    take_the_place_of_nbgraders()
    c.CourseDirectory.root = str(cohort_folder)
    c.CourseDirectory.course_id = read_name(cohort_folder)
    # Labs are compiled without solutions and hidden tests, so there is nothing to clear.
    c.GenerateAssignment.preprocessors = [
        LockCells, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells,
    ]  # fmt: skip
    c.Autograde.sanitize_preprocessors = [
        MendNotebook, ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata,
    ]  # fmt: skip
    c.Autograde.autograde_preprocessors = [
        RunInBox, WriteVerdicts, LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata,
    ]  # fmt: skip
    # Not into every trainee's folder: grading reads it where the lab was released.
    c.Autograde.exclude_overwriting = {
        path.parent.name: [SCENARIO] for path in cohort_folder.glob(f"source/*/{SCENARIO}")
    }
    for step in (MendNotebook, RunInBox, WriteVerdicts):
        c[step.__name__].cohort_folder = str(cohort_folder)
    # The formgrader and the feedback show trainees' notebooks; their templates render Markdown unasked.
    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.filters = {
        "clean_html": f"{_FILTERS}.clean_html",
        "markdown2html": f"{_FILTERS}.markdown_to_clean_html",
        "ansi2html": f"{_FILTERS}.ansi_to_html",
        "highlight_code": f"{_FILTERS}.highlight_code",
    }


def _ensure_first(variable: str, folder: Path, default: str) -> None:
    """Put ``folder`` first in a list of paths in the environment, once."""
    paths = [path for path in os.environ.get(variable, default).split(os.pathsep) if path]
    if str(folder) not in paths:
        os.environ[variable] = os.pathsep.join([str(folder), *paths])
