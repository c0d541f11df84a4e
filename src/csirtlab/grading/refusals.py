"""What is kept of a submission that was refused: the reason for the instructor, and a page for its trainee."""

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from csirtlab.content.labs import read_lab
from csirtlab.errors import ContentError
from csirtlab.grading.cohort_folder import read_cohort_folder
from csirtlab.grading.refusing import Reason, WayOut
from csirtlab.labs.refused import FOLDER, refusal_path
from csirtlab.labs.texts import lab_texts
from csirtlab.languages import LOCALES, Language, translator
from csirtlab.settings import content_root

NOTHING_TO_DO = "There is nothing for you to do: your instructor has to put this right, and has been told how."
_TEMPLATES = Path(__file__).parent / "pages"
_MOST_RECEIPT_B = 20_000


@dataclass(frozen=True)
class Handed:
    """Which submission it was, as its receipt says: its number in the exchange's log, and when (aware, UTC)."""

    number: int
    time: datetime


@dataclass(frozen=True)
class Refusal:
    """A submission that was not graded; ``handed`` is None where it did not come from the exchange."""

    trainee: str
    reason: Reason
    handed: Handed | None


def keep_refusal(cohort: Path, lab: str, trainee: str, reason: Reason) -> None:
    """Write why the submission that lies in ``submitted/`` was not graded, and the page that tells its trainee.

    Raises:
        SetupError: The cohort's folder cannot be read.
    """
    language = read_cohort_folder(cohort).language_of(trainee)
    refusal = Refusal(trainee, reason, _handed(cohort / "submitted" / trainee / lab, lab, trainee))
    path = refusal_path(cohort, lab, trainee)
    path.parent.mkdir(parents=True, exist_ok=True)
    _beside(path, "html").unlink(missing_ok=True)  # never the page of another refusal beside this one
    _write(path, f"{reason.told(Language.EN)}\n")
    told = f"{reason.problem_in(language)} {what_to_do(reason, language)}"
    _write(_beside(path, "json"), json.dumps(_plain(refusal) | {"told": told}, ensure_ascii=False, indent=1) + "\n")
    _write(_beside(path, "html"), refusal_page(refusal, lab_title(lab, language), language))


def forget_refusal(cohort: Path, lab: str, trainee: str) -> None:
    """Remove what was kept: the submission was graded after all."""
    path = refusal_path(cohort, lab, trainee)
    for each in (_beside(path, "html"), _beside(path, "json"), path):
        each.unlink(missing_ok=True)


def read_refusals(cohort: Path, lab: str) -> list[Refusal]:
    """Return the refusals of a lab that hold now, by trainee."""
    found = []
    for path in sorted((cohort / FOLDER / lab).glob("*.txt")):
        with suppress(FileNotFoundError):  # graded this moment
            found.append(_read(path))
    return found


def what_to_do(reason: Reason, language: Language) -> str:
    """Return what the trainee is to do next."""
    if reason.way_out.is_trainees:
        return reason.way_out_in(language)
    return translator("refusals", language)(NOTHING_TO_DO)


def refusal_page(refusal: Refusal, title: str, language: Language) -> str:
    """Return the page for the trainee: one file, without scripts."""
    from babel.dates import format_datetime
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    handed = refusal.handed
    moment = format_datetime(handed.time, "d MMM y, HH:mm:ss", locale=LOCALES[language]) if handed else ""
    return pages.get_template("not_graded.html").render(
        _=translator("refusals", language),
        language=language.value,
        title=title,
        number=handed.number if handed else None,
        time=f"{moment} UTC",
        problem=refusal.reason.problem_in(language),
        what_to_do=what_to_do(refusal.reason, language),
    )


def lab_title(lab: str, language: Language) -> str:
    """Return a lab's title; its name, where the lab itself is what cannot be read."""
    try:
        return lab_texts(read_lab(content_root(), lab), language).title
    except ContentError:
        return lab


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name.removesuffix('.txt')}.{ending}")


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def _plain(refusal: Refusal) -> dict[str, object]:
    reason, handed = refusal.reason, refusal.handed
    return {
        "problem": reason.problem,
        "way_out": reason.way_out.value,
        "values": dict(reason.values),
        "detail": reason.detail,
        "submission": handed.number if handed else None,
        "time": handed.time.isoformat() if handed else None,
    }


def _read(path: Path) -> Refusal:
    trainee = path.name.removesuffix(".txt")
    try:
        kept = json.loads(_beside(path, "json").read_text(encoding="utf-8"))
        reason = Reason(kept["problem"], WayOut(kept["way_out"]), kept["values"], kept["detail"])
        reason.told(Language.EN)
        handed = Handed(kept["submission"], datetime.fromisoformat(kept["time"])) if kept["time"] else None
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        # Of an earlier version, or somebody's own: the text alone.
        text = path.read_text(encoding="utf-8", errors="replace").strip()
        return Refusal(trainee, Reason("", WayOut.INSTRUCTORS_NONE, detail=text), None)
    return Refusal(trainee, reason, handed)


def _handed(submission: Path, lab: str, trainee: str) -> Handed | None:
    """Return what the receipt beside a submission says; a submission may hold anything under that name."""
    try:
        descriptor = os.open(submission / "receipt.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        octets = file.read(_MOST_RECEIPT_B)
    try:
        said = json.loads(octets)
        time = datetime.fromisoformat(said["time"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not _is_of(said, lab, trainee) or time.tzinfo is None:
        return None
    return Handed(said["position"], time)


def _is_of(said: Mapping[str, object], lab: str, trainee: str) -> bool:
    return type(said.get("position")) is int and (said.get("lab"), said.get("trainee")) == (lab, trainee)
