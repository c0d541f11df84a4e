"""A cohort's nbgrader configuration, read as ``nbgrader`` reads it in the cohort's folder."""

import os
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from csirtlab.errors import SetupError
from csirtlab.grading.cohort_folder import VARIABLE

NAME = "nbgrader_config.py"


def load_config(folder: Path) -> Any:  # traitlets' Config
    """Return what ``folder/nbgrader_config.py`` sets.

    Raises:
        SetupError: There is no such file.
    """
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder)
    try:
        return Config(PyFileConfigLoader(NAME, path=str(folder)).load_config())
    except ConfigFileNotFound as error:
        raise SetupError(f"{folder} is no cohort's folder: no {NAME}. Name a cohort, or its folder.") from error
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def course_directory(config: Any, lab: str, trainee: str) -> Any:
    """Return nbgrader's view of the folder, narrowed to one submission."""
    return CourseDirectory(config=config, assignment_id=lab, student_id=trainee, notebook_id="*")
