"""A store, a clock that the test sets, and small labs to hand over."""

import io
import json
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from csirtlab.errors import CohortError
from csirtlab.exchange.app import LabFolder, exchange_app
from csirtlab.exchange.archives import pack
from csirtlab.exchange.client import ExchangeClient
from csirtlab.exchange.receipts import Receipt
from csirtlab.exchange.store import ExchangeStore

Notebook = Callable[..., bytes]
Archive = Callable[..., bytes]
Hand = Callable[..., Receipt]


class Clock:
    """A clock that goes one second on at every look, unless it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[ExchangeStore]:
    with ExchangeStore(tmp_path / "exchange", clock=clock) as opened:
        yield opened


@pytest.fixture
def notebook() -> Notebook:
    def make(text: str = "1 + 1") -> bytes:
        cell: dict[str, object] = {
            "cell_type": "code",
            "id": "c1",
            "metadata": {},
            "source": text,
            "outputs": [],
            "execution_count": None,
        }
        return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()

    return make


@pytest.fixture
def archive() -> Archive:
    return lambda files: pack(files.items())


@pytest.fixture
def hand_in(store: ExchangeStore) -> Hand:
    def submit(
        content: bytes = b"work", *, trainee: str = "ana", lab: str = "c2-beacon", cohort: str = "lima"
    ) -> Receipt:
        with store.receive(limit=1000, too_large="Too large.") as incoming:
            incoming.write(content)
            return store.submit(cohort, lab, trainee, incoming)

    return submit


class People:
    """A directory: two cohorts, one instructor each; carla is in both."""

    def __init__(self) -> None:
        self.roles = {
            ("lima", "ana"): "trainee",
            ("lima", "bob"): "trainee",
            ("lima", "carla"): "trainee",
            ("lima", "eva"): "instructor",
            ("quito", "carla"): "trainee",
            ("quito", "dan"): "trainee",
            ("quito", "fred"): "instructor",
        }

    def role(self, cohort: str, username: str) -> str | None:
        return self.roles.get((cohort, username))

    def cohorts_of(self, username: str) -> list[str]:
        return sorted(cohort for cohort, name in self.roles if name == username)

    def trainees(self, cohort: str) -> list[str]:
        return sorted(name for (at, name), role in self.roles.items() if at == cohort and role == "trainee")

    def renew_passphrase(self, cohort: str, username: str) -> str:
        if self.roles.get((cohort, username)) != "trainee":
            raise CohortError(f'"{username}" is no trainee of "{cohort}".')
        return f"new-for-{username}"


class OwnCases:
    """Cases that say whose they are; ``digests`` stands for what another version of the programs makes."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}

    def title(self, cohort: str, lab: str, trainee: str) -> str:
        return f"{lab} for {trainee} in {cohort}"

    def hints(self, lab: str, question: str, trainee: str) -> tuple[str, ...]:
        return {"host": ("Look.", "Sort.", "As code.")}[question]

    def lab_folder(self, cohort: str, lab: str, trainee: str, release: Path) -> LabFolder:
        packed = io.BytesIO()
        with zipfile.ZipFile(release) as released, zipfile.ZipFile(packed, "w") as target:
            target.writestr(f"{lab}.ipynb", released.read(f"{lab}.ipynb"))
            target.writestr("evidence/whose.txt", f"{cohort} {trainee}")
        return LabFolder(packed.getvalue(), self.digests.get(trainee, f"{trainee}'s case"))


class Server:
    """The exchange on loopback; the token of each person is their name with ``-token``."""

    def __init__(self, url: str, store: ExchangeStore, people: People, cases: OwnCases) -> None:
        self.url = url
        self.cases = cases
        self.store = store
        self.people = people
        self.clients: dict[str, ExchangeClient] = {}
        self.http = httpx.Client(base_url=url, trust_env=False, verify=False)

    def as_(self, username: str) -> ExchangeClient:
        if username not in self.clients:
            self.clients[username] = ExchangeClient(self.url, f"{username}-token", pauses_s=())
        return self.clients[username]

    def ask(self, method: str, path: str, username: str | None = None, **parts: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {username}-token"} if username else {}
        return self.http.request(method, path, headers=headers | parts.pop("headers", {}), **parts)


async def identify(token: str) -> str | None:
    username = token.removesuffix("-token")
    return username if token.endswith("-token") and username else None


class Loopback:
    """A real uvicorn for the whole run, in a thread; each test puts its own application behind it."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()
        self._listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self._serve, log_level="warning", lifespan="off", interface="asgi3", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listening],))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()


@pytest.fixture(scope="session")
def loopback() -> Iterator[Loopback]:
    with Loopback() as served:
        yield served


@pytest.fixture
def server(store: ExchangeStore, loopback: Loopback) -> Iterator[Server]:
    people = People()
    cases = OwnCases()
    loopback.app = exchange_app(store, identify, people, cases)
    server = Server(loopback.url, store, people, cases)
    yield server
    server.http.close()
    for client in server.clients.values():
        client.close()


@pytest.fixture
def released(server: Server, archive: Archive, notebook: Notebook) -> Server:
    """The server, with c2-beacon released in lima."""
    server.as_("eva").release("lima", "c2-beacon", archive({"c2-beacon.ipynb": notebook()}))
    return server


@pytest.fixture
def work(archive: Archive, notebook: Notebook) -> Callable[[str], bytes]:
    """Makes a submission from the text of its one cell."""
    return lambda text: archive({"c2-beacon.ipynb": notebook(text)})
