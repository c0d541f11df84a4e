"""What tests of several floors share: the two kinds of database, a folder that every uid can reach."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.databases import Postgres


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
