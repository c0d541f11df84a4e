"""The exchange's client: what nbgrader's plug-ins and a trainee's own server speak to it with."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from csirtlab.errors import ExchangeError
from csirtlab.exchange.limits import MIB, SUBMISSION_LIMIT
from csirtlab.exchange.receipts import Receipt
from csirtlab.exchange.refusals import Refusal
from csirtlab.exchange.replies import LabListing, Labs, Submission, read_labs, read_submission
from csirtlab.exchange.work import Unpacked, pack_submission, unpack

__all__ = [
    "ExchangeClient", "LabListing", "Labs", "Submission", "Unpacked", "Unreachable", "pack_submission", "unpack",
]  # fmt: skip

PAUSES_S = (0.2, 0.5, 1.0, 2.0)
"""How long is waited before each further try: a service that restarts is back within these."""

_AWAY = (502, 503, 504)  # the proxy's way to say that the service is not there


class Unreachable(ExchangeError):  # noqa: N818  a state, not a mistake
    """The exchange did not answer; what was asked of it can be asked again."""


class ExchangeClient:
    """The exchange as one person sees it; the token says who. Every call may safely be made twice."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        pauses_s: tuple[float, ...] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._pauses_s = PAUSES_S if pauses_s is None else pauses_s
        self._sleep = sleep
        # trust_env would send a hub's own address through a ministry's proxy.
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(60, connect=5),
            trust_env=False,
        )

    @classmethod
    def from_environment(cls) -> Self:
        """Return the client that a server of the hub is meant to use.

        Raises:
            ExchangeError: The environment does not say where the exchange is.
        """
        url, token = os.environ.get("CSIRTLAB_EXCHANGE_URL"), os.environ.get("JUPYTERHUB_API_TOKEN")
        if not url or not token:
            raise ExchangeError(
                "This is not a server of the hub: CSIRTLAB_EXCHANGE_URL and JUPYTERHUB_API_TOKEN are not set. "
                "Run this in a terminal of your JupyterLab on the hub."
            )
        return cls(url, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def labs(self) -> Labs:
        """Return the caller's labs over all their cohorts, with their own submissions."""
        return read_labs(self._ask("GET", "labs").json())

    def folder(self, cohort: str, lab: str) -> bytes:
        """Return the lab with the caller's own case, a zip for ``unpack``."""
        return self._ask("GET", _lab(cohort, lab, "folder")).content

    def fetch_folder(self, cohort: str, lab: str, into: Path, *, replace: bool = False) -> Unpacked:
        """Put the lab with the caller's own case into the folder ``into``, as ``unpack`` does: own work stays."""
        return unpack(self.folder(cohort, lab), into, replace=replace)

    def submit(self, cohort: str, lab: str, folder: Path) -> Receipt:
        """Pack what is saved in ``folder`` and hand it in; when this returns, it is kept."""
        return self.send(cohort, lab, pack_submission(folder, lab))

    def send(self, cohort: str, lab: str, content: bytes) -> Receipt:
        """Hand in a zip of ``pack_submission``; when this returns, it is kept.

        Raises:
            ExchangeError: It was refused, or the receipt is not for this content.
        """
        if len(content) > SUBMISSION_LIMIT:
            raise Refusal(
                f"Your submission has {len(content) / MIB:.1f} MiB, at most {SUBMISSION_LIMIT // MIB} MiB are taken. "
                "Clear the notebook's outputs (Edit, Clear Outputs of All Cells), then submit again.",
                413,
            )
        answer = self._ask("POST", _lab(cohort, lab, "submissions"), content=content)
        receipt = Receipt.from_plain(answer.json())
        if receipt.content != hashlib.sha256(content).hexdigest():
            raise ExchangeError("The receipt is for another content: it was changed on its way. Submit again.")
        return receipt

    def submissions(self, cohort: str, lab: str) -> list[Submission]:
        """Return the caller's submissions, everybody's for an instructor, earliest first."""
        answer = self._ask("GET", _lab(cohort, lab, "submissions")).json()
        return [read_submission(submission) for submission in answer["submissions"]]

    def submission(self, cohort: str, submission: Submission) -> bytes:
        """Return a submission's zip, compared with the hash in its receipt."""
        content = self._ask("GET", f"cohorts/{quote(cohort, safe='')}/submissions/{submission.id}").content
        if hashlib.sha256(content).hexdigest() != submission.receipt.content:
            raise ExchangeError(
                f"Submission {submission.id} is not what its receipt says. Try again; if this stays, the operator "
                "runs: csirtlab exchange verify"
            )
        return content

    def release(self, cohort: str, lab: str, content: bytes) -> None:
        """Give a lab to the cohort (instructors)."""
        self._ask("PUT", _lab(cohort, lab, "release"), content=content)

    def withdraw(self, cohort: str, lab: str) -> None:
        """Take a release back (instructors); submissions stay."""
        self._ask("DELETE", _lab(cohort, lab, "release"))

    def give_feedback(
        self, cohort: str, lab: str, trainee: str, content: bytes, *, submission: int | None = None
    ) -> None:
        """Release a zip of feedback on one submission, the trainee's latest by default (instructors)."""
        path = _lab(cohort, lab, f"feedback/{quote(trainee, safe='')}")
        self._ask("PUT", path, content=content, params=_about(submission))

    def feedback(self, cohort: str, lab: str, *, submission: int | None = None) -> bytes:
        """Return the caller's feedback as a zip, the latest by default; Refusal (404) when there is none."""
        return self._ask("GET", _lab(cohort, lab, "feedback"), params=_about(submission)).content

    def hint_cost(self, cohort: str) -> int:
        """Return what a hint costs in a cohort, in per cent of its question's points."""
        return int(self._ask("GET", f"cohorts/{quote(cohort, safe='')}/hint-cost").json()["cost"])

    def set_hint_cost(self, cohort: str, cost: int) -> None:
        """Set what each hint costs that is opened from now on (instructors)."""
        self._ask("PUT", f"cohorts/{quote(cohort, safe='')}/hint-cost", json={"cost": cost})

    def renew_passphrase(self, cohort: str, username: str) -> str:
        """Give one of the cohort's trainees a new passphrase and return it (instructors)."""
        path = f"cohorts/{quote(cohort, safe='')}/people/{quote(username, safe='')}/passphrase"
        return str(self._ask("PUT", path).json()["passphrase"])

    def key(self) -> bytes:
        """Return the public key that receipts are checked with, as PEM text."""
        return self._ask("GET", "key").content

    def _ask(self, method: str, path: str, **parts: Any) -> httpx.Response:
        if "content" in parts:
            parts["headers"] = {"Content-Type": "application/zip"}
        problem = ""
        for pause_s in (*self._pauses_s, None):
            try:
                answer = self._http.request(method, path, **parts)
            except httpx.TransportError as error:
                problem = str(error) or type(error).__name__
            else:
                if answer.status_code not in _AWAY:
                    return _granted(answer)
                problem = f"status {answer.status_code}"
            if pause_s is not None:
                self._sleep(pause_s)
        raise Unreachable(
            f"The exchange at {self._url} does not answer ({problem}). Your files are as they were. "
            "Try again in a minute; if this stays, tell the instructor."
        )


def _granted(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        sentence = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        sentence = (
            f"The exchange answered with status {answer.status_code}. Try again; if this stays, tell the operator."
        )
    raise Refusal(str(sentence), answer.status_code)


def _lab(cohort: str, lab: str, what: str) -> str:
    return f"cohorts/{quote(cohort, safe='')}/labs/{quote(lab, safe='')}/{what}"


def _about(submission: int | None) -> dict[str, int]:
    return {} if submission is None else {"submission": submission}
