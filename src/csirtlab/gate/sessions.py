"""Who is signed in: sessions of browsers and of tokens, as alive as the hub's token behind each."""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

REMEMBERED_S = 4.0
"""For how long the hub's word about a token counts: what it ends is over within these seconds."""

MOST_SESSIONS = 20_000
TICKET_S = 60.0
"""For how long a browser may take from one host to the next, where each server has one of its own."""


class HubAwayError(Exception):
    """The hub does not answer now, so it has not ended anything either."""


@dataclass(eq=False)
class Session:
    """Somebody's browser, or a program with a token. ``id`` names it to the relay and opens nothing by itself."""

    username: str
    token: str
    asked_at: float
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    is_over: bool = False
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


AskHub = Callable[[str], Awaitable[str | None]]
"""Returns whose a hub token is, None for one that is no more; HubAwayError when the hub does not say."""


class Sessions:
    """All of them, in memory; after a restart browsers are led through the workshop's page once more."""

    def __init__(self, ask_hub: AskHub, clock: Callable[[], float]) -> None:
        self._ask_hub = ask_hub
        self._clock = clock
        self._by_key: dict[str, Session] = {}
        self._by_id: dict[str, Session] = {}
        self._tickets: dict[str, tuple[float, str, str]] = {}  # until when, for whose server, a token of the hub

    def ticket(self, token: str, owner: str) -> str:
        """Return what opens a session once, at the host of ``owner``'s server, where no cookie of ours can reach."""
        while len(self._tickets) >= MOST_SESSIONS:
            self._tickets.pop(next(iter(self._tickets)))
        ticket = secrets.token_urlsafe(32)
        self._tickets[_key("ticket", ticket)] = (self._clock() + TICKET_S, owner, token)
        return ticket

    async def redeem(self, ticket: str, owner: str) -> str | None:
        """Return the cookie of a new session for a ticket; None if it was used, is too old or another server's.

        Raises:
            HubAwayError: The hub does not say whether its token still counts.
        """
        until, for_whom, token = self._tickets.pop(_key("ticket", ticket), (float("-inf"), "", ""))
        return await self.open(token) if self._clock() < until and for_whom == owner else None

    async def open(self, token: str) -> str | None:
        """Return the cookie of a new session for a token of the hub; None if the hub does not know that.

        Raises:
            HubAwayError: The hub does not say.
        """
        cookie = secrets.token_urlsafe(32)
        session = await self._begin(_key("cookie", cookie), token)
        return cookie if session else None

    async def of_cookie(self, cookie: str) -> Session | None:
        """Return the session of a browser's cookie; None when it is over or was none."""
        session = self._by_key.get(_key("cookie", cookie))
        return session if session and await self.is_alive(session) else None

    async def of_token(self, token: str) -> Session | None:
        """Return the session of a program that brings a token of the hub with each request.

        Raises:
            HubAwayError: The hub does not say whose a token is that was not seen before.
        """
        key = _key("token", token)
        session = self._by_key.get(key) or await self._begin(key, token)
        return session if session and await self.is_alive(session) else None

    def of_id(self, session_id: str) -> Session | None:
        """Return the session that an answer of the gate named; None when it is over."""
        return self._by_id.get(session_id)

    async def is_alive(self, session: Session) -> bool:
        """Return whether a session goes on; the hub is asked again when its word is older than ``REMEMBERED_S``."""
        async with session.asking:  # of many requests at once, one asks
            if not session.is_over and self._clock() - session.asked_at >= REMEMBERED_S:
                try:
                    is_known = await self._ask_hub(session.token) == session.username
                except HubAwayError:
                    is_known = True
                session.asked_at = self._clock()
                if not is_known:
                    self._end(session)
        return not session.is_over

    async def _begin(self, key: str, token: str) -> Session | None:
        username = await self._ask_hub(token)
        if username is None:
            return None
        while len(self._by_key) >= MOST_SESSIONS:
            self._end(next(iter(self._by_key.values())))
        session = Session(username, token, self._clock())
        self._by_key[key] = session
        self._by_id[session.id] = session
        return session

    def _end(self, session: Session) -> None:
        session.is_over = True
        self._by_id.pop(session.id, None)
        for key in [key for key, other in self._by_key.items() if other is session]:
            del self._by_key[key]


def _key(kind: str, secret: str) -> str:
    # Not the secret itself: looking it up takes as long whatever its first letters are.
    return f"{kind}:{hashlib.sha256(secret.encode()).hexdigest()}"
