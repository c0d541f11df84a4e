"""What a cohort was given, as grading finds it: the scenarios of its labs, and which case each trainee had."""

import hmac
from pathlib import Path

from csirtlab.errors import GradingError
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
        GradingError: It is another: the programs that make evidence and truth have changed since.
    """
    try:
        given = (submission / CASE_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return  # not collected from the exchange: brought by hand
    except (OSError, ValueError) as error:
        raise GradingError(
            f"{submission / CASE_FILE} cannot be read ({error}). Collect the submission again."
        ) from error
    if given and not hmac.compare_digest(given, case):
        raise GradingError(
            "The trainee was given another case than this version of csirtlab makes: it was updated since, and right "
            "answers would count as wrong. Grade with the version from before the update; or withdraw and release the "
            "lab again, and let it be worked on anew."
        )
