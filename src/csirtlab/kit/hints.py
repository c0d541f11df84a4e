"""Hints, asked for one by one: in a workshop from the exchange, alone from the verdict service.

They are in neither the notebook nor the case sheet, so that whoever gives one can first record it. Where
neither service is, as in the box in which a submission is graded, there are none.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from csirtlab.kit import verdicts
from csirtlab.kit.sheet import CaseQuestion, CaseSheet
from csirtlab.kit.show import KitError, tell

EXCHANGE, TOKEN = "CSIRTLAB_EXCHANGE_URL", "JUPYTERHUB_API_TOKEN"
_WAIT_S = 30


@dataclass(frozen=True)
class Ladder:
    """The hints of one question as far as they may be shown now."""

    shown: tuple[str, ...]  # Markdown, from the first
    count: int  # all there are
    cost: float  # of the next one, as a share of the question's points
    paid: float  # of those shown, as a share of the question's points


def ask(sheet: CaseSheet, question: str, number: int, *, agreed: bool) -> Ladder | None:
    """Ask for the hints up to ``number``, of which at most one is new; None where nobody gives hints.

    A hint that costs points is opened only if ``agreed``. Asking the same again opens nothing more.

    Raises:
        KitError: The service refused or does not answer; nothing was opened that is not told later.
    """
    body = {"number": number, "agreed": agreed, "language": sheet.language}
    if address := verdicts.service():
        request = _request(f"{address}/hint", {**body, "question": question}, {})
    elif os.environ.get(EXCHANGE) and os.environ.get(TOKEN):
        place = f"cohorts/{quote(sheet.cohort)}/labs/{quote(sheet.lab)}/hints/{quote(question)}"
        address = f"{os.environ[EXCHANGE].rstrip('/')}/{place}"
        request = _request(address, body, {"Authorization": f"Bearer {os.environ[TOKEN]}"})
    else:
        return None
    try:
        reply = _send(request)
        return Ladder(tuple(reply["hints"]), int(reply["count"]), float(reply["cost"]), float(reply["paid"]))
    except urllib.error.HTTPError as error:
        with error:
            problem = _refusal(error)
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = str(error)
    raise KitError(tell(sheet.language, "No hint now: {problem}", problem=problem))


def _request(address: str, body: Mapping[str, object], headers: Mapping[str, str]) -> urllib.request.Request:
    return urllib.request.Request(  # noqa: S310  # the address is our own, from the environment
        address, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    )


def _send(request: urllib.request.Request) -> Any:  # JSON
    # No proxies: the service is on this machine or the hub's own, which a proxy would not reach.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_WAIT_S) as answer:
        return json.load(answer)


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.code}"


def as_markdown(asked: CaseQuestion, ladder: Ladder, language: str) -> str:
    """Return what a notebook shows: the hints seen, what they cost, how to get the next one."""
    parts = []
    for number, hint in enumerate(ladder.shown, 1):
        heading = tell(language, "Hint {number} of {count}", number=number, count=ladder.count)
        parts.append(f"**{heading}**\n\n{hint}")
    ending = []
    if ladder.paid:
        ending.append(
            tell(language, "These hints cost {points} of the {all} points of this question.",
                 points=_points(asked, ladder.paid), all=f"{asked.points:g}")
        )  # fmt: skip
    ending.append(_next(asked, ladder, language))
    return "\n\n".join([*parts, f"*{' '.join(ending)}*"])


def _next(asked: CaseQuestion, ladder: Ladder, language: str) -> str:
    following = len(ladder.shown) + 1
    if following > ladder.count:
        return tell(language, "This is the last hint.")
    call = f'`case.hint("{asked.id}", {following})`'
    if ladder.cost:
        return tell(
            language,
            "Hint {number} of {count} costs {points} of the {all} points of this question. To open it, run {call}.",
            number=following,
            count=ladder.count,
            points=_points(asked, ladder.cost),
            all=f"{asked.points:g}",
            call=call,
        )
    return tell(language, "For the next hint, run this again, or {call}. The hints you have seen are recorded; they "
                "cost no points.", call=call)  # fmt: skip


def _points(asked: CaseQuestion, share: float) -> str:
    return f"{round(asked.points * share, 2):g}"
