"""Inside the walls: settle JupyterLab for the trainee the first time, then be the server, at the socket given to it."""

import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from csirtlab.hub.forwarder import forward
from csirtlab.slow_modules import leave_out_slow_modules

USER_SETTINGS = Path("lab/user-settings/@jupyterlab")
SECONDS_BETWEEN_SAVES = 10  # what is submitted is what is saved


def ensure_setting(config_folder: Path, plugin: str, values: Mapping[str, object]) -> None:
    """Write a JupyterLab plug-in's settings, unless its user has something there already."""
    path = config_folder / USER_SETTINGS / plugin
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values) + "\n", encoding="utf-8")
    except OSError:
        # Something of theirs is in the way. A comfort is no reason not to start.
        return


def ensure_folder(folder: Path) -> None:
    """Make a folder that the server cannot start without; what stands in its way is kept beside it.

    A trainee who has put a file or a link there would be locked out of their own server, and of
    the one place from which they could mend it.
    """
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return
    if os.path.lexists(folder):
        number = 1
        while os.path.lexists(aside := folder.with_name(f"{folder.name}.mine-{number}")):
            number += 1
        folder.rename(aside)
    folder.mkdir(mode=0o700)


def lead_to_hub(inner: Path) -> None:
    """Let this process, and whatever it starts, find hub and exchange on its own loopback."""
    here = f"http://127.0.0.1:{forward(inner)}"
    os.environ["JUPYTERHUB_API_URL"] = f"{here}/hub/api"
    os.environ["JUPYTERHUB_ACTIVITY_URL"] = f"{here}/hub/api/users/{os.environ['JUPYTERHUB_USER']}/activity"
    os.environ["CSIRTLAB_EXCHANGE_URL"] = f"{here}/services/workshop/exchange"


def answer_at(descriptor: int) -> None:
    """Make the Jupyter server answer at the socket that the hub opened for it, and listen nowhere else.

    Source: jupyter_server 2.21, serverapp.py, ``init_httpserver``.
    """
    from jupyter_server.serverapp import ServerApp

    # Not for kernels and terminals: while one of them held it, the socket of a server that is gone would seem alive.
    os.set_inheritable(descriptor, False)
    listening = socket.socket(fileno=descriptor)
    listening.setblocking(False)

    def find_no_port(_server: Any) -> None:
        pass

    def bind(server: Any) -> None:
        server.http_server.add_socket(listening)

    patched: Any = ServerApp
    patched._find_http_port = find_no_port
    patched._bind_http_server = bind


def main() -> None:
    """Become the single-user server."""
    lead_to_hub(Path(os.environ.pop("CSIRTLAB_INNER")))
    for name in (".jupyter", ".local", ".local/share", ".local/share/jupyter", ".local/share/jupyter/runtime"):
        ensure_folder(Path.home() / name)
    config_folder = Path(os.environ["JUPYTER_CONFIG_DIR"])
    locale = os.environ.get("CSIRTLAB_LOCALE", "en")
    ensure_setting(config_folder, "translation-extension/plugin.jupyterlab-settings", {"locale": locale})
    ensure_setting(
        config_folder, "docmanager-extension/plugin.jupyterlab-settings", {"autosaveInterval": SECONDS_BETWEEN_SAVES}
    )
    leave_out_slow_modules()
    answer_at(int(os.environ.pop("CSIRTLAB_LISTENING")))
    from jupyterhub.singleuser import main as serve

    sys.argv[0] = "jupyterhub-singleuser"
    serve()


if __name__ == "__main__":
    main()
