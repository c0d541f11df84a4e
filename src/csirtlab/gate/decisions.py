"""The question before each request, asked by nginx: may it pass to this server?"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from csirtlab.gate.rights import Rights
from csirtlab.gate.sessions import HubAwayError, Session, Sessions
from csirtlab.origins import host_of

COOKIE = "csirtlab-gate"
WANTED = re.compile(r"/user/(?P<owner>[a-z][a-z0-9._-]{1,31})(?:[/?][!-\[\]-~]*)?")
"""An address on somebody's server, as a browser is sent there."""

LONGEST_BODY_B = 4096

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """A status for nginx: 204 pass, 401 sign in first, 403 not yours, 503 ask again."""

    status: int
    session: str = ""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """The gate as an ASGI application, on a socket that nginx and the workshop's service reach.

    ``GET /`` with ``X-Gate-Owner``, and ``X-Gate-Cookie`` or ``Authorization``: nginx's question.
    ``POST /sessions`` with a token of the hub: the workshop's service has signed somebody in.
    ``POST /tickets/OWNER``, likewise, and ``GET /enter``: the same where each server has a host of its own.
    ``origin`` is that of the hub's own pages then, and empty otherwise.
    """

    sessions: Sessions
    rights: Rights
    origin: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        owner, host = headers.get("x-gate-owner", ""), headers.get("x-gate-host", "")
        match scope["method"], scope["path"].split("/"):
            case "POST", ["", "sessions"]:
                answer = await self.open_session(await _body(receive))
            case "POST", ["", "tickets", for_whom]:
                answer = Answer(201, body=self.sessions.ticket(await _body(receive), for_whom))
            case "GET", ["", "enter"]:
                query = parse_qs(scope["query_string"].decode("latin-1"))
                answer = await self.enter(query, host, is_secure=headers.get("x-scheme") == "https")
            case _:
                cookie = headers.get("x-gate-cookie", "")
                answer = await self.decide(owner, cookie, headers.get("authorization", ""), host)
        head = [(b"content-length", str(len(answer.body)).encode())]
        head += [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        if answer.session:
            head.append((b"x-gate-session", answer.session.encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        await send({"type": "http.response.body", "body": answer.body.encode()})

    async def decide(self, owner: str, cookie: str, authorization: str, host: str = "") -> Answer:
        """Decide about a request to ``owner``'s server, which came to ``host``."""
        if self.origin and host != host_of(owner, self.origin):
            return Answer(403)
        try:
            session = await self._session(cookie, authorization)
        except HubAwayError:
            return Answer(503)
        if session is None:
            return Answer(401)
        if not owner or not await self.rights.may_enter(session.username, owner):
            return Answer(403)
        return Answer(204, session.id)

    async def open_session(self, token: str) -> Answer:
        """Open a session for somebody whom the workshop's service has signed in; the body is the cookie."""
        try:
            cookie = await self.sessions.open(token) if token else None
        except HubAwayError:
            return Answer(503)
        return Answer(201, body=cookie) if cookie else Answer(403)

    async def enter(self, query: Mapping[str, list[str]], host: str, *, is_secure: bool) -> Answer:
        """Give a browser that comes from the hub's host with a ticket the cookie of this one."""
        (ticket, *_), (wanted, *_) = query.get("ticket", [""]), query.get("next", [""])
        found = WANTED.fullmatch(wanted)
        if not self.origin or found is None or host != host_of(found["owner"], self.origin):
            return Answer(403)
        try:
            cookie = await self.sessions.redeem(ticket, found["owner"])
        except HubAwayError:
            return Answer(503)
        if cookie is None:
            return Answer(403)
        attributes = f"Path=/user/; HttpOnly; SameSite=Lax{'; Secure' if is_secure else ''}"
        return Answer(302, headers={"location": wanted, "set-cookie": f"{COOKIE}={cookie}; {attributes}"})

    async def _session(self, cookie: str, authorization: str) -> Session | None:
        # A browser's cookie first: JupyterLab's own requests may carry a token of the server's, which the hub
        # does not know.
        session = await self.sessions.of_cookie(cookie) if cookie else None
        if session is None and authorization:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() in ("token", "bearer") and token.strip():
                session = await self.sessions.of_token(token.strip())
        return session


async def _body(receive: Receive) -> str:
    body = bytearray()
    while len(body) <= LONGEST_BODY_B:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body.decode("latin-1")
    return ""
