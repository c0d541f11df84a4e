"""Carries WebSockets between nginx and servers, and cuts them when the right to them ends.

nginx itself asks once, when a socket is opened, and cannot close one among many afterwards.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from csirtlab.gate.rights import Rights
from csirtlab.gate.sessions import Session, Sessions

LOOK_S = 2.0
SECONDS_TO_SPEAK = 10.0
LONGEST_HEAD_B = 64 * 1024
PIECE_B = 64 * 1024
OWNER, SESSION = b"x-gate-owner", b"x-gate-session"


@dataclass(frozen=True)
class Head:
    """The head of a request: who opens a socket to whose server, and the head as that server gets it."""

    owner: str
    session: str
    passed_on: bytes


def read_head(head: bytes) -> Head:
    """Take nginx's two headers out of a request's head, which ends with an empty line."""
    first, *lines = head.split(b"\r\n")
    told: dict[bytes, str] = {}
    kept = [first]
    for line in lines:
        name = line.partition(b":")[0].strip().lower()
        if name in (OWNER, SESSION):
            told[name] = line.partition(b":")[2].strip().decode("latin-1")
        else:
            kept.append(line)
    return Head(told.get(OWNER, ""), told.get(SESSION, ""), b"\r\n".join(kept))


@dataclass(eq=False)
class _Carried:
    """A socket that is open, with the two ends to cut."""

    session: Session
    owner: str
    ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]

    def cut(self) -> None:
        for end in self.ends:
            end.transport.abort()


@dataclass
class Relay:
    """All open sockets; ``server`` says where an account's server listens."""

    sessions: Sessions
    rights: Rights
    server: Callable[[str], Path]
    _open: set[_Carried] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection from its first byte to its end."""
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # one of the two ends is gone, or nginx sent no request
        finally:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(SECONDS_TO_SPEAK):
            head = read_head(await reader.readuntil(b"\r\n\r\n"))
        session = self.sessions.of_id(head.session)
        if session is None or not await self._may_go_on(session, head.owner):
            await _refuse(writer, "403 Forbidden")
            return
        try:
            from_server, to_server = await asyncio.open_unix_connection(self.server(head.owner))
        except OSError:
            await _refuse(writer, "502 Bad Gateway")
            return
        carried = _Carried(session, head.owner, (writer, to_server))
        self._open.add(carried)
        try:
            to_server.write(head.passed_on)
            ways = {
                asyncio.create_task(_pump(reader, to_server)),
                asyncio.create_task(_pump(from_server, writer)),
            }
            _, going = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(OSError):
                await writer.drain()
            for way in going:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), SECONDS_TO_SPEAK)
        finally:
            self._open.discard(carried)
            to_server.transport.abort()

    async def watch(self) -> None:
        """Look every two seconds who may go on, and cut the others, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.gather(*map(self._look_at, list(self._open)))

    async def _look_at(self, carried: _Carried) -> None:
        if not await self._may_go_on(carried.session, carried.owner):
            carried.cut()

    async def _may_go_on(self, session: Session, owner: str) -> bool:
        return await self.sessions.is_alive(session) and await self.rights.may_enter(session.username, owner)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE_B):
        writer.write(piece)
        await writer.drain()


async def _refuse(writer: asyncio.StreamWriter, status: str) -> None:
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
