"""What tests of several floors share: two kinds of database, a folder for every uid, a real hub, a real browser."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.databases import Postgres
from tests.integration.hubs import CHROMIUM, Hub, free_port, start_hub, stop_hub


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, for the whole run."""
    with Postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes an empty database and returns its address; every test with it runs on both kinds."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return server.database
    names = iter(f"database-{number}" for number in range(9))
    return lambda: f"sqlite:///{tmp_path / next(names)}"


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The address of an empty database, in turn of both kinds."""
    return new_database()


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that other users can get as far as; not below pytest's, which pytest closes at each of its starts."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


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
