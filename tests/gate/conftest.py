"""A store with a cohort, and a whole gate: real nginx, real decisions, and servers that say what reached them."""

import asyncio
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from csirtlab.cohorts.create import cohort_account
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.store import GATE_UID, Cohort, Membership, Store, add_account, open_store
from csirtlab.gate.decisions import Gate
from csirtlab.gate.relay import LONGEST_HEAD_B, Relay
from csirtlab.gate.rights import Rights
from csirtlab.gate.sessions import Sessions
from csirtlab.hub.gatekeeper import Gatekeeper
from csirtlab.hub.nginx import COOKIE, Public, Shared
from csirtlab.languages import Language
from csirtlab.sockets import Sockets, listen

PEOPLE = {"irene": "instructor", "ian": "instructor", "ana": "trainee", "ben": "trainee"}


class Clock:
    """Seconds that a test lets go by."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class TokensOfHub:
    """What the hub knows: a token of each person, until it is taken from them."""

    names: dict[str, str] = field(default_factory=lambda: {f"token-of-{name}": name for name in PEOPLE})
    asked: list[str] = field(default_factory=list)

    async def username(self, token: str) -> str | None:
        self.asked.append(token)
        return self.names.get(token)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub() -> TokensOfHub:
    return TokensOfHub()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "home")
    with_people(opened)
    yield opened
    opened.close()


def with_people(store: Store) -> None:
    with store.session() as session:
        for cohort in ("demo", "lima"):
            add_account(session, cohort_account(cohort), cohort, Language.EN, None)
            session.add(Cohort(name=cohort, course="c", title=cohort, language="en", secret="00" * 32))
        session.flush()
        for name, role in PEOPLE.items():
            add_account(session, name, name, Language.EN, None)
            session.add(Membership(cohort_name="demo", username=name, role=role))


@pytest.fixture
def sessions(hub: TokensOfHub, clock: Clock) -> Sessions:
    return Sessions(hub.username, clock)


@pytest.fixture
def rights(store: Store, clock: Clock) -> Rights:
    return Rights(store, clock)


Application = Callable[[Mapping[str, Any], Any, Any], Awaitable[None]]


def telling(name: str, hostile: Mapping[str, str] | None = None) -> Application:
    """Return an application that tells who it is and what reached it; ``hostile`` are headers of its answers."""

    async def app(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        told = {
            "who": name,
            "target": scope["raw_path"].decode("latin-1"),
            "query": scope["query_string"].decode("latin-1"),
            "headers": {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]},
            "length": len(body),
            "filler": "x" * 2000,
        }
        content = json.dumps(told).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        headers += [(key.encode(), value.encode()) for key, value in (hostile or {}).items()]
        problem = scope["path"].rpartition("/problem/")[2]
        status = int(problem) if name == "workshop" and problem.isdigit() else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return app


HOSTILE = {
    "X-Accel-Redirect": "/_gate", "X-Accel-Expires": "86400", "Service-Worker-Allowed": "/",
    "Clear-Site-Data": '"*"', "WWW-Authenticate": "Basic", "Strict-Transport-Security": "max-age=0",
    "Set-Cookie": "csirtlab-workshop=planted; Path=/services/workshop/", "Alt-Svc": 'h2="evil.example:443"',
    "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true",
}  # fmt: skip


class World:
    """Everything behind one nginx, in a thread of this process; ``folder`` is one that other users can pass."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.home.ensure()
        self.store = open_store(self.home.root)
        with_people(self.store)
        self.sockets = Sockets(folder / "run")
        self.sockets.ensure(GATE_UID)
        self.hub = TokensOfHub()
        self.said: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._servers: list[uvicorn.Server] = []
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(30)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(30)
        self.store.close()

    def keeper(self, public: Public) -> Gatekeeper:
        return Gatekeeper(self.home, self.sockets, public, self.said.append)

    def cookie(self, name: str) -> str:
        """Return the gate's cookie of somebody who has signed in."""
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(self.sockets.gate)), trust_env=False) as client:
            opened = client.post("http://gate/sessions", content=f"token-of-{name}")
        assert opened.status_code == 201, opened.text
        return opened.text

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        sessions, rights = Sessions(self.hub.username, time.monotonic), Rights(self.store, time.monotonic)
        relay = Relay(sessions, rights, self.sockets.server)
        carrying = await asyncio.start_unix_server(relay.carry, sock=listen(self.sockets.relay), limit=LONGEST_HEAD_B)
        watching = asyncio.create_task(relay.watch())
        echoing = await asyncio.start_unix_server(echo, sock=listen(self.sockets.server("grade-demo")))
        apps: list[tuple[Path, Any]] = [
            (self.sockets.gate, Gate(sessions, rights)),
            (self.sockets.hub, telling("hub")),
            (self.sockets.workshop, telling("workshop")),
            (self.sockets.server("ana"), telling("ana", HOSTILE)),
        ]
        for path, app in apps:
            config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=0)
            server = uvicorn.Server(config)
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            self._servers.append(server)
            listening = listen(path)
            self._sockets.append(listening)
            asyncio.create_task(server._serve(sockets=[listening]))  # noqa: RUF006  # kept in the loop until stopped
        while not all(server.started for server in self._servers):
            await asyncio.sleep(0.01)
        self._ready.set()
        await self._stopping.wait()
        watching.cancel()
        for listening_server in (carrying, echoing):
            listening_server.close()
        for server in self._servers:
            server.should_exit = True
        await asyncio.sleep(0.3)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        for listening in self._sockets:
            listening.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Upgrade, then say back whatever is said."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        is_upgrade = b"upgrade: websocket" in head.lower()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + head
            if is_upgrade
            else b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ngrade-demo"
        )
        while is_upgrade and (piece := await reader.read(1000)):
            writer.write(piece)
            await writer.drain()
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="csirtlab-gate-") as folder:
        Path(folder).chmod(0o711)
        made = World(Path(folder))
        made.start()
        yield made
        made.stop()


