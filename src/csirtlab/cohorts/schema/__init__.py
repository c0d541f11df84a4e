"""The store's tables brought up to date: migrations in ``versions/``, run by Alembic under a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import Engine

from csirtlab.errors import SetupError

FIRST = "v0001"
"""What a database without a version has, if it has our tables: they were made before versions were noted."""

_LOCK = 0x63736972  # "csir": an advisory lock of PostgreSQL, for as long as the transaction lasts

_one_at_a_time = Lock()
"""Of the threads of a process: what migrations call, ``alembic.op``, belongs to the module and not to a thread."""


def newest_version() -> str:
    """Return the version of the tables that this program works with."""
    found = _scripts().get_current_head()
    assert found is not None
    return found


def version_of(connection: Connection) -> str | None:
    """Return the version of a database's tables; None when there is none yet."""
    return MigrationContext.configure(connection).get_current_revision()


def ensure_schema(engine: Engine) -> None:
    """Bring the tables of a database up to date; whoever comes second finds it done.

    A migration is done whole or not at all.

    Raises:
        SetupError: A newer program made these tables, or others than ours are in the way.
    """
    with engine.connect() as connection:
        if version_of(connection) == newest_version():
            return
    with _alone(engine) as connection:
        version = version_of(connection) or _adopted(connection)
        _refuse_newer(engine, version)
        if version != newest_version():
            _migrate(connection, version)


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction that no other process can have at the same time."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Python's driver begins no transaction before a change of tables: each would be for itself.
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
            return
        with connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield connection


def _adopted(connection: Connection) -> str | None:
    """Return which version tables without a note of it have; None when there are none."""
    ours = {"accounts", "cohorts", "memberships"}
    there = ours & set(inspect(connection).get_table_names())
    if there and there != ours:
        raise SetupError(
            f"the database has the tables {', '.join(sorted(there))} but not {', '.join(sorted(ours - there))}: "
            "they are not csirtlab's, or damaged. Name another database, or restore a backup."
        )
    return FIRST if there else None


def _refuse_newer(engine: Engine, version: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if version is not None and version not in known:
        raise SetupError(
            f"{engine.url.render_as_string(hide_password=True)} has tables of version {version}, and this program "
            f"knows none after {newest_version()}: a newer csirtlab wrote there. Start that one again, or restore the "
            "backup from before the update."
        )


def _migrate(connection: Connection, version: str | None) -> None:
    scripts = _scripts()

    def steps(noted: Any, _context: MigrationContext) -> Any:
        return scripts._upgrade_revs("head", noted)  # as alembic.command.upgrade does; there is no public name

    with _one_at_a_time, EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection)
        if version is not None and version_of(connection) is None:
            environment.get_context().stamp(scripts, version)
        environment.run_migrations()
