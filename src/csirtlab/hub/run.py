"""Runs the hub in the foreground: checks first, then starts it, waits, and stops all of it."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from csirtlab.cohorts.demo import NAME as DEMO
from csirtlab.cohorts.demo import ensure_demo
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.sign_ins import SignIn, current_sign_ins
from csirtlab.cohorts.store import FIRST_UID, GATE_UID, open_store
from csirtlab.errors import SetupError
from csirtlab.hub.gatekeeper import Gatekeeper, find_nginx, shared_files
from csirtlab.hub.nginx import Public
from csirtlab.hub.orphans import end_orphaned_gate
from csirtlab.hub.run_settings import RunSettings, is_free, write_settings
from csirtlab.hub.walls import probe_walls
from csirtlab.settings import content_root
from csirtlab.sockets import Sockets, sockets_of

SECONDS_TO_START = 60
SECONDS_TO_STOP = 8
STYLE = "/services/workshop/static/workshop.css"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What ``csirtlab up`` was asked for."""

    home: Path
    bind: str
    port: int
    certificate: Path | None
    key: Path | None
    is_unsafe: bool
    has_demo: bool
    trusted: tuple[str, ...] = ()  # reverse proxies that stand before
    origin: str = ""  # of a wildcard name, under which each server has a host of its own


def run_hub(wanted: Wanted, *, say: Say, announce: Callable[[str, list[SignIn]], None]) -> None:
    """Run the hub until SIGINT or SIGTERM; afterwards nothing of it is left running.

    Raises:
        SetupError: The port is taken, a hub runs on this home already, or walls cannot be built.
    """
    home = Home(wanted.home)
    home.ensure()
    with _only_one(home, wanted.port) as lock:
        find_nginx()
        end_orphaned_gate(home)
        if not is_free(wanted.bind, wanted.port):
            raise SetupError(
                f"port {wanted.port} of {wanted.bind} is taken or may not be used. "
                f"Stop the other program (see: ss -ltnp 'sport = :{wanted.port}'), "
                f"or choose another: --port {wanted.port + 1}"
            )
        check_way(home.root)
        if wanted.is_unsafe:
            say("[bold red]--unsafe-no-box: no walls. Anybody who signs in can read and change everything here.[/]")
        else:
            probe_walls(FIRST_UID if os.geteuid() == 0 else None)
        settings = _settings(wanted)
        write_settings(home, settings)
        sockets = sockets_of(home.root)
        sockets.ensure(GATE_UID)
        say(f"state is in {home.root}")
        store = open_store(home.root)
        try:
            if wanted.has_demo and (DEMO in [cohort.name for cohort in store.cohorts()] or not store.cohorts()):
                say("making sure of the demo cohort")
                ensure_demo(store, home, content_root())
            people = current_sign_ins(store, home, DEMO) if store.cohort(DEMO) else []
        finally:
            store.close()
        say("starting the hub")
        gatekeeper = Gatekeeper(home, sockets, _public(settings), say)
        _serve(home, gatekeeper, settings, lock, say, lambda: announce(settings.public_url, people))


def check_way(root: Path) -> None:
    """Return if servers, each under a uid of its own, can get as far as the home.

    Raises:
        SetupError: As root, a folder above it lets nobody pass but its owner.
    """
    if os.geteuid() != 0:
        return
    closed = [parent for parent in root.resolve().parents if not parent.stat().st_mode & 0o001]
    if closed:
        raise SetupError(
            f"other users cannot pass {closed[-1]}, and every server on {root} runs under a uid of its own. "
            f"Keep the home elsewhere, as in: --home /var/lib/csirtlab; or let them pass: chmod o+x {closed[-1]}"
        )


def _settings(wanted: Wanted) -> RunSettings:
    return RunSettings(
        bind=wanted.bind,
        port=wanted.port,
        certificate=str(wanted.certificate) if wanted.certificate else None,
        key=str(wanted.key) if wanted.key else None,
        is_unsafe=wanted.is_unsafe,
        trusted=wanted.trusted,
        origin=wanted.origin,
    )


