"""What a cohort was given, as grading finds it: the scenarios of its labs, and which case each trainee had."""

import hmac
from pathlib import Path

from csirtlab.grading.refusing import RefusalError, WayOut
from csirtlab.labs.kept_scenario import CASE_FILE, SCENARIO, unpack_scenario

SHELF = ".scenarios"
"""Folder in the cohort's folder with the scenarios of its releases, unpacked."""


def released_content(cohort_folder: Path, lab: str) -> Path | None:
    """Return a content folder with a lab's scenario as it was released.

    None for a cohort from before releases held it.
    """
    packed = cohort_folder / "release" / lab / SCENARIO
    if not packed.is_file():
        return None
    return unpack_scenario(packed.read_bytes(), cohort_folder / SHELF)


def refuse_other_case(submission: Path, case: str) -> None:
    """Return if ``case`` is the digest of the case that the trainee was given, or none was noted.

    Raises:
        RefusalError: It is another: the programs that make evidence and truth have changed since.
    """
    try:
        given = (submission / CASE_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return  # not collected from the exchange: brought by hand
    except (OSError, ValueError) as error:
        raise unreadable_note(CASE_FILE, error) from error
    if given and not hmac.compare_digest(given, case):
        raise RefusalError(
            "The case that was given out is another than this version of csirtlab makes: it was updated since, and "
            "right answers would count as wrong.",
            WayOut.INSTRUCTORS_NEW_RELEASE,
        )


def unreadable_note(name: str, error: Exception) -> RefusalError:
    """Return the refusal for a file that collecting left beside a submission, and that cannot be read now."""
    what = error.strerror if isinstance(error, OSError) else type(error).__name__
    return RefusalError(
        "{file} beside the submission cannot be read ({detail}).", WayOut.INSTRUCTORS_COLLECT, file=name, detail=what
    )
