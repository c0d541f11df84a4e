"""The exchange over HTTP: identity from the hub's token alone, every refusal a sentence with the way out."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from csirtlab.content.labs import LAB_NAME
from csirtlab.errors import CsirtlabError, ExchangeError
from csirtlab.exchange.entries import Entry, time_text
from csirtlab.exchange.limits import FEEDBACK_LIMIT, HINT_REQUEST_LIMIT, MIB, RELEASE_LIMIT, SUBMISSION_LIMIT
from csirtlab.exchange.looker import HANDS, Looker
from csirtlab.exchange.objects import Incoming
from csirtlab.exchange.places import Places
from csirtlab.exchange.receipts import public_pem
from csirtlab.exchange.refusals import Refusal
from csirtlab.exchange.store import ExchangeStore
from csirtlab.exchange.turns import Turns

_MOST_HINTS = 99

Identify = Callable[[str], Awaitable[str | None]]
"""Returns the username that a hub token belongs to; None for a token that the hub does not know."""


class Directory(Protocol):
    """Who is in which cohort. Called in threads."""

    def role(self, cohort: str, username: str) -> str | None:
        """Return "trainee", "instructor", or None: not in that cohort, or no such cohort."""
        ...

    def cohorts_of(self, username: str) -> Sequence[str]:
        """Return the cohorts in which a person has a role."""
        ...

    def trainees(self, cohort: str) -> Sequence[str]:
        """Return the usernames of a cohort's trainees."""
        ...

    def renew_passphrase(self, cohort: str, username: str) -> str:
        """Return a trainee's new passphrase; CsirtlabError when an instructor of the cohort may not renew it."""
        ...


@dataclass(frozen=True)
class LabFolder:
    """A person's own folder of a lab."""

    content: bytes  # a zip file
    case: str  # the digest of the case, secret-keyed: it tells one from another and nothing else


class Cases(Protocol):
    """What a trainee gets of a released lab. Called in threads."""

    def title(self, cohort: str, lab: str, trainee: str) -> str:
        """Return the lab's title in the person's language."""
        ...

    def lab_folder(self, cohort: str, lab: str, trainee: str, release: Path) -> LabFolder:
        """Return the person's own folder of the lab; ``release`` is the released folder as a zip file."""
        ...

    def hints(self, lab: str, question: str, trainee: str) -> Sequence[str]:
        """Return the hints to a question in the person's language; LookupError for an unknown question."""
        ...


def exchange_app(store: ExchangeStore, identify: Identify, directory: Directory, cases: Cases) -> Starlette:
    """Return the exchange as an application, to be mounted where the hub's proxy expects the service."""
    exchange = _Exchange(store, identify, directory, cases)
    lab = "/cohorts/{cohort}/labs/{lab}"
    routes = [
        Route("/key", exchange.key),
        Route("/labs", exchange.labs),
        Route(f"{lab}/folder", exchange.folder),
        Route(f"{lab}/submissions", exchange.submissions),
        Route(f"{lab}/submissions", exchange.submit, methods=["POST"]),
        Route("/cohorts/{cohort}/submissions/{id:int}", exchange.submission),
        Route(f"{lab}/hints", exchange.hints),
        Route(f"{lab}/hints/{{question}}", exchange.show_hint, methods=["POST"]),
        Route("/cohorts/{cohort}/hint-cost", exchange.hint_cost),
        Route("/cohorts/{cohort}/hint-cost", exchange.set_hint_cost, methods=["PUT"]),
        Route("/cohorts/{cohort}/people/{username}/passphrase", exchange.renew_passphrase, methods=["PUT"]),
        Route(f"{lab}/release", exchange.release, methods=["PUT"]),
        Route(f"{lab}/release", exchange.withdraw, methods=["DELETE"]),
        Route(f"{lab}/feedback", exchange.feedback),
        Route(f"{lab}/feedback/{{trainee}}", exchange.give_feedback, methods=["PUT"]),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={CsirtlabError: _refused, HTTPException: _no_such_address, ClientDisconnect: _gone},
    )


