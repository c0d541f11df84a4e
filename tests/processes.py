"""Processes that a test has started: how many of them live, and waiting for what they do."""

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 120  # a shared machine may be slow; no test measures time


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def living(session: int) -> int:
    """Return how many processes of a session live, its leader included."""
    count = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        count += fields[3] == str(session) and fields[0] != "Z"
    return count
