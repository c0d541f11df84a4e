"""Which databases a hub uses: where their addresses are read, and how they are opened."""

import os
import stat
from pathlib import Path

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from csirtlab.errors import SetupError

_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}


def database_url(home: Path) -> str | None:
    """Return the address of the store of people and cohorts that takes the place of SQLite in the home.

    It is in ``CSIRTLAB_DATABASE_URL``, else in the file ``database-url`` in the home; None: in neither.
    Addresses hold passwords, so they are never arguments.

    Raises:
        SetupError: The file is empty, or others than its owner can read it.
    """
    return os.environ.get("CSIRTLAB_DATABASE_URL") or _in_file(home / "database-url")


def hub_database_url(home: Path) -> str | None:
    """Return the same for JupyterHub's own: ``CSIRTLAB_HUB_DATABASE_URL``, or ``hub-database-url`` in the home."""
    url = os.environ.get("CSIRTLAB_HUB_DATABASE_URL") or _in_file(home / "hub-database-url")
    return parse_url(url).render_as_string(hide_password=False) if url else None


def _in_file(path: Path) -> str | None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SetupError(f"{path} holds a password and can be read by others (mode {mode:04o}): chmod 600 {path}")
        url = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} cannot be read ({error}). It holds the address of a database, on one line.") from None
    if not url:
        raise SetupError(f"{path} is empty. Write the address of a database into it, or delete it to use SQLite.")
    return url


def parse_url(url: str) -> URL:
    """Return an address with the driver that is installed here for its kind of database.

    Raises:
        SetupError: It is no address; the message does not repeat it, as it may hold a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SetupError(
            "the address of the database is none that SQLAlchemy understands. Write it like "
            "postgresql://csirtlab:PASSWORD@127.0.0.1/csirtlab"
        ) from None
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))


def open_database(url: str) -> Engine:
    """Return the engine for an address; nothing is connected yet.

    Raises:
        SetupError: It is no address, or of a kind of database that is not supported.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise SetupError(f'"{parsed.get_backend_name()}" is not supported. Use PostgreSQL, or SQLite in the home.')
    try:
        # Asked before use: a database that was restarted has closed the connections that we keep.
        engine = create_engine(parsed, pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise SetupError(f"{parsed.drivername} has no driver here ({error}). Write postgresql://...") from None
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _careful_sqlite)
    return engine


def _careful_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # DB-API connection, untyped by SQLAlchemy
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA busy_timeout = 10000")
    # Not deleted after each transaction: whoever may write to the database may not make a new one beside it.
    cursor.execute("PRAGMA journal_mode = TRUNCATE")
    cursor.close()
