"""The roster in nbgrader's gradebook, so that instructors see names from the first day."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from csirtlab.cohorts.roster import Entry, Role


def enter_trainees(folder: Path, cohort: str, roster: Sequence[Entry]) -> None:
    """Enter a cohort's trainees into ``folder/gradebook.db``; twice changes nothing.

    Here a trainee becomes nbgrader's student. The last word of a name goes where it sorts by.
    """
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", cohort) as gradebook:
        for entry in roster:
            if entry.role is Role.TRAINEE:
                first, _, last = entry.name.rpartition(" ")
                names: dict[str, Any] = {"first_name": first, "last_name": last}  # nbgrader types them wrongly
                gradebook.update_or_create_student(entry.username, **names)
