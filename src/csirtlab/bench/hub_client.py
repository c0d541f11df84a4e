"""What a benchmark asks of a running hub: servers started and stopped, code run in a kernel."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from csirtlab.errors import SetupError
from csirtlab.sockets import httpx_address

PATIENCE_S = 180  # a hub that takes longer is broken, not slow


@dataclass
class HubClient:
    """Speaks to one hub's REST API, through its proxy as everybody does.

    Every method raises SetupError, with the last lines of the hub's ``log``, when the hub fails.
    """

    url: str
    token: str
    log: Path

    def __post_init__(self) -> None:
        self._http = self._with_token(self.token)

    def _with_token(self, token: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"token {token}"}, timeout=PATIENCE_S, trust_env=False
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def is_ready(self, path: str) -> bool:
        """Return whether something answers at a path with 200."""
        try:
            return (await self._http.get(path)).status_code == 200
        except httpx.TransportError:
            return False

    async def add_users(self, names: Sequence[str]) -> None:
        """Make the hub know these users."""
        await self._ask("POST", "/hub/api/users", json={"usernames": list(names)})

    async def start_server(self, name: str) -> float:
        """Start a user's server; returns the seconds from asking to the hub's word that it is ready.

        The hub answers when it is ready, or after ten seconds that it is pending: then its events tell.
        """
        began = time.perf_counter()
        answer = await self._ask("POST", f"/hub/api/users/{name}/server")
        if answer.status_code == httpx.codes.ACCEPTED:
            await self._until_told_ready(name)
        took = time.perf_counter() - began
        if not (await self._server(name) or {}).get("ready"):
            raise self.problem(
                f"the hub at {self.url} says that the server of {name} is started, but not that it is ready"
            )
        return took

    async def _until_told_ready(self, name: str) -> None:
        async with self._http.stream("GET", f"/hub/api/users/{name}/server/progress") as events:
            async for line in events.aiter_lines():
                if not line.startswith("data:"):
                    continue
                event = json.loads(line.removeprefix("data:"))
                if event.get("ready"):
                    return
                if event.get("failed"):
                    raise self.problem(f"the server of {name} did not start: {event.get('message')}")
        raise self.problem(f"the hub at {self.url} stopped telling how the server of {name} starts")

    async def server_pid(self, name: str) -> int:
        """Return the process that the hub started for a user's server."""
        server = await self._server(name)
        if not server:
            raise self.problem(f"the server of {name} has ended by itself")
        pid: int = server["state"]["pid"]
        return pid

    async def stop_server(self, name: str) -> None:
        """Stop a user's server and wait until it has ended."""
        await self._ask("DELETE", f"/hub/api/users/{name}/server")
        deadline = time.monotonic() + PATIENCE_S
        while await self._server(name):
            if time.monotonic() > deadline:
                raise self.problem(f"the server of {name} did not stop in {PATIENCE_S} s")
            await asyncio.sleep(0.1)

    async def _token_of(self, name: str) -> str:
        issued = await self._ask(
            "POST", f"/hub/api/users/{name}/tokens", json={"note": "benchmark", "expires_in": 3600}
        )
        return str(issued.json()["token"])

    async def way_ms(self, name: str, requests: int) -> float:
        """Return the milliseconds that a request to a user's server takes more by the public way than straight to it.

        The median of ``requests`` each way, in turn, over connections that are open already; for the smallest
        answer that a server gives.
        """
        place = f"/user/{name}/api"
        routes = (await self._ask("GET", "/hub/api/proxy")).json()
        straight_to, socket = httpx_address(re.sub(r":80/?$", "", routes[f"/user/{name}/"]["target"]))
        took: dict[bool, list[float]] = {False: [], True: []}
        async with (
            self._with_token(await self._token_of(name)) as public,
            httpx.AsyncClient(
                base_url=straight_to, transport=httpx.AsyncHTTPTransport(uds=socket), timeout=PATIENCE_S
            ) as straight,
        ):
            for number in range(2 * requests + 4):
                is_public = number % 2 == 0
                began = time.perf_counter()
                self._checked(await (public if is_public else straight).get(place))
                if number >= 4:  # the first open the connections
                    took[is_public].append(time.perf_counter() - began)
        return 1000 * (median(took[True]) - median(took[False]))

    async def run_in_kernel(self, name: str, code: str) -> None:
        """Start a kernel of the server's default kind for a user, with a token of theirs, and run ``code`` in it."""
        token = await self._token_of(name)
        async with self._with_token(token) as http:
            started = self._checked(await http.post(f"/user/{name}/api/kernels", json={}))
        await asyncio.wait_for(
            self._execute(f"/user/{name}/api/kernels/{started.json()['id']}", token, code), PATIENCE_S
        )

    async def _execute(self, kernel: str, token: str, code: str) -> None:
        address = f"{self.url.replace('http', 'ws', 1)}{kernel}/channels"
        socket = await websocket_connect(HTTPRequest(address, headers={"Authorization": f"token {token}"}))
        try:
            request = execute_request(code)
            await socket.write_message(json.dumps(request))
            while (text := await socket.read_message()) is not None:
                if is_answer(message := json.loads(text), request):
                    if message["content"]["status"] != "ok":
                        raise self.problem(f"the kernel cannot run {code!r}: {message['content'].get('evalue')}")
                    return
            raise self.problem(f"the kernel went away while it ran {code!r}")
        finally:
            socket.close()

    async def _server(self, name: str) -> dict[str, Any] | None:
        servers: dict[str, dict[str, Any]] = (await self._ask("GET", f"/hub/api/users/{name}")).json()["servers"]
        return servers.get("")

    async def _ask(self, method: str, path: str, *, json: object = None) -> httpx.Response:
        return self._checked(await self._http.request(method, path, json=json))

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            asked = f"{answer.request.method} {answer.request.url}"
            raise self.problem(f"{asked} answered {answer.status_code}: {answer.text.strip()[:500]}")
        return answer

    def problem(self, what: str) -> SetupError:
        """Return the error that says what went wrong, with the last lines of the hub's log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        return SetupError("\n".join([f"{what}. The last lines of its log:", *lines]))


def execute_request(code: str) -> dict[str, Any]:
    """Return Jupyter's message that asks a kernel to run ``code``.

    Source: Jupyter messaging protocol 5.3, "Execute", as jupyter_server takes it from a WebSocket.
    """
    return {
        "channel": "shell",
        "header": {
            "msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": uuid.uuid4().hex,
            "date": "", "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {
            "code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False,
            "stop_on_error": True,
        },
        "buffers": [],
    }  # fmt: skip


def is_answer(message: dict[str, Any], request: dict[str, Any]) -> bool:
    """Return whether a kernel's message is its reply to ``request``, not another's nor an output."""
    is_reply: bool = message["msg_type"] == "execute_reply"
    asked: object = message["parent_header"].get("msg_id")
    return is_reply and asked == request["header"]["msg_id"]