class _Exchange:
    """The endpoints, over what they need."""

    def __init__(self, store: ExchangeStore, identify: Identify, directory: Directory, cases: Cases) -> None:
        self._store = store
        self._identify = identify
        self._directory = directory
        self._cases = cases
        # Few at a time: 20 MiB of hostile JSON can take half a gigabyte while it is parsed.
        self._looker = Looker()
        self._turns = Turns(HANDS)
        self._places = Places()

    async def key(self, _: Request) -> Response:
        """GET /key: the public key that receipts are checked with."""
        return PlainTextResponse(public_pem(self._store.public_key), media_type="application/x-pem-file")

    async def labs(self, request: Request) -> Response:
        """GET /labs: what the caller has, over all their cohorts."""
        return JSONResponse(await run_in_threadpool(self._labs_of, await self._caller(request)))

    async def folder(self, request: Request) -> Response:
        """GET .../folder: the lab with the caller's own case."""
        username, _ = await self._member(request)
        cohort, lab = _lab(request)
        release = self._released(cohort, lab)
        folder = await run_in_threadpool(self._cases.lab_folder, cohort, lab, username, self._store.content(release))
        await run_in_threadpool(self._store.hand_out, cohort, lab, username, folder.case)
        return Response(folder.content, media_type="application/zip")

    async def submissions(self, request: Request) -> Response:
        """GET .../submissions: the caller's own; an instructor gets everybody's."""
        username, role = await self._member(request)
        cohort, lab = _lab(request)
        whose = None if role == "instructor" else username
        trainees = set(await run_in_threadpool(self._directory.trainees, cohort))
        entries = self._store.index.submissions(cohort, lab, whose)
        listed = [{**self._told(entry), "is_trainee": entry.trainee in trainees} for entry in entries]
        return JSONResponse({"submissions": listed})

    async def submit(self, request: Request) -> Response:
        """POST .../submissions: keep the caller's work; the answer is the receipt."""
        username, _ = await self._member(request)
        cohort, lab = _lab(request)
        self._released(cohort, lab)
        way_out = "Clear the notebook's outputs (Edit, Clear Outputs of All Cells), take large files out of the folder"
        async with self._checked(request, username, SUBMISSION_LIMIT, f"{way_out}, then submit again.", lab) as content:
            receipt = await run_in_threadpool(self._store.submit, cohort, lab, username, content)
        return JSONResponse(receipt.plain(), 201)

    async def submission(self, request: Request) -> Response:
        """GET /cohorts/C/submissions/ID: one submission's zip file, for its owner and the cohort's instructors."""
        username, role = await self._member(request)
        entry = self._store.index.submission(request.path_params["id"])
        if entry is None or entry.cohort != request.path_params["cohort"]:
            raise Refusal("There is no such submission in this cohort. The lab's page lists those that there are.", 404)
        if role != "instructor" and entry.trainee != username:
            raise Refusal("This submission belongs to somebody else. The lab's page lists your own.", 403)
        return FileResponse(self._store.content(entry), media_type="application/zip")

    async def release(self, request: Request) -> Response:
        """PUT .../release: give the lab to the cohort."""
        username = await self._instructor(request)
        cohort, lab = _lab(request)
        way_out = "Take large files out of the release folder."
        async with self._checked(request, username, RELEASE_LIMIT, way_out, lab) as content:
            entry = await run_in_threadpool(self._store.release, cohort, lab, username, content)
        return JSONResponse({"released": time_text(entry.time), "content": entry.content})

    async def withdraw(self, request: Request) -> Response:
        """DELETE .../release: take the lab back; submissions stay."""
        username = await self._instructor(request)
        await run_in_threadpool(self._store.withdraw, *_lab(request), username)
        return Response(status_code=204)

    async def give_feedback(self, request: Request) -> Response:
        """PUT .../feedback/TRAINEE: on the submission at ``?submission=POSITION``, else on their latest."""
        username = await self._instructor(request)
        about = self._judged(request)
        way_out = "Leave out what is not feedback."
        async with self._checked(request, username, FEEDBACK_LIMIT, way_out, None) as content:
            entry = await run_in_threadpool(self._store.give_feedback, about, username, content)
        return JSONResponse({"released": time_text(entry.time), "content": entry.content, "submission": entry.about})

    async def feedback(self, request: Request) -> Response:
        """GET .../feedback: the caller's own, on ``?submission=POSITION``, else the latest that there is."""
        username, _ = await self._member(request)
        wanted = _position(request)
        for entry in reversed(self._store.index.submissions(*_lab(request), username)):
            given = self._store.index.feedback(entry.position)
            if given and wanted in (None, entry.position):
                return FileResponse(self._store.content(given), media_type="application/zip")
        raise Refusal("There is no feedback for you here yet. It comes when the instructor releases it.", 404)

    async def show_hint(self, request: Request) -> Response:
        """POST .../hints/QUESTION: the caller's hints so far, and the next one if they ask for it.

        The body is ``{"number": N, "agreed": true}``. What is shown is on disk before it is answered.
        """
        username, _ = await self._member(request)
        cohort, lab = _lab(request)
        self._released(cohort, lab)
        asked, question = await _small_json(request), request.path_params["question"]
        number = asked.get("number")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MOST_HINTS:
            raise Refusal('Say which hint you ask for: {"number": 1}.')
        try:
            texts = await run_in_threadpool(self._cases.hints, lab, question, username)
        except LookupError:
            raise Refusal(
                f"This lab has no question {question[:60]!r}. Its notebook names those it has.", 404
            ) from None
        shown = await run_in_threadpool(
            lambda: self._store.show_hint(
                cohort, lab, username, question, number=number, count=len(texts), agreed=asked.get("agreed") is True
            )
        )
        return JSONResponse(
            {
                "hints": texts[: len(shown)],
                "count": len(texts),
                "cost": self._store.index.hint_cost(cohort) / 100,
                "paid": sum(entry.cost or 0 for entry in shown) / 100,
            }
        )

    async def hints(self, request: Request) -> Response:
        """GET .../hints: which hints the caller has seen; an instructor gets everybody's."""
        username, role = await self._member(request)
        whose = None if role == "instructor" else username
        listed = [
            {
                "trainee": entry.trainee,
                "question": entry.question,
                "number": entry.number,
                "cost": entry.cost,
                "time": time_text(entry.time),
            }
            for entry in self._store.index.hints(*_lab(request), whose)
        ]
        return JSONResponse({"hints": listed})

    async def hint_cost(self, request: Request) -> Response:
        """GET /cohorts/C/hint-cost: what a hint costs, in per cent of its question's points."""
        await self._member(request)
        return JSONResponse({"cost": self._store.index.hint_cost(request.path_params["cohort"])})

    async def set_hint_cost(self, request: Request) -> Response:
        """PUT /cohorts/C/hint-cost: ``{"cost": N}`` for hints opened from now on; those seen keep their price."""
        username = await self._instructor(request)
        cost = (await _small_json(request)).get("cost")
        if not isinstance(cost, int) or isinstance(cost, bool):
            raise Refusal('Give the cost in per cent of the question\'s points: {"cost": 10}.')
        await run_in_threadpool(self._store.set_hint_cost, request.path_params["cohort"], username, cost)
        return JSONResponse({"cost": cost})

    async def renew_passphrase(self, request: Request) -> Response:
        """PUT /cohorts/C/people/USERNAME/passphrase: a new one for a trainee, told once; what they have open ends."""
        await self._instructor(request)
        cohort, username = request.path_params["cohort"], request.path_params["username"]
        try:
            passphrase = await run_in_threadpool(self._directory.renew_passphrase, cohort, username)
        except CsirtlabError as error:
            raise Refusal(str(error), 403) from error
        return JSONResponse({"username": username, "passphrase": passphrase}, headers={"Cache-Control": "no-store"})

    async def _caller(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        username = await self._identify(token) if scheme.lower() in ("bearer", "token") and token else None
        if username is None:
            raise Refusal(
                "The exchange does not know who you are. Sign in to the hub, and restart your server if this goes on.",
                401,
            )
        return username

    async def _member(self, request: Request) -> tuple[str, str]:
        """Return the caller and their role in the cohort of the address; nobody else gets past."""
        username = await self._caller(request)
        cohort = request.path_params["cohort"]
        role = await run_in_threadpool(self._directory.role, cohort, username)
        if role is None:
            raise Refusal(f'You are not in the cohort "{cohort}". Ask its instructor to put you on the roster.', 403)
        return username, role

    async def _instructor(self, request: Request) -> str:
        username, role = await self._member(request)
        if role != "instructor":
            raise Refusal("Only an instructor of this cohort may do this. Ask one of them.", 403)
        return username

    def _released(self, cohort: str, lab: str) -> Entry:
        release = self._store.index.release(cohort, lab)
        if release is None:
            raise Refusal(
                f'The lab "{lab}" is not released in "{cohort}". Keep your work, and ask the instructor to release it.',
                404,
            )
        return release

    def _judged(self, request: Request) -> Entry:
        """Return the submission that a feedback is about."""
        trainee, wanted = request.path_params["trainee"], _position(request)
        for entry in reversed(self._store.index.submissions(*_lab(request), trainee)):
            if wanted in (None, entry.position):
                return entry
        raise Refusal(
            f'"{trainee}" has no such submission to this lab. Collect again and regrade, then release the feedback.',
            404,
        )

    @asynccontextmanager
    async def _checked(
        self, request: Request, username: str, limit: int, way_out: str, lab: str | None
    ) -> AsyncIterator[Incoming]:
        """Receive the body and look at it in its sender's turn: the folder of a lab, or feedback (None)."""
        place = ExitStack()
        try:
            place.enter_context(self._places.place(username))
        except Refusal:
            await _drain(request)
            raise
        with place:
            content = await self._received(request, limit, way_out)
            with content:
                # What was taken from them last is known to be harmless.
                if lab is None or content.digest != self._latest(request.path_params["cohort"], lab, username):
                    async with self._turns.turn(username):
                        if lab is None:
                            await run_in_threadpool(self._looker.check_feedback, content.path)
                        else:
                            await run_in_threadpool(self._looker.check_lab, content.path, lab)
                yield content

    def _latest(self, cohort: str, lab: str, username: str) -> str | None:
        own = self._store.index.submissions(cohort, lab, username)
        return own[-1].content if own else None

    async def _received(self, request: Request, limit: int, way_out: str) -> Incoming:
        """Stream the body into a file aside, whatever its headers promise."""
        content = self._store.receive(limit=limit, too_large=f"At most {limit // MIB} MiB are taken. {way_out}")
        try:
            await _stream(request, content)
            await run_in_threadpool(content.finish)
        except BaseException:
            content.__exit__(None, None, None)
            raise
        return content

    def _labs_of(self, username: str) -> dict[str, Any]:
        labs = []
        for cohort in self._directory.cohorts_of(username):
            role = self._directory.role(cohort, username)
            for lab in self._store.index.labs(cohort) if role else ():
                release = self._store.index.release(cohort, lab)
                own = [self._told(entry) for entry in self._store.index.submissions(cohort, lab, username)]
                if release or own or role == "instructor":
                    labs.append(
                        {
                            "cohort": cohort,
                            "lab": lab,
                            "title": self._cases.title(cohort, lab, username),
                            "role": role,
                            "released": time_text(release.time) if release else None,
                            "submissions": own,
                            "feedback": any(told["feedback"] for told in own),
                        }
                    )
        return {"username": username, "labs": labs}

    def _told(self, entry: Entry) -> dict[str, Any]:
        judged = self._store.index.feedback(entry.position)
        return {
            "id": entry.position,
            "trainee": entry.trainee,
            "time": time_text(entry.time),
            "content": entry.content,
            "receipt": self._store.receipt(entry).plain(),
            "hints": self._hints_before(entry),
            "case": given.case if (given := self._case_before(entry)) else None,
            "feedback": {"released": time_text(judged.time), "content": judged.content} if judged else None,
        }

    def _case_before(self, submission: Entry) -> Entry | None:
        return self._store.index.case(
            submission.cohort, submission.lab, submission.trainee, before=submission.position
        )  # fmt: skip

    def _hints_before(self, submission: Entry) -> dict[str, list[int]]:
        """Return the prices of the hints that the trainee had seen when they submitted, by question."""
        prices: dict[str, list[int]] = {}
        for entry in self._store.index.hints(
            submission.cohort, submission.lab, submission.trainee, before=submission.position
        ):
            prices.setdefault(entry.question or "", []).append(entry.cost or 0)
        return prices


async def _small_json(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > HINT_REQUEST_LIMIT:
            raise Refusal(f"At most {HINT_REQUEST_LIMIT} bytes are taken here.", 413)
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise Refusal("The body is no JSON object. Use csirtlab's own client.")
    return parsed


def _lab(request: Request) -> tuple[str, str]:
    cohort, lab = request.path_params["cohort"], request.path_params["lab"]
    if not LAB_NAME.fullmatch(lab):
        raise Refusal(f"{lab[:60]!r} is not the name of a lab: small letters, digits and hyphens.", 404)
    return cohort, lab


def _position(request: Request) -> int | None:
    text = request.query_params.get("submission")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Refusal(f"submission={text[:60]!r} is not the number of a submission. Use the id that the list gives.")
    return int(text)


DRAIN = 256 * MIB
"""How much of a body that is too large is still read: a client that is cut off never sees the reason."""


async def _stream(request: Request, content: Incoming) -> None:
    """Write the body to ``content`` in pieces of about a MiB; what is too large is read on and thrown away."""
    refusal: ExchangeError | None = None
    piece, seen = bytearray(), 0
    async for chunk in request.stream():
        seen += len(chunk)
        if refusal:
            if seen > DRAIN:
                break
            continue
        piece += chunk
        try:
            if len(piece) >= MIB:
                await run_in_threadpool(content.write, bytes(piece))
                piece.clear()
        except ExchangeError as error:
            refusal = error
    if refusal:
        raise refusal
    await run_in_threadpool(content.write, bytes(piece))


async def _drain(request: Request) -> None:
    """Read on what nobody will look at, up to a point."""
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > DRAIN:
            break


async def _refused(_: Request, error: Exception) -> Response:
    status = getattr(error, "status", 500)
    return JSONResponse({"error": str(error)}, status)


async def _no_such_address(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = f"{error.detail}. The exchange has no such address, or not for this method; GET /labs lists yours."
    return JSONResponse({"error": sentence}, error.status_code, headers=error.headers)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it: the client closed the connection halfway
