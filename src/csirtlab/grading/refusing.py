"""Why a submission cannot be graded, to be told in any of the languages.

A reason is a sentence of the catalogue ``refusals`` with its values, and the way out. Values come from
submissions: what could not be shown safely in a line of text is written as escapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from csirtlab.errors import CsirtlabError, GradingError
from csirtlab.languages import Language, translator

_MOST_SHOWN = 200


class WayOut(StrEnum):
    """What is to be done next, English: the trainee's to do, or with a name that says so the instructor's."""

    NOTEBOOK_ALONE = "Hand in the notebook alone."
    PLAIN_FILES = "Hand in plain files only."
    LESS = "Hand in less: the notebook alone is enough."
    OWN_NAME = "Hand in the lab's notebook under its own name."
    CLEAR_OUTPUTS = "Clear its outputs (Edit > Clear Outputs of All Cells), save it, and hand it in again."
    SAVE_AGAIN = (
        "Open it in JupyterLab, save it, and hand it in again; if it does not open, fetch the lab again, "
        "copy the answers into it, and hand that in."
    )
    FEWER_CELLS = "Merge or delete some, and hand it in again."
    OTHER_NOTEBOOK = "Was another notebook handed in? Fetch the lab again, copy the answers into it, and hand that in."
    TRY_AGAIN = (
        "Open the notebook in JupyterLab, save it, and hand it in again. If that does not help, tell the instructor: "
        "the log of nbgrader autograde says where it happened."
    )
    INSTRUCTORS_COLLECT = "Collect the submission again."
    INSTRUCTORS_TIMESTAMP = "Collect the submission again, or delete that file."
    INSTRUCTORS_GENERATE = "Was the lab changed after its release? Generate the assignment again."
    INSTRUCTORS_OLD_VERSION = "Grade with the version from before the update."
    INSTRUCTORS_NEW_RELEASE = (
        "Grade with the version from before the update; or withdraw and release the lab again, and let it be worked "
        "on anew."
    )
    INSTRUCTORS_NONE = ""

    @property
    def is_trainees(self) -> bool:
        """Whether the trainee can go it."""
        return not self.name.startswith("INSTRUCTORS")


@dataclass(frozen=True)
class Reason:
    """Why a submission was not graded.

    ``problem`` and ``way_out`` are English sentences of the catalogue; ``detail``, English too, is for the
    instructor alone: it may name files of the server.
    """

    problem: str
    way_out: WayOut
    values: Mapping[str, str | int] = field(default_factory=dict)
    detail: str = ""

    def problem_in(self, language: Language) -> str:
        """Return what went wrong."""
        return translator("refusals", language)(self.problem).format(**self.values)

    def way_out_in(self, language: Language) -> str:
        """Return what is to be done next; empty where the detail says it."""
        return translator("refusals", language)(self.way_out.value)

    def told(self, language: Language) -> str:
        """Return all of it for an instructor."""
        if self.detail and language is Language.EN:
            return self.detail
        parts = (self.problem_in(language), self.way_out_in(language), self.detail)
        return " ".join(part for part in parts if part)


class RefusalError(GradingError):
    """A submission cannot be graded as it is; ``str()`` is the English sentence with its way out."""

    def __init__(self, problem: str, way_out: WayOut, **values: object) -> None:
        super().__init__(problem, way_out)
        self.reason = Reason(problem, way_out, {name: shown(value) for name, value in values.items()})

    def __str__(self) -> str:
        return self.reason.told(Language.EN)


def shown(value: object) -> str | int:
    """Return a value as a line of text may hold it: short, and with escapes for all that is not seen or moves text."""
    if isinstance(value, int):
        return value
    text = str(value)
    short = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    # Control characters, halves of surrogate pairs (names that are no UTF-8), marks that turn the direction of text.
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in short)


def reason_of(error: Exception) -> Reason:
    """Return the reason for an error that ended the grading of a submission, whatever it is."""
    if isinstance(error, RefusalError):
        return error.reason
    if isinstance(error, CsirtlabError):
        return Reason(
            "Grading failed for a reason that does not lie in the notebook.",
            WayOut.INSTRUCTORS_NONE,
            detail=str(error),
        )
    values = {"kind": shown(type(error).__name__), "detail": shown(error)}
    return Reason("Grading ended early ({kind}: {detail}), and no score was written.", WayOut.TRY_AGAIN, values)
