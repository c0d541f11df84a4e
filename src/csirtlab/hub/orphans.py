"""What a killed hub leaves behind, ended before the next one starts; its users' servers are not among it."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from csirtlab.cohorts.folders import Home
from csirtlab.hub.run_settings import is_free

SECONDS_TO_END = 5.0
PAUSE_S = 0.05
PROXY = b"configurable-http-proxy"


def end_orphaned_proxy(home: Home) -> None:
    """End the proxy that a killed hub of this home left: it holds the port, and leads nowhere.

    For who holds the home's lock. Removes the proxy's pid file in any case: JupyterHub would end
    whatever process has that number by now, after a power cut some other program.
    """
    file = home.hub / "proxy.pid"
    try:
        pid = int(file.read_text())
    except (FileNotFoundError, ValueError):
        pid = 0
    if pid > 0 and _is_proxy_of(pid, home):
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.kill(pid, number)
            if _comes_true(lambda: _has_ended(pid)):
                break
    file.unlink(missing_ok=True)


def wait_for_ports(ports: Iterable[int]) -> None:
    """Wait a few seconds until these ports of loopback are free: a killed hub's service takes one to end.

    Servers that outlived the hub know these ports. Those still taken after that are given up.
    """
    _comes_true(lambda: all(is_free("127.0.0.1", port) for port in ports if port))


def _is_proxy_of(pid: int, home: Home) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return PROXY in command and b"CSIRTLAB_HOME=" + os.fsencode(home.root) in environment


def _has_ended(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    # A process gives back its memory first and its ports after that; as a zombie it has given back both.
    return status.rpartition(")")[2].split()[0] in ("Z", "X")


def _comes_true(claim: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS_TO_END
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_S)
    return True
