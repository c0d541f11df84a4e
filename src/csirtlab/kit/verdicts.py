"""What a notebook says about an answer; alone with a lab, the local verdict service is asked.

``csirtlab learn`` starts that service on loopback and puts its address, with a secret path, into the
environment. In a workshop there is none: answers are judged later, outside.
"""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csirtlab.kit.show import as_html, tell

VARIABLE = "CSIRTLAB_VERDICT_URL"
_WAIT_S = 120  # sibling cases are made at their first use


@dataclass(frozen=True)
class Notice:
    """A sentence about an answer; a notebook shows it when it is a cell's last value."""

    manner: str  # done, wrong or told
    sentence: str
    worth: float | None = None  # 0 to 1, where a verdict is known
    feedback: str = ""  # Markdown: how an analyst would have found it

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        bundle = {"text/plain": self.sentence}
        if self.feedback:
            # A notebook prefers HTML to Markdown, so only one of them may be there.
            return {**bundle, "text/markdown": f"**{self.sentence}**\n\n{self.feedback}"}
        return {**bundle, "text/html": as_html(self.manner, self.sentence)}


def service() -> str | None:
    """Return the address of the verdict service, None in a workshop."""
    return os.environ.get(VARIABLE) or None


def judge(address: str, language: str, report: dict[str, Any]) -> Notice:
    """Have a report judged: ``question`` with ``value``, or with the ``values`` found on its siblings."""
    try:
        verdict = _post(f"{address}/judge", {**report, "language": language})
        worth, reason = float(verdict["worth"]), str(verdict["reason"])
    except (OSError, ValueError, KeyError) as error:
        return Notice(
            "told", tell(language, "No verdict now: {problem}. Is csirtlab learn still running?", problem=error)
        )
    share = tell(language, "{percent} % of the points.", percent=round(worth * 100))
    is_right = worth >= 1
    # Somebody who is still searching is not told how the search would have gone.
    feedback = str(verdict.get("feedback", "")) if is_right else ""
    return Notice("done" if is_right else "wrong", f"{share} {reason}".strip(), worth, feedback)


def siblings(address: str, language: str, question: str) -> list[Path]:
    """Return the folders of the sibling cases on which a method is tried; empty if there is no service."""
    try:
        answer = _post(f"{address}/siblings", {"question": question, "language": language})
        return [Path(folder) for folder in answer["folders"]]
    except (OSError, ValueError, KeyError):
        return []


def _post(address: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310  # the address is our own, from the environment
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    # No proxies: the service is on loopback, and a proxy from the environment would not reach it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_WAIT_S) as answer:
        parsed: dict[str, Any] = json.load(answer)
        return parsed
