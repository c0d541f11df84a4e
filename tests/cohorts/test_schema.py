"""The store's tables: made, adopted and brought up to date by migrations; a newer program's are left alone."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Engine

from csirtlab.cohorts.databases import open_database
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.schema import ensure_schema, newest_version, version_of
from csirtlab.cohorts.store import FIRST_UID, Base, Store
from csirtlab.errors import SetupError

FIRST_VERSION = """
CREATE TABLE accounts (
    username VARCHAR NOT NULL, uid INTEGER NOT NULL, name VARCHAR NOT NULL, language VARCHAR NOT NULL,
    passphrase_hash VARCHAR, PRIMARY KEY (username), UNIQUE (uid)
);
CREATE TABLE cohorts (
    name VARCHAR NOT NULL, course VARCHAR NOT NULL, title VARCHAR NOT NULL, language VARCHAR NOT NULL,
    secret VARCHAR NOT NULL, PRIMARY KEY (name)
);
CREATE TABLE memberships (
    cohort_name VARCHAR NOT NULL, username VARCHAR NOT NULL, role VARCHAR NOT NULL,
    PRIMARY KEY (cohort_name, username),
    FOREIGN KEY(cohort_name) REFERENCES cohorts (name), FOREIGN KEY(username) REFERENCES accounts (username)
);
INSERT INTO accounts VALUES ('ana', 200000, 'Ana Quispe', 'es', 'a hash');
INSERT INTO cohorts VALUES ('quito', 'detection', 'Detection', 'es', 'a secret');
INSERT INTO memberships VALUES ('quito', 'ana', 'trainee');
"""
"""What the first version, which noted none, wrote into its database."""


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = open_database(database)
    yield engine
    engine.dispose()


@pytest.fixture
def first_version(engine: Engine) -> Engine:
    with engine.begin() as connection:
        for statement in FIRST_VERSION.split(";")[:-1]:
            connection.execute(text(statement))
    return engine


def noted(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return version_of(connection)


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))


def test_migrations_and_models_agree(engine: Engine) -> None:
    ensure_schema(engine)

    assert differences(engine) == []


def test_a_database_of_the_first_version_is_adopted_and_brought_up_to_date(
    first_version: Engine, database: str
) -> None:
    assert noted(first_version) is None

    store = Store(database)

    assert store.people("quito")[0][1] is Role.TRAINEE
    account, cohort = store.account("ana"), store.cohort("quito")
    assert account is not None and (account.uid, account.passphrase_hash) == (FIRST_UID, "a hash")
    assert cohort is not None and cohort.secret == "a secret"
    assert noted(first_version) == newest_version()
    assert differences(first_version) == []
    store.close()


def test_bringing_up_to_date_twice_changes_nothing(engine: Engine) -> None:
    ensure_schema(engine)
    ensure_schema(engine)

    assert noted(engine) == newest_version()


def test_processes_that_start_together_make_the_tables_once(engine: Engine) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ensure_schema, [engine] * 6))

    assert differences(engine) == []


def test_threads_may_open_several_databases_at_once(new_database: Callable[[], str]) -> None:
    engines = [open_database(new_database()) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ensure_schema, engines))

    assert [differences(engine) for engine in engines] == [[]] * 4
    for engine in engines:
        engine.dispose()


def test_a_migration_that_fails_leaves_everything_as_it_was(
    first_version: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr("alembic.op.create_index", _fail)
        ensure_schema(first_version)
    assert noted(first_version) is None

    ensure_schema(first_version)

    assert noted(first_version) == newest_version()


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError


def test_tables_of_a_newer_program_are_refused_with_what_to_do(engine: Engine, database: str) -> None:
    ensure_schema(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'v9999'"))

    with pytest.raises(SetupError, match=r"version v9999.*Start that one again, or restore the backup"):
        Store(database)

    assert noted(engine) == "v9999"


def test_tables_that_are_not_ours_are_refused(engine: Engine, database: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE accounts (number INTEGER)"))

    with pytest.raises(SetupError, match="Name another database"):
        Store(database)