def _public(settings: RunSettings) -> Public:
    return Public(
        settings.bind,
        settings.port,
        Path(settings.certificate) if settings.certificate else None,
        Path(settings.key) if settings.key else None,
        settings.trusted,
        shared_files(),
        settings.origin,
    )


@contextmanager
def _only_one(home: Home, port: int) -> Iterator[int]:
    """Hold the home's lock. The hub inherits it: while one lives, no second hub starts beside it."""
    path = home.hub / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip()
            raise SetupError(
                f"a hub runs on {home.root} already (process {holder}). Use that one, stop it with Ctrl-C "
                f"or: kill {holder}; or run a second one elsewhere: --home OTHER --port {port + 1}"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def configuration_file() -> Path:
    """Return the hub's configuration, an operator's own lines included."""
    return content_root() / "hub_config" / "jupyterhub_config.py"


def hub_command(configuration: Path) -> list[str]:
    """Return the command that runs JupyterHub with a configuration file."""
    return [sys.executable, "-I", "-m", "csirtlab.hub.start_hub", "-f", str(configuration)]


def hub_environment(home: Home) -> dict[str, str]:
    """Return the environment that the hub of a home runs in."""
    return {
        **os.environ,
        "CSIRTLAB_HOME": str(home.root),
        "CSIRTLAB_CONTENT": str(content_root()),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def _serve(
    home: Home, gatekeeper: Gatekeeper, settings: RunSettings, lock: int, say: Say, announce: Callable[[], None]
) -> None:
    log_path = home.log / "hub.log"
    ended: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: ended.append(received))
    gatekeeper.start()
    with log_path.open("ab") as log:
        hub = subprocess.Popen(
            hub_command(configuration_file()),
            env=hub_environment(home),
            cwd=home.hub,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock],
        )
    try:
        _wait_until_ready(hub, gatekeeper.sockets, settings, log_path, ended)
        if not ended:
            announce()
        while not ended and hub.poll() is None:
            time.sleep(0.2)
            gatekeeper.look_after()
        if not ended:
            raise SetupError(f"the hub ended by itself (code {hub.returncode}). Its last lines:\n{_tail(log_path)}")
    finally:
        if hub.poll() is None:
            say("\nstopping")
            _stop(hub)
        gatekeeper.stop()


def _wait_until_ready(
    hub: "subprocess.Popen[bytes]", sockets: Sockets, settings: RunSettings, log: Path, ended: list[int]
) -> None:
    """Wait until hub, service and gate answer, each at its own socket, and nginx leads to all of them."""
    deadline = time.monotonic() + SECONDS_TO_START
    inner = [(sockets.hub, "/hub/health"), (sockets.workshop, STYLE), (sockets.gate, "/")]
    asked = [(httpx.HTTPTransport(uds=str(path)), f"http://localhost{place}") for path, place in inner]
    # The certificate is for the name that people use, not for this address.
    public = httpx.HTTPTransport(verify=False)  # asks for a sign of life only
    asked += [(public, f"{settings.local_url}{place}") for place in ("/hub/health", STYLE)]
    for transport, url in asked:
        with httpx.Client(transport=transport, timeout=5, trust_env=False) as client:
            while not ended and not _answers(client, url):
                if hub.poll() is not None:
                    raise SetupError(f"the hub did not start (code {hub.returncode}). Its last lines:\n{_tail(log)}")
                if time.monotonic() > deadline:
                    raise SetupError(f"the hub was not ready after {SECONDS_TO_START} s. Its last lines:\n{_tail(log)}")
                time.sleep(0.1)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code in (200, 401, 403)  # the gate, to which nobody has shown anything
    except httpx.TransportError:
        return False


def _stop(hub: "subprocess.Popen[bytes]") -> None:
    """End the hub in good order; what has not ended after that is killed, its proxy and services with it."""
    hub.send_signal(signal.SIGTERM)
    try:
        hub.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        children = descendants(hub.pid)
        hub.kill()
        hub.wait()
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def descendants(pid: int) -> list[int]:
    """Return the processes below one, parents before their children; who ends meanwhile is left out."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            found += [int(child), *descendants(int(child))]
    return found


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
