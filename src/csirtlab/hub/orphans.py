"""What a killed hub leaves behind, ended before the next one starts; its users' servers are not among it."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from csirtlab.cohorts.folders import Home
from csirtlab.hub.gatekeeper import nginx_pid

SECONDS_TO_END = 5.0
PAUSE_S = 0.05
PROGRAM = b"nginx: master process"


def end_orphaned_gate(home: Home) -> None:
    """End the nginx that a killed ``up`` of this home left: it holds the port, and leads nowhere.

    For who holds the home's lock. The number in nginx's file may be another program's by now, after a
    power cut: only an nginx with this home's configuration is ended.
    """
    file = nginx_pid(home)
    try:
        pid = int(file.read_text())
    except (FileNotFoundError, ValueError):
        pid = 0
    if pid > 0 and _is_gate_of(pid, home):
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.kill(pid, number)
            if _comes_true(lambda: _has_ended(pid)):
                break
    file.unlink(missing_ok=True)


def _is_gate_of(pid: int, home: Home) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return PROGRAM in command and os.fsencode(home.gate / "nginx.conf") in command


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