@dataclass(frozen=True)
class Door:
    """A running nginx before the world."""

    world: World
    keeper: Gatekeeper
    port: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def open_door(world: World, **public: Any) -> Door:
    port = free_port()
    keeper = world.keeper(Public("127.0.0.1", port, **public))
    keeper.start()
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return Door(world, keeper, port)
        except OSError:
            assert time.monotonic() < deadline and keeper.is_running, (world.home.log / "gate.log").read_text()
            time.sleep(0.02)


def request(target: str, cookie: str = "", *lines: str, method: str = "GET") -> bytes:
    head = [f"{method} {target} HTTP/1.1", "Host: labs.example", "Connection: close"]
    head += [f"Cookie: {COOKIE}={cookie}"] if cookie else []
    return "\r\n".join([*head, *lines, "", ""]).encode("latin-1")


def told(answer: bytes) -> dict[str, Any]:
    """Return what a server behind the gate told of the request that reached it."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        pieces, rest = b"", body
        while rest and (size := int(rest.split(b"\r\n")[0], 16)):
            start = rest.index(b"\r\n") + 2
            pieces, rest = pieces + rest[start : start + size], rest[start + size + 2 :]
        body = pieces
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.fixture(scope="module")
def door(world: World) -> Iterator[Door]:
    files = world.home.root.parent / "static"
    files.mkdir()
    (files / "main.js").write_text("lab()")
    (world.home.root.parent / "secret").write_text("secret")
    (files / "leak.js").symlink_to(world.home.root.parent / "secret")
    opened = open_door(world, shared=Shared(files, "1.2.3"))
    yield opened
    opened.keeper.stop()


def raw(port: int, request: bytes) -> bytes:
    """Send bytes as they are; return all that comes until the other end closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
        return answer


IS_ROOT = os.geteuid() == 0
