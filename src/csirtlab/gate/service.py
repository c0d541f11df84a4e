"""The gate's process: starts under the hub, and ends with it."""

import asyncio
import os
import signal
import time
from pathlib import Path

import httpx
import uvicorn

from csirtlab.cohorts.store import open_store
from csirtlab.gate.decisions import Gate
from csirtlab.gate.relay import LONGEST_HEAD_B, Relay
from csirtlab.gate.rights import Rights
from csirtlab.gate.sessions import HubAwayError, Sessions
from csirtlab.parents import drop_rights, end_with
from csirtlab.sockets import Sockets, httpx_address, listen

SECONDS_FOR_THE_HUB = 10


class Hub:
    """JupyterHub, asked whose a token is.

    Source: JupyterHub's REST API, ``GET /user``.
    """

    def __init__(self, api_url: str) -> None:
        url, path = httpx_address(api_url)
        self._http = httpx.AsyncClient(
            base_url=url, transport=httpx.AsyncHTTPTransport(uds=path), timeout=SECONDS_FOR_THE_HUB, trust_env=False
        )

    async def username(self, token: str) -> str | None:
        """Return whose token this is; None for one that the hub does not know, or a service's."""
        try:
            answer = await self._http.get("/user", headers={"Authorization": f"Bearer {token}"})
        except (httpx.TransportError, UnicodeEncodeError) as error:
            raise HubAwayError from error
        if answer.status_code in (401, 403):
            return None
        if answer.status_code != 200:
            raise HubAwayError
        model = answer.json()
        return str(model["name"]) if model.get("kind") == "user" else None


async def serve(sockets: Sockets, home: Path, api_url: str, origin: str) -> None:
    """Answer nginx and carry sockets, until told to stop; ``origin`` as ``Gate`` takes it."""
    store = open_store(home)
    sessions, rights = Sessions(Hub(api_url).username, time.monotonic), Rights(store, time.monotonic)
    relay = Relay(sessions, rights, sockets.server)
    carrying = await asyncio.start_unix_server(relay.carry, sock=listen(sockets.relay), limit=LONGEST_HEAD_B)
    watching = asyncio.create_task(relay.watch())
    config = uvicorn.Config(
        Gate(sessions, rights, origin), log_level="warning", lifespan="off", proxy_headers=False, server_header=False,
        date_header=False, ws="none", timeout_graceful_shutdown=0, timeout_keep_alive=75,
    )  # fmt: skip
    await uvicorn.Server(config).serve(sockets=[listen(sockets.gate)])
    watching.cancel()
    carrying.close()
    store.close()


def main() -> None:
    """Serve until told to stop."""
    hub = os.getppid()
    drop_rights(int(os.environ["CSIRTLAB_SERVICE_UID"]), int(os.environ["CSIRTLAB_GATE_UID"]))
    end_with(hub, signal.SIGTERM)  # the next hub starts one of its own
    asyncio.run(
        serve(
            Sockets(Path(os.environ["CSIRTLAB_SOCKETS"])),
            Path(os.environ["CSIRTLAB_HOME"]),
            os.environ["JUPYTERHUB_API_URL"],
            os.environ.get("CSIRTLAB_ORIGIN", ""),
        )
    )


if __name__ == "__main__":
    main()
