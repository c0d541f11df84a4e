"""The question before each request, asked by nginx: may it pass to this server?"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from csirtlab.gate.rights import Rights
from csirtlab.gate.sessions import HubAwayError, Session, Sessions

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


@dataclass(frozen=True)
class Gate:
    """The gate as an ASGI application, on a socket that nginx and the workshop's service reach.

    ``GET /`` with ``X-Gate-Owner``, and ``X-Gate-Cookie`` or ``Authorization``: nginx's question.
    ``POST /sessions`` with a token of the hub: the workshop's service has signed somebody in.
    """

    sessions: Sessions
    rights: Rights

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        if scope["path"] == "/sessions" and scope["method"] == "POST":
            answer = await self.open_session(await _body(receive))
        else:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            answer = await self.decide(
                headers.get("x-gate-owner", ""), headers.get("x-gate-cookie", ""), headers.get("authorization", "")
            )
        head = [(b"content-length", str(len(answer.body)).encode())]
        if answer.session:
            head.append((b"x-gate-session", answer.session.encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        await send({"type": "http.response.body", "body": answer.body.encode()})

    async def decide(self, owner: str, cookie: str, authorization: str) -> Answer:
        """Decide about a request to ``owner``'s server."""
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
