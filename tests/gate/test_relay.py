"""Sockets are carried for who may, and cut when the right to them ends, others unnoticed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.gate.conftest import Clock, TokensOfHub, echo

from csirtlab.gate import relay as relay_module
from csirtlab.gate.relay import Relay, read_head
from csirtlab.gate.rights import Rights
from csirtlab.gate.sessions import REMEMBERED_S, Sessions
from csirtlab.sockets import Sockets, listen


def test_the_server_does_not_see_what_nginx_tells_the_relay() -> None:
    head = read_head(
        b"GET /user/ana/ws HTTP/1.1\r\nHost: x\r\nX-Gate-Owner: ana\r\nX-Gate-Session: 12\r\nUpgrade: websocket\r\n\r\n"
    )

    assert (head.owner, head.session) == ("ana", "12")
    assert head.passed_on == b"GET /user/ana/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"


class Line:
    """A socket that somebody has open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def says_back(self, text: bytes) -> bool:
        try:
            self.writer.write(text)
            await self.writer.drain()
            return await asyncio.wait_for(self.reader.readexactly(len(text)), 5) == text
        except (OSError, asyncio.IncompleteReadError):
            return False

    async def is_cut(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), 10) == b""
        except ConnectionError:
            return True


class Lines:
    """Opens sockets to the cohort's server through a relay, as nginx does."""

    def __init__(self, sockets: Sockets, sessions: Sessions) -> None:
        self.sockets, self.sessions = sockets, sessions
        self.opened: list[asyncio.StreamWriter] = []

    async def open(self, name: str, owner: str = "grade-demo", session_id: str | None = None) -> tuple[bytes, Line]:
        session = await self.sessions.of_token(f"token-of-{name}")
        assert session
        reader, writer = await asyncio.open_unix_connection(self.sockets.relay)
        self.opened.append(writer)
        head = f"GET /user/{owner}/ws HTTP/1.1\r\nUpgrade: websocket\r\n"
        head += f"X-Gate-Owner: {owner}\r\nX-Gate-Session: {session_id or session.id}\r\n\r\n"
        writer.write(head.encode())
        status = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " in status:
            await reader.readuntil(b"\r\n\r\n")  # the head as the server got it
        return status.split(b"\r\n")[0], Line(reader, writer)


@pytest.fixture
async def lines(
    tmp_path: Path, sessions: Sessions, rights: Rights, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Lines]:
    monkeypatch.setattr(relay_module, "LOOK_S", 0.05)
    sockets = Sockets(tmp_path / "r")
    sockets.ensure(0)
    relay = Relay(sessions, rights, sockets.server)
    carrying = await asyncio.start_unix_server(relay.carry, sock=listen(sockets.relay))
    answering = await asyncio.start_unix_server(echo, sock=listen(sockets.server("grade-demo")))
    watching = asyncio.create_task(relay.watch())
    made = Lines(sockets, sessions)
    yield made
    for writer in made.opened:
        writer.close()
    await asyncio.sleep(0.1)
    watching.cancel()
    for server in (carrying, answering):
        server.close()
        await server.wait_closed()


async def test_bytes_go_both_ways(lines: Lines) -> None:
    status, line = await lines.open("irene")

    assert b" 101 " in status
    assert await line.says_back(b"hello" * 50_000)


async def test_when_a_right_ends_its_sockets_end_and_nobody_elses(lines: Lines, hub: TokensOfHub, clock: Clock) -> None:
    _, hers = await lines.open("irene")
    _, his = await lines.open("ian")
    assert await hers.says_back(b"one") and await his.says_back(b"two")

    del hub.names["token-of-irene"]
    clock.now += REMEMBERED_S

    assert await hers.is_cut()
    assert await his.says_back(b"three")


@pytest.mark.parametrize(("name", "session_id"), [("ana", None), ("irene", "made-up"), ("irene", "0" * 32)])
async def test_who_may_not_gets_no_socket(lines: Lines, name: str, session_id: str | None) -> None:
    status, _ = await lines.open(name, session_id=session_id)

    assert status == b"HTTP/1.1 403 Forbidden"


async def test_a_server_that_is_not_there_is_told(lines: Lines) -> None:
    status, _ = await lines.open("ana", owner="ana")

    assert status == b"HTTP/1.1 502 Bad Gateway"
