"""The store of people and cohorts: a table each, in SQLite or PostgreSQL."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import DateTime, ForeignKey, delete, false, func, select, text, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from csirtlab.cohorts.databases import database_url, open_database
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.schema import ensure_schema
from csirtlab.errors import SetupError
from csirtlab.languages import Language

FIRST_UID = 200_000
"""Start of the range from which each account gets a uid of its own; no system user has them."""

SERVICE_UID = FIRST_UID - 1
"""The workshop's service and the gate run under it when the hub runs as root."""

GATE_UID = FIRST_UID - 2
"""nginx runs under it then, which strangers speak to; and the group of those who may speak to inner sockets."""


class Base(DeclarativeBase):
    """Base of the tables."""


class Account(Base):
    """Somebody who has a server: a person, or a cohort (whose server has the formgrader).

    ``uid`` is never given twice, so that no one inherits another's files. Without a hash there is
    no signing in by passphrase.
    """

    __tablename__ = "accounts"
    username: Mapped[str] = mapped_column(primary_key=True)
    uid: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str]
    language: Mapped[str]
    passphrase_hash: Mapped[str | None]
    memberships: Mapped[list["Membership"]] = relationship(back_populates="account")


class Cohort(Base):
    """One run of a course."""

    __tablename__ = "cohorts"
    name: Mapped[str] = mapped_column(primary_key=True)
    course: Mapped[str]
    title: Mapped[str]
    language: Mapped[str]
    secret: Mapped[str]  # 32 bytes, hexadecimal; every case's seed comes from it
    memberships: Mapped[list["Membership"]] = relationship(back_populates="cohort")


class Membership(Base):
    """That a person is in a cohort, and as what."""

    __tablename__ = "memberships"
    cohort_name: Mapped[str] = mapped_column(ForeignKey("cohorts.name"), primary_key=True)
    username: Mapped[str] = mapped_column(ForeignKey("accounts.username"), primary_key=True, index=True)
    role: Mapped[str]
    account: Mapped[Account] = relationship(back_populates="memberships")
    cohort: Mapped[Cohort] = relationship(back_populates="memberships")


def _now() -> datetime:
    return datetime.now(UTC)


class Ending(Base):
    """That what somebody has open must end, because they may no longer what they might.

    Written in the transaction that changes their rights; the hub deletes it when nothing of theirs is open any more.
    """

    __tablename__ = "endings"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    reason: Mapped[str]  # for the hub's log
    time: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class Store:
    """People, cohorts and memberships."""

    def __init__(self, url: str) -> None:
        """Open the store, its tables brought up to date.

        Raises:
            SetupError: The address is none, nothing answers there, or a newer program wrote there.
        """
        self._engine: Engine = open_database(url)
        try:
            ensure_schema(self._engine)
        except OperationalError as error:
            self._engine.dispose()
            raise SetupError(
                f"the database {self._engine.url.render_as_string(hide_password=True)} cannot be used: "
                f"{str(error.orig).strip()}. Start it, or correct its address: see docs/reference/configuration.md"
            ) from error
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give a session that is committed at the end, or rolled back by an exception."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def account(self, username: str) -> Account | None:
        """Return an account by its name."""
        with self.session() as session:
            return session.get(Account, username)

    def cohort(self, name: str) -> Cohort | None:
        """Return a cohort by its name."""
        with self.session() as session:
            return session.get(Cohort, name)

    def cohorts(self) -> list[Cohort]:
        """Return all cohorts by name."""
        with self.session() as session:
            return list(session.scalars(select(Cohort).order_by(Cohort.name)))

    def role(self, cohort: str, username: str) -> Role | None:
        """Return what a person is in a cohort; None when they are not in it."""
        with self.session() as session:
            found = session.get(Membership, (cohort, username))
            return Role(found.role) if found else None

    def cohorts_of(self, username: str) -> list[str]:
        """Return the names of the cohorts that a person is in, sorted."""
        with self.session() as session:
            rows = select(Membership.cohort_name).where(Membership.username == username)
            return sorted(session.scalars(rows))

    def people(self, cohort: str) -> list[tuple[Account, Role]]:
        """Return everybody in a cohort with their role, by user name."""
        with self.session() as session:
            rows = select(Account, Membership.role).join(Membership).where(Membership.cohort_name == cohort)
            return [(account, Role(role)) for account, role in session.execute(rows.order_by(Account.username))]

    def endings(self) -> list[Ending]:
        """Return whose sessions have to end, the earliest first."""
        with self.session() as session:
            return list(session.scalars(select(Ending).order_by(Ending.id)))

    def ended(self, ending: int) -> None:
        """Note that nothing of theirs is open any more."""
        with self.session() as session:
            session.execute(delete(Ending).where(Ending.id == ending))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def hold_accounts(session: Session) -> None:
    """Let nobody else add accounts until the session ends: two must not take the same uid."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE"))
    else:
        # Changes nothing; SQLite takes its lock for writing all the same.
        session.execute(update(Account).where(false()).values(uid=0).execution_options(synchronize_session=False))


def add_account(session: Session, username: str, name: str, language: Language, hashed: str | None) -> Account:
    """Add an account with the next free uid."""
    hold_accounts(session)
    highest = session.scalar(select(func.max(Account.uid)))
    account = Account(
        username=username,
        uid=FIRST_UID if highest is None else highest + 1,
        name=name,
        language=language.value,
        passphrase_hash=hashed,
    )
    session.add(account)
    session.flush()
    return account


def has_store(home: Path) -> bool:
    """Return whether ``open_store`` would find one that is there."""
    return database_url(home) is not None or _sqlite_path(home).exists()


def open_store(home: Path) -> Store:
    """Open the store under ``home``, or the one that was named instead (``database_url``)."""
    if url := database_url(home):
        return Store(url)
    home.mkdir(parents=True, exist_ok=True, mode=0o711)
    path = _sqlite_path(home)
    # The journal as well: the workshop's service writes here, too, and may make no file in the home.
    for file in (path, path.with_name(f"{path.name}-journal")):
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
            if os.geteuid() == 0:
                os.chown(file, SERVICE_UID, SERVICE_UID)
    return Store(f"sqlite:///{path}")


def _sqlite_path(home: Path) -> Path:
    return home / "csirtlab.sqlite"
