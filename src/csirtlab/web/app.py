"""The workshop's pages: labs, feedback, the way to the formgrader; with the exchange beside them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from csirtlab.cohorts.create import cohort_account
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import Account, Store
from csirtlab.errors import CsirtlabError
from csirtlab.exchange.store import ExchangeStore
from csirtlab.languages import Language
from csirtlab.web.entrance import elsewhere, enter, entrance, problem
from csirtlab.web.feedback import feedback_page
from csirtlab.web.gate_client import GateClient
from csirtlab.web.hub_api import HubApi
from csirtlab.web.labs_page import sections
from csirtlab.web.pages import POLICY, STATIC, page, preferred_language
from csirtlab.web.sessions import Sessions

FEEDBACK_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
"""Feedback shows a trainee's own output: as a page without scripts, of no origin."""


@dataclass(frozen=True)
class Workshop:
    """What the pages stand on."""

    prefix: str  # /services/workshop/
    exchange_store: ExchangeStore
    store: Store
    content: Path
    hub: HubApi
    sessions: Sessions
    is_unsafe: bool

    def render(self, template: str, language: Language, values: Mapping[str, object]) -> HTMLResponse:
        """Return one of the pages, in ``language``."""
        shared = {"prefix": self.prefix, "is_unsafe": self.is_unsafe}
        return HTMLResponse(page(template, language, {**shared, **values}), headers={"Content-Security-Policy": POLICY})


Page = Callable[[Workshop, Request, Account], Awaitable[Response]]


def workshop_app(
    *, prefix: str, exchange: ASGIApp, exchange_store: ExchangeStore, store: Store, content: Path, hub: HubApi,
    gate: GateClient, is_unsafe: bool,
) -> Starlette:  # fmt: skip
    """Return the application that serves everything under ``prefix``."""
    sessions = Sessions(hub, prefix, gate)
    workshop = Workshop(prefix, exchange_store, store, content, hub, sessions, is_unsafe)

    def signed_in(show: Page) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            username = await sessions.username(request)
            if username is None:
                return sessions.to_sign_in(request)
            account = await run_in_threadpool(store.account, username)
            if account is None:
                raise HTTPException(403, "This account is in no cohort. Ask the operator to add it.")
            return await show(workshop, request, account)

        return endpoint

    inner = Starlette(
        routes=[
            Route("/", signed_in(_labs)),
            Route("/oauth_callback", sessions.from_sign_in),
            Route("/formgrader/{cohort}", signed_in(_formgrader)),
            Route("/noticed/{cohort}", signed_in(_noticed)),
            Route("/feedback/{cohort}/{lab}", signed_in(_feedback)),
            Route("/feedback/{cohort}/{lab}/{submission:int}", signed_in(_feedback)),
            Route("/receipt/{cohort}/{lab}", signed_in(_receipt)),
            Route("/enter", signed_in(enter)),
            Route("/entrance", partial(entrance, workshop)),
            Route("/elsewhere", partial(elsewhere, workshop)),
            Route("/problem/{status:int}", problem),
            Mount("/static", StaticFiles(directory=STATIC)),
            Mount("/exchange", exchange),
        ],
        exception_handlers={HTTPException: _refusal(workshop), CsirtlabError: _failure(workshop)},
    )
    return Starlette(routes=[Mount(prefix.rstrip("/"), inner)])


def _refusal(workshop: Workshop) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        language = preferred_language(request.headers.get("accept-language", ""))
        shown = workshop.render("problem.html", language, {"message": error.detail})
        shown.status_code = error.status_code
        return shown

    return answer


def _failure(workshop: Workshop) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        language = preferred_language(request.headers.get("accept-language", ""))
        shown = workshop.render("problem.html", language, {"message": str(error)})
        shown.status_code = 503
        return shown

    return answer


async def _labs(workshop: Workshop, _request: Request, account: Account) -> Response:
    found = await run_in_threadpool(sections, workshop.store, workshop.exchange_store, workshop.content, account)
    values = {"account": account, "sections": found, "instructor": Role.INSTRUCTOR}
    return workshop.render("labs.html", Language(account.language), values)


async def _formgrader(workshop: Workshop, request: Request, account: Account) -> Response:
    if not await _is_instructor(workshop, request, account):
        raise HTTPException(403, "The formgrader is for the instructors of this cohort.")
    return await _cohorts_server(workshop, request, account, "formgrader/manage_assignments")


async def _noticed(workshop: Workshop, request: Request, account: Account) -> Response:
    if not await _is_instructor(workshop, request, account):
        raise HTTPException(403, "What grading noticed is for the instructors of this cohort.")
    return await _cohorts_server(workshop, request, account, "csirtlab/grading")


async def _is_instructor(workshop: Workshop, request: Request, account: Account) -> bool:
    cohort = str(request.path_params["cohort"])
    return await run_in_threadpool(workshop.store.role, cohort, account.username) is Role.INSTRUCTOR


async def _cohorts_server(workshop: Workshop, request: Request, account: Account, place: str) -> Response:
    """Lead an instructor to a place on the cohort's own server, which is started for them."""
    cohort = str(request.path_params["cohort"])
    server = cohort_account(cohort)
    if await workshop.hub.ensure_server(server):
        await workshop.hub.let_in(server, account.username)
        return RedirectResponse(f"/user/{server}/{place}", status_code=302)
    return workshop.render("starting.html", Language(account.language), {"account": account, "cohort": cohort})


async def _feedback(workshop: Workshop, request: Request, account: Account) -> Response:
    cohort, lab = str(request.path_params["cohort"]), str(request.path_params["lab"])
    wanted = request.path_params.get("submission")
    html = await run_in_threadpool(feedback_of, workshop.exchange_store, cohort, lab, account.username, wanted)
    if html is None:
        raise HTTPException(404, "There is no feedback on this lab yet. Your instructor releases it after grading.")
    return HTMLResponse(html, headers={"Content-Security-Policy": FEEDBACK_POLICY})


def feedback_of(store: ExchangeStore, cohort: str, lab: str, username: str, wanted: int | None) -> bytes | None:
    """Return the page on one of somebody's own submissions, by default on the latest that has one."""
    for submission in reversed(store.index.submissions(cohort, lab, username)):
        given = store.index.feedback(submission.position) if wanted in (None, submission.position) else None
        if given and (page := feedback_page(store, given)):
            return page
    return None


async def _receipt(workshop: Workshop, request: Request, account: Account) -> Response:
    cohort, lab = str(request.path_params["cohort"]), str(request.path_params["lab"])
    own = workshop.exchange_store.index.submissions(cohort, lab, account.username)
    if not own:
        raise HTTPException(404, "You have not submitted this lab yet. Open it, answer, and submit.")
    receipt = await run_in_threadpool(workshop.exchange_store.receipt, own[-1])
    return Response(
        receipt.to_json(),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="receipt-{lab}-{receipt.position}.json"'},
    )
