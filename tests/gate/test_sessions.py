"""Sessions live as long as the hub's token behind them."""

import asyncio

import pytest
from tests.gate.conftest import Clock, TokensOfHub

from csirtlab.gate.sessions import MOST_SESSIONS, REMEMBERED_S, HubAwayError, Sessions


async def test_a_cookie_opens_the_session_of_its_owner(sessions: Sessions) -> None:
    cookie = await sessions.open("token-of-ana")

    assert cookie is not None
    found = await sessions.of_cookie(cookie)
    assert found and found.username == "ana"
    assert await sessions.of_cookie(cookie[:-1]) is None


async def test_a_token_that_the_hub_does_not_know_opens_nothing(sessions: Sessions) -> None:
    assert await sessions.open("stolen") is None
    assert await sessions.of_token("stolen") is None


async def test_a_session_is_over_seconds_after_its_token(sessions: Sessions, hub: TokensOfHub, clock: Clock) -> None:
    cookie = await sessions.open("token-of-ana") or ""
    session = await sessions.of_cookie(cookie)
    del hub.names["token-of-ana"]
    assert await sessions.of_cookie(cookie)

    clock.now += REMEMBERED_S

    assert await sessions.of_cookie(cookie) is None
    assert session and session.is_over and sessions.of_id(session.id) is None


async def test_a_token_that_became_somebody_elses_is_over(sessions: Sessions, hub: TokensOfHub, clock: Clock) -> None:
    cookie = await sessions.open("token-of-ana") or ""
    hub.names["token-of-ana"] = "ben"
    clock.now += REMEMBERED_S

    assert await sessions.of_cookie(cookie) is None


async def test_of_many_requests_at_once_one_asks_the_hub(sessions: Sessions, hub: TokensOfHub, clock: Clock) -> None:
    cookie = await sessions.open("token-of-ana") or ""
    clock.now += REMEMBERED_S

    await asyncio.gather(*(sessions.of_cookie(cookie) for _ in range(50)))

    assert len(hub.asked) == 2  # when it was opened, and now


async def test_while_the_hub_is_away_nobody_is_cut_off_and_nobody_new_comes_in(clock: Clock) -> None:
    class Hub(TokensOfHub):
        is_away = False

        async def username(self, token: str) -> str | None:
            if self.is_away:
                raise HubAwayError
            return await super().username(token)

    hub = Hub()
    sessions = Sessions(hub.username, clock)
    cookie = await sessions.open("token-of-ana") or ""
    hub.is_away = True
    clock.now += REMEMBERED_S

    assert await sessions.of_cookie(cookie)
    with pytest.raises(HubAwayError):
        await sessions.open("token-of-ben")


async def test_the_oldest_session_makes_room(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_SESSIONS >= 1000
    monkeypatch.setattr("csirtlab.gate.sessions.MOST_SESSIONS", 3)
    sessions = Sessions(TokensOfHub().username, clock)

    cookies = [await sessions.open("token-of-ana") or "" for _ in range(4)]

    assert [bool(await sessions.of_cookie(cookie)) for cookie in cookies] == [False, True, True, True]
