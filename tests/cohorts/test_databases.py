"""Where the address of a database is read: never from an argument, never shown with its password."""

from pathlib import Path

import pytest

from csirtlab.cohorts.databases import database_url, hub_database_url, open_database
from csirtlab.cohorts.store import Store, open_store
from csirtlab.errors import SetupError

ADDRESS = "postgresql://csirtlab:secret@127.0.0.1:1/csirtlab"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CSIRTLAB_DATABASE_URL", "CSIRTLAB_HUB_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(path: Path, content: str, mode: int = 0o600) -> None:
    path.write_text(content)
    path.chmod(mode)


def test_without_an_address_the_store_is_in_the_home(home: Path) -> None:
    open_store(home).close()

    assert database_url(home) is None
    assert (home / "csirtlab.sqlite").stat().st_size > 0


def test_an_address_is_read_from_a_file_in_the_home(home: Path) -> None:
    write(home / "database-url", f"{ADDRESS}\n")
    write(home / "hub-database-url", f"{ADDRESS}-hub\n")

    assert database_url(home) == ADDRESS
    assert hub_database_url(home) == "postgresql+psycopg://csirtlab:secret@127.0.0.1:1/csirtlab-hub"


def test_the_environment_wins_over_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "database-url", "sqlite:///other")
    monkeypatch.setenv("CSIRTLAB_DATABASE_URL", ADDRESS)

    assert database_url(home) == ADDRESS


def test_a_file_that_others_can_read_is_refused_with_the_command_that_mends_it(home: Path) -> None:
    write(home / "database-url", ADDRESS, mode=0o640)

    with pytest.raises(SetupError, match=f"chmod 600 {home / 'database-url'}"):
        open_store(home)


def test_an_empty_file_is_refused(home: Path) -> None:
    write(home / "database-url", " \n")

    with pytest.raises(SetupError, match="delete it to use SQLite"):
        open_store(home)


@pytest.mark.parametrize("address", [ADDRESS, "postgresql://csirtlab:secret@/x?host=/nowhere"])
def test_a_database_that_does_not_answer_is_told_without_the_password(address: str) -> None:
    with pytest.raises(SetupError) as refused:
        Store(address)

    assert "secret" not in str(refused.value)
    assert "Start it, or correct its address" in str(refused.value)


@pytest.mark.parametrize("address", ["secret", "mysql://csirtlab:secret@localhost/x", "postgresql+secretless://x/y"])
def test_what_cannot_be_a_store_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(SetupError) as refused:
        open_database(address)

    assert ":secret@" not in str(refused.value) and "postgresql" in str(refused.value).lower()
