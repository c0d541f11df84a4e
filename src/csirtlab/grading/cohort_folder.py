"""What grading reads in a cohort's folder: its name, its secret, who speaks which language, who has handed in."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csirtlab.errors import SetupError
from csirtlab.languages import Language

VARIABLE = "CSIRTLAB_COHORT_FOLDER"


@dataclass(frozen=True)
class CohortFolder:
    """A cohort as its folder says it."""

    path: Path
    name: str
    language: Language
    languages: dict[str, Language]  # by user name
    secret: bytes

    def language_of(self, trainee: str) -> Language:
        """Return a trainee's language; the cohort's for somebody who is not on the roster."""
        return self.languages.get(trainee, self.language)


def find_cohort_folder(start: Path | None = None) -> Path:
    """Return the cohort's folder: ``CSIRTLAB_COHORT_FOLDER``, else the outermost with a ``cohort.json``.

    Not the nearest: a submission can hold a file of that name, and a configuration beside it.

    Raises:
        SetupError: Neither is there.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    here = (start or Path.cwd()).resolve()
    for folder in reversed((here, *here.parents)):
        if (folder / "cohort.json").is_file():
            return folder
    raise SetupError(f"{here} is no cohort's folder: no cohort.json. Go to HOME/cohorts/NAME, or set {VARIABLE}.")


def read_name(folder: Path) -> str:
    """Return the cohort's name, without reading its secret."""
    return str(_read_json(folder / "cohort.json")["name"])


def read_course_name(folder: Path) -> str:
    """Return the name of the course that the cohort is taught."""
    return str(_read_json(folder / "cohort.json").get("course", ""))


def read_cohort_folder(folder: Path) -> CohortFolder:
    """Read a cohort's folder.

    Raises:
        SetupError: A file is missing or damaged.
    """
    about, roster = _read_json(folder / "cohort.json"), _read_json(folder / "roster.json")
    try:
        secret = bytes.fromhex((folder / "secret").read_text(encoding="ascii").strip())
        languages = {person["username"]: Language(person["language"]) for person in roster["people"]}
        cohort = CohortFolder(folder, about["name"], Language(about["language"]), languages, secret)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{folder}: the cohort cannot be read ({error!r}). Restore it from a backup.") from error
    if len(cohort.secret) < 32:
        raise SetupError(f"{folder}/secret: the secret is too short. Restore it: without it no case is known again.")
    return cohort


def _read_json(path: Path) -> dict[str, Any]:
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(f"{path} cannot be read ({error}). Restore it from a backup.") from error
    if not isinstance(parsed, dict):
        raise SetupError(f"{path} holds no table. Restore it from a backup.")
    return parsed


def submitters(folder: Path, lab: str) -> list[str]:
    """Return who has handed in a lab, sorted."""
    return sorted(path.parent.name for path in (folder / "submitted").glob(f"*/{lab}") if path.is_dir())
