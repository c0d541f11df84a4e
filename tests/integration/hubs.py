"""A real hub, started as an operator starts it, and a real browser."""

import csv
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 90_000  # a shared machine may be slow; no test measures time


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Hub:
    """A hub that runs, and what an operator knows about it."""

    home: Path
    port: int
    process: "subprocess.Popen[str]"
    told: Path  # what `up` printed
    origin: str = ""  # where it is not on loopback's address

    @property
    def url(self) -> str:
        return self.origin or f"http://127.0.0.1:{self.port}"

    def passphrase(self, username: str, cohort: str = "demo") -> str:
        rows = csv.DictReader((self.home / "sign-ins" / f"{cohort}.csv").read_text().splitlines())
        return next(row["passphrase"] for row in rows if row["username"] == username)

    def log(self) -> str:
        return (self.home / "log" / "hub.log").read_text(errors="replace")


def start_hub(home: Path, port: int, *options: str) -> Hub:
    """Start ``./csirtlab up`` and wait until it has told the address."""
    told = home.with_name(f"{home.name}.told")
    with told.open("w") as out:  # of this start alone
        process = subprocess.Popen(
            [ROOT / "csirtlab", "up", "--home", home, "--port", str(port), *options],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, text=True, cwd=ROOT,
        )  # fmt: skip
    hub = Hub(home, port, process, told)
    # The first start installs everything: five minutes are the promise.
    deadline = time.monotonic() + 600
    while "The hub is at" not in told.read_text():
        assert process.poll() is None, told.read_text()
        assert time.monotonic() < deadline, told.read_text()
        time.sleep(0.2)
    return hub


def stop_hub(hub: Hub) -> None:
    if hub.process.poll() is None:
        hub.process.send_signal(signal.SIGINT)
    hub.process.wait(60)


def processes_of(home: Path) -> list[str]:
    """Return the command lines of all processes that know this home, by argument or environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in command + environment and int(folder.name) != os.getpid():
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def servers_of(home: Path) -> dict[str, int]:
    """Return the process of each account's server of the hub on ``home``, the innermost one."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text(errors="replace")
            if "csirtlab.hub.start_server" not in command or "bwrap" in command:
                continue
            words = (folder / "environ").read_text(errors="replace").split("\0")
            name = next(word.split("=")[1] for word in words if word.startswith("JUPYTERHUB_USER="))
            own = home / "cohorts" / name.removeprefix("grade-") if name.startswith("grade-") else home / "homes" / name
            inside = folder / "root" / next(w.split("=")[1] for w in words if w.startswith("HOME=")).lstrip("/")
            if inside.samefile(own):
                found[name] = int(folder.name)
        except (OSError, StopIteration):
            continue
    return found


class Visitor:
    """Somebody at a browser of their own, who notices requests to foreign hosts."""

    def __init__(self, browser: Browser, hub: Hub, locale: str = "en-US") -> None:
        self.hub = hub
        self.foreign: list[str] = []
        size: ViewportSize = {"width": 1280, "height": 900}
        context = browser.new_context(viewport=size, locale=locale, ignore_https_errors=True)
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", lambda request: self._note(request.url))
        self.page: Page = context.new_page()

    def _note(self, url: str) -> None:
        if not url.startswith((self.hub.url, f"ws://127.0.0.1:{self.hub.port}", "data:", "blob:", "about:")):
            self.foreign.append(url)

    def sign_in(self, username: str, cohort: str = "demo", passphrase: str | None = None) -> None:
        self.page.goto(self.hub.url)
        self.page.fill("#username_input", username)
        self.page.fill("#password_input", passphrase or self.hub.passphrase(username, cohort))
        self.page.click("#login_submit")
        self.page.wait_for_url("**/services/workshop/")

    def close(self) -> None:
        self.page.context.close()
