"""The workshop's service: its pages and the exchange, in one process under a uid of its own."""

import os
import signal
from pathlib import Path

import uvicorn

from csirtlab.cohorts.cases import CaseFolders
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.store import open_store
from csirtlab.exchange.app import exchange_app
from csirtlab.exchange.store import ExchangeStore, exchange_root
from csirtlab.parents import drop_rights, end_with
from csirtlab.settings import content_root
from csirtlab.sockets import Sockets, listen
from csirtlab.web.app import workshop_app
from csirtlab.web.gate_client import GateClient
from csirtlab.web.hub_api import HubApi
from csirtlab.web.identity import Identity
from csirtlab.web.people import Directory
from csirtlab.web.unsafe import is_unsafe


def main() -> None:
    """Serve until told to stop."""
    hub = os.getppid()
    drop_rights(int(os.environ["CSIRTLAB_SERVICE_UID"]), int(os.environ["CSIRTLAB_GATE_UID"]))
    end_with(hub, signal.SIGTERM)  # the next hub starts a service of its own
    home = Home(Path(os.environ["CSIRTLAB_HOME"]))
    sockets = Sockets(Path(os.environ["CSIRTLAB_SOCKETS"]))
    store = open_store(home.root)
    directory = Directory(store)

    exchange_store = ExchangeStore(exchange_root(home.root))
    exchange = exchange_app(exchange_store, Identity().of, directory, CaseFolders(store, content_root()))
    app = workshop_app(
        prefix=os.environ["JUPYTERHUB_SERVICE_PREFIX"],
        exchange=exchange,
        exchange_store=exchange_store,
        store=store,
        content=content_root(),
        hub=HubApi(
            api_url=os.environ["JUPYTERHUB_API_URL"],
            token=os.environ["JUPYTERHUB_API_TOKEN"],
            client_id=os.environ["JUPYTERHUB_CLIENT_ID"],
        ),
        gate=GateClient(sockets.gate, os.environ.get("CSIRTLAB_ORIGIN", "")),
        is_unsafe=is_unsafe(),
    )
    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_graceful_shutdown=0,  # nothing is acknowledged before it is kept; who was cut off sends again
        proxy_headers=False,
    )
    uvicorn.Server(config).run(sockets=[listen(sockets.workshop)])


if __name__ == "__main__":
    main()
