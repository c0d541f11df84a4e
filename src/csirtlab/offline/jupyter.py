"""JupyterLab for one who learns alone: on loopback, in their language, with its own settings."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from csirtlab.errors import SetupError
from csirtlab.languages import LOCALES, Language

_READY_WITHIN_S = 60
_STOPS_WITHIN_S = 8

# What is of no use to one person and costs start-up time, or asks foreign hosts.
_SERVER_CONFIG = {
    "ServerApp": {
        "contents_manager_class": "csirtlab.saving.WholeFileManager",
        "jpserver_extensions": {
            "jupyter_lsp": False,
            "jupyterlab_jupytext": False,
            "notebook": False,
            "nbgrader.server_extensions.formgrader": False,
            "nbgrader.server_extensions.validate_assignment": False,
            "nbgrader.server_extensions.assignment_list": False,
            "nbgrader.server_extensions.course_list": False,
        },
    },
    "LabApp": {
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "extension_manager": "readonly",
    },
}
_PAGE_CONFIG = {
    "disabledExtensions": {
        "@jupyter/nbgrader": True,
        "@jupyterlab/apputils-extension:announcements": True,
        "@jupyterlab/extensionmanager-extension": True,
        "@jupyterlab/lsp-extension": True,
        "jupyterlab-jupytext": True,
    }
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    process: "subprocess.Popen[bytes]"
    address: str  # of the notebook, with the sign-in token


def write_config(folder: Path, language: Language) -> None:
    """Write JupyterLab's settings for ``language`` into its configuration folder."""
    files = {
        "jupyter_server_config.json": _SERVER_CONFIG,
        "labconfig/page_config.json": _PAGE_CONFIG,
        "lab/user-settings/@jupyterlab/translation-extension/plugin.jupyterlab-settings": {"locale": LOCALES[language]},
    }
    for name, values in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def start_lab(root: Path, notebook: Path, config: Path, port: int, environment: Mapping[str, str]) -> Lab:
    """Start JupyterLab over ``root`` and wait until it answers.

    ``port`` 0 takes any free one. ``environment`` is added for the server and its kernels.

    Raises:
        SetupError: The port is taken, or the server does not come up.
    """
    port = _free_port(port)
    token = secrets.token_urlsafe(24)
    log = config / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1",
                f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}",
                # Machines of workshops are often used as root; the server is on loopback, behind a token.
                *(["--allow-root"] if os.geteuid() == 0 else []),
            ],
            # The token by environment: arguments are seen by every user of the machine.
            env={**os.environ, **environment, "JUPYTER_TOKEN": token, "JUPYTER_CONFIG_DIR": str(config)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: we end it in order
        )  # fmt: skip
    try:
        _wait_until_ready(process, f"http://127.0.0.1:{port}/api", log)
    except BaseException:
        stop_lab(process)
        raise
    inside = quote(str(notebook.relative_to(root)))
    return Lab(process, f"http://127.0.0.1:{port}/lab/tree/{inside}?token={token}")


def stop_lab(process: "subprocess.Popen[bytes]") -> None:
    """End JupyterLab and its kernels."""
    process.terminate()
    try:
        process.wait(_STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SetupError(f"port {port} cannot be used: {error.strerror}. Choose another: --port N.") from error
        chosen: int = probe.getsockname()[1]
        return chosen


def _wait_until_ready(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with opener.open(address, timeout=2):
                return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise SetupError(f"JupyterLab did not start. What it said is in {log}.")
