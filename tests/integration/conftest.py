"""Fixtures: a real hub that tests share, and a real browser."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.integration.hubs import CHROMIUM, Hub, free_port, start_hub, stop_hub


@pytest.fixture(scope="session")
def shared_hub() -> Iterator[Hub]:
    """The demo hub, for every test that leaves it as it was."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-hub-") as folder:
        # Each server runs under a uid of its own and must get as far as its home.
        Path(folder).chmod(0o711)
        hub = start_hub(Path(folder) / "state", free_port())
        yield hub
        stop_hub(hub)


@pytest.fixture(scope="module")  # while it runs, no other test of this process can run an event loop
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield started
        started.close()
