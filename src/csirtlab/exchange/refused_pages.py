"""The pages that tell trainees why their submissions were not graded, as grading leaves them in a cohort's folder."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from csirtlab.labs.refused import FOLDER


@dataclass(frozen=True)
class RefusedPage:
    """A page, and about which submission it is: its position in the log, None where that is not known."""

    trainee: str
    path: Path
    told: str  # the same as a line of text, in the trainee's language
    submission: int | None


def refused_pages(cohort: Path, lab: str) -> Iterator[RefusedPage]:
    """Yield the pages of a lab, by trainee."""
    for page in sorted((cohort / FOLDER / lab).glob("[!.]*.html")):
        try:
            said = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            said = None
        said = said if isinstance(said, dict) else {}
        number = said.get("submission")
        told = said.get("told")
        yield RefusedPage(
            trainee=page.stem,
            path=page,
            told=f"{told}\n" if isinstance(told, str) else "",
            submission=number if type(number) is int else None,
        )
