"""Fills JupyterHub's configuration: what ``hub_config/jupyterhub_config.py`` calls."""

import os
import sys
from pathlib import Path
from typing import Any

from csirtlab.cohorts.databases import database_url, hub_database_url
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.store import GATE_UID, SERVICE_UID, open_store
from csirtlab.hub.authenticator import RosterAuthenticator
from csirtlab.hub.gatekeeper import shared_files
from csirtlab.hub.routes import GateRoutes
from csirtlab.hub.run_settings import RunSettings, read_settings
from csirtlab.hub.signing_out import end_sign_ins_at_sign_out
from csirtlab.hub.spawner import BoxSpawner
from csirtlab.origins import subdomain
from csirtlab.settings import content_root, default_home
from csirtlab.sockets import Sockets, sockets_of, unix_url

UNSAFE = "The walls are off (--unsafe-no-box): everybody's work can be read and changed by everybody here."
SERVICE = "workshop"
SERVICE_PREFIX = f"/services/{SERVICE}/"


def configure(c: Any) -> None:
    """Set everything that csirtlab decides; an operator's own lines may follow and win."""
    home = Home(Path(os.environ.get("CSIRTLAB_HOME") or default_home()))
    content = content_root()
    settings = read_settings(home)
    sockets = sockets_of(home.root)
    _addresses(c, settings, home, sockets)
    _people(c, settings, home, content, sockets)
    _services(c, settings, home, sockets)
    _pages(c, settings, content)


def _addresses(c: Any, settings: RunSettings, home: Home, sockets: Sockets) -> None:
    c.JupyterHub.bind_url = settings.url
    if settings.origin:
        c.JupyterHub.subdomain_host = settings.origin
        c.JupyterHub.subdomain_hook = subdomain
        # "__Host-" cookies are of one host alone, and of TLS: no server's page can plant one for the hub.
        c.JupyterHub.cookie_host_prefix_enabled = settings.origin.startswith("https://")
    c.JupyterHub.hub_bind_url = unix_url(sockets.hub)
    c.JupyterHub.hub_connect_url = unix_url(sockets.hub)
    c.JupyterHub.hub_socket_mode = 0o666  # the folder says who may connect
    c.JupyterHub.db_url = hub_database_url(home.root) or f"sqlite:///{home.hub / 'jupyterhub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(home.hub / "cookie_secret")
    # nginx, which ``up`` runs, knows each server's socket by its name.
    c.JupyterHub.proxy_class = GateRoutes
    # When the hub ends in good order, servers end with it.
    c.JupyterHub.cleanup_servers = True
    c.JupyterHub.tornado_settings = {"cookie_options": {"samesite": "Lax"}}


def _people(c: Any, settings: RunSettings, home: Home, content: Path, sockets: Sockets) -> None:
    store = open_store(home.root)
    RosterAuthenticator.store = store
    BoxSpawner.store, BoxSpawner.home, BoxSpawner.content = store, home, content
    BoxSpawner.sockets = sockets
    BoxSpawner.is_unsafe = settings.is_unsafe
    c.JupyterHub.authenticator_class = RosterAuthenticator
    end_sign_ins_at_sign_out()
    # Whoever the roster's passphrase lets in is allowed; nobody else can sign in.
    c.Authenticator.allow_all = True
    c.JupyterHub.spawner_class = BoxSpawner
    c.Spawner.default_url = "/lab"
    c.Spawner.args = [f"--LabApp.override_static_url={shared_files().address}"]
    c.Spawner.env_keep = []
    c.Spawner.http_timeout = 60
    c.Spawner.start_timeout = 60
    c.Spawner.server_token_scopes = [
        "users:activity!user",
        "access:servers!server",
        f"access:services!service={SERVICE}",
    ]
    # A server that ran out of memory can be started again after this many seconds.
    c.Spawner.poll_interval = 5
    c.JupyterHub.concurrent_spawn_limit = 20
    c.JupyterHub.allow_named_servers = False


def _services(c: Any, settings: RunSettings, home: Home, sockets: Sockets) -> None:
    is_root = os.geteuid() == 0
    environment = {
        "CSIRTLAB_HOME": str(home.root),
        "CSIRTLAB_CONTENT": str(content_root()),
        "CSIRTLAB_SOCKETS": str(sockets.root),
        "CSIRTLAB_ORIGIN": settings.origin,
        "CSIRTLAB_SERVICE_UID": str(SERVICE_UID if is_root else -1),
        "CSIRTLAB_GATE_UID": str(GATE_UID if is_root else -1),
        **({"CSIRTLAB_UNSAFE_NO_BOX": "1"} if settings.is_unsafe else {}),
        **({"CSIRTLAB_DATABASE_URL": url} if (url := database_url(home.root)) else {}),
    }
    c.JupyterHub.services = [
        {
            "name": SERVICE,
            # Without "url", which JupyterHub takes for TCP alone: nginx knows the service's socket.
            "oauth_client_id": f"service-{SERVICE}",
            "oauth_redirect_uri": f"{settings.origin}{SERVICE_PREFIX}oauth_callback",
            "command": [sys.executable, "-I", "-m", "csirtlab.web.service"],
            "environment": {**environment, "JUPYTERHUB_SERVICE_PREFIX": SERVICE_PREFIX},
            "oauth_no_confirm": True,
            "display": False,
        },
        {
            "name": "gate",
            "command": [sys.executable, "-I", "-m", "csirtlab.gate.service"],
            "environment": environment,
            "display": False,
        },
    ]
    c.JupyterHub.load_roles = [
        # "self" lets people start and stop their own server; the pages are for everybody.
        {"name": "user", "scopes": ["self", f"access:services!service={SERVICE}"]},
        {
            # To start a cohort's server for its instructors, and let them in.
            "name": "workshop-service",
            "services": [SERVICE],
            "scopes": ["admin:users", "servers", "shares", "access:servers", "read:users"],
        },
    ]


def _pages(c: Any, settings: RunSettings, content: Path) -> None:
    c.JupyterHub.template_paths = [str(content / "hub_config" / "templates")]
    c.JupyterHub.logo_file = str(content / "hub_config" / "logo.svg")
    c.JupyterHub.default_url = SERVICE_PREFIX
    # JupyterHub shows an announcement on every page of its own.
    c.JupyterHub.template_vars = {"announcement": UNSAFE} if settings.is_unsafe else {}
