"""What somebody sees whom the gate does not let pass: the way to sign in, or why this is not for them.

nginx asks for these pages in the place of what a browser wanted, which it names in ``X-Gate-Wanted``.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from csirtlab.cohorts.store import Account
from csirtlab.origins import origin_of

if TYPE_CHECKING:
    from csirtlab.web.app import Workshop

WANTED = re.compile(r"/user/(?P<owner>[a-z][a-z0-9._-]{1,31})(?:[/?][!-\[\]-~]*)?")

PROBLEMS = {
    400: HTTPException(400, "This address is not written as ours are. Go back to the labs and open it from there."),
    403: HTTPException(403, "This server belongs to somebody else. Your own labs are on your own page."),
    404: HTTPException(404, "There is nothing at this address. Go back to the labs and open it from there."),
    413: HTTPException(413, "This is too large to be taken. Upload smaller files, of less than 100 MB each."),
    429: HTTPException(429, "Too many tries from this network. Wait a minute, then try again."),
}
NO_ONE = HTTPException(401, "The session has ended. Go back to the labs and sign in again.")


async def entrance(workshop: "Workshop", request: Request) -> Response:
    """Lead a browser that nobody has signed in to the page that does; tell a program 401."""
    wanted = request.headers.get("x-gate-wanted", "")
    is_page = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    if request.headers.get("x-gate-method", "GET") != "GET" or not is_page or not WANTED.fullmatch(wanted):
        raise NO_ONE
    enter = f"{workshop.sessions.gate.origin}{workshop.prefix}enter?next={quote(wanted, safe='')}"
    return RedirectResponse(enter, status_code=302)


async def elsewhere(workshop: "Workshop", request: Request) -> Response:
    """Lead a browser from our own host to that of the server which it wants."""
    wanted = request.headers.get("x-gate-wanted", "")
    found = WANTED.fullmatch(wanted)
    if found is None or not workshop.sessions.gate.origin or request.headers.get("x-gate-method", "GET") != "GET":
        raise PROBLEMS[404]
    return RedirectResponse(f"{origin_of(found['owner'], workshop.sessions.gate.origin)}{wanted}", status_code=302)


async def enter(workshop: "Workshop", request: Request, _account: Account) -> Response:
    """Take a browser that is signed in here to the server that it wanted."""
    wanted = request.query_params.get("next", "")
    found = WANTED.fullmatch(wanted)
    if found is None:
        raise PROBLEMS[400]
    return await workshop.sessions.lead_through(request, found["owner"], wanted)


async def problem(request: Request) -> Response:
    """Say why something was refused before it reached anybody."""
    raise PROBLEMS.get(request.path_params["status"], PROBLEMS[404])
