"""Browser sessions of the workshop's pages: signed in through the hub, kept in memory."""

import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from csirtlab.web.gate_client import GateClient
from csirtlab.web.hub_api import HubApi, HubApiError

COOKIE = "csirtlab-workshop"
GATE_COOKIE = "csirtlab-gate"
SERVERS = "/user/"
MOST_SESSIONS = 20_000


@dataclass
class Sessions:
    """Maps a cookie to the hub's token of its user.

    The token is asked about at the hub each time: who signs out there is out here too. After a
    restart people are sent through the hub once more, which they do not notice.
    """

    hub: HubApi
    prefix: str
    gate: GateClient
    _tokens: dict[str, str] = field(default_factory=dict)
    _states: dict[str, str] = field(default_factory=dict)

    async def username(self, request: Request) -> str | None:
        """Return who asks; None without a session."""
        cookie = request.cookies.get(COOKIE, "")
        token = self._tokens.get(cookie)
        if token is None:
            return None
        try:
            return await self.hub.username_for_token(token)
        except HubApiError:
            self._tokens.pop(cookie, None)
            return None

    def to_sign_in(self, request: Request) -> Response:
        """Send a browser to the hub, and note where it wanted to go."""
        state = secrets.token_urlsafe(24)
        _make_room(self._states)
        query = f"?{request.url.query}" if request.url.query else ""
        self._states[state] = f"{request.url.path}{query}"
        answer = RedirectResponse(self.hub.sign_in_url(self._callback, state), status_code=302)
        # The state must come back in the browser that it was given to (RFC 6749, 10.12).
        answer.set_cookie(
            f"{COOKIE}-state",
            state,
            max_age=600,
            path=self.prefix,
            httponly=True,
            samesite="lax",
            secure=_came_by_tls(request),
        )
        return answer

    async def from_sign_in(self, request: Request) -> Response:
        """Take a browser back from the hub, give it a session, and send it where it wanted to go."""
        state = request.query_params.get("state", "")
        wanted = self._states.pop(state, None)
        if wanted is None or request.cookies.get(f"{COOKIE}-state") != state:
            return RedirectResponse(self.prefix, status_code=302)
        token = await self.hub.token_for_code(request.query_params.get("code", ""), self._callback)
        cookie = secrets.token_urlsafe(32)
        _make_room(self._tokens)
        self._tokens[cookie] = token
        answer = RedirectResponse(wanted, status_code=302)
        answer.delete_cookie(f"{COOKIE}-state", path=self.prefix)
        answer.set_cookie(
            COOKIE,
            cookie,
            path=self.prefix,
            httponly=True,
            samesite="lax",
            secure=_came_by_tls(request),
        )
        if not self.gate.origin:
            await self._let_through(request, answer, token)
        return answer

    async def lead_through(self, request: Request, owner: str, wanted: str) -> Response:
        """Send a browser that is signed in here to ``owner``'s server, with what the gate asks to see."""
        token = self._tokens[request.cookies[COOKIE]]
        if self.gate.origin:  # no cookie of ours reaches the other host
            return RedirectResponse(await self.gate.way_in(token, owner, wanted), status_code=302)
        answer = RedirectResponse(wanted, status_code=302)
        await self._let_through(request, answer, token)
        return answer

    async def _let_through(self, request: Request, answer: Response, token: str) -> None:
        """Give a browser the gate's cookie; its path keeps it from the hub and from here."""
        answer.set_cookie(
            GATE_COOKIE,
            await self.gate.cookie(token),
            path=SERVERS,
            httponly=True,
            samesite="lax",
            secure=_came_by_tls(request),
        )

    @property
    def _callback(self) -> str:
        return f"{self.gate.origin}{self.prefix}oauth_callback"


def _came_by_tls(request: Request) -> bool:
    return request.headers.get("x-forwarded-proto", "").startswith("https")


def _make_room(kept: dict[str, str]) -> None:
    while len(kept) >= MOST_SESSIONS:
        kept.pop(next(iter(kept)))
