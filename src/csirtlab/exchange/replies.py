"""What the exchange answers, as values: read once from its JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from csirtlab.exchange.entries import time_from
from csirtlab.exchange.receipts import Receipt


@dataclass(frozen=True)
class Feedback:
    """Feedback that can be fetched."""

    released: datetime
    content: str  # SHA-256 of its zip


@dataclass(frozen=True)
class Submission:
    """A submission that the exchange keeps."""

    id: int  # its position in the log: a higher one is a later one
    trainee: str
    time: datetime
    content: str  # SHA-256 of its zip
    receipt: Receipt
    feedback: Feedback | None
    is_trainee: bool  # whether its owner is a trainee of the cohort now; instructors may try labs too
    case: str | None = None  # the digest of the case that the trainee had been given before
    hints: Mapping[str, Sequence[int]] = field(default_factory=dict)  # question -> prices of those seen before, in %


@dataclass(frozen=True)
class LabListing:
    """A lab of the caller's."""

    cohort: str
    lab: str
    title: str
    role: str  # the caller's in the cohort: "trainee" or "instructor"
    released: datetime | None  # None: withdrawn, and listed for the submissions that there are
    submissions: tuple[Submission, ...]  # the caller's own, earliest first

    @property
    def has_feedback(self) -> bool:
        """Whether any of the caller's submissions has feedback."""
        return any(submission.feedback for submission in self.submissions)


@dataclass(frozen=True)
class Labs:
    """All labs of the caller, over their cohorts."""

    username: str
    labs: tuple[LabListing, ...]


def read_labs(reply: Any) -> Labs:
    """Read the answer of GET /labs."""
    return Labs(reply["username"], tuple(_lab(lab) for lab in reply["labs"]))


def _lab(reply: Any) -> LabListing:
    return LabListing(
        cohort=reply["cohort"],
        lab=reply["lab"],
        title=reply["title"],
        role=reply["role"],
        released=time_from(reply["released"]) if reply["released"] else None,
        submissions=tuple(read_submission({**submission, "is_trainee": reply["role"] == "trainee"})
                          for submission in reply["submissions"]),
    )  # fmt: skip


def read_submission(reply: Any) -> Submission:
    """Read one submission as it stands in a list."""
    given = reply["feedback"]
    return Submission(
        id=reply["id"],
        trainee=reply["trainee"],
        time=time_from(reply["time"]),
        content=reply["content"],
        receipt=Receipt.from_plain(reply["receipt"]),
        feedback=Feedback(time_from(given["released"]), given["content"]) if given else None,
        is_trainee=reply["is_trainee"],
        case=reply["case"],
        hints=reply["hints"],
    )
