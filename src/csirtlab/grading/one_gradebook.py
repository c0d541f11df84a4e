"""One gradebook for all of nbgrader's steps: it opens one, and commits, many times for each submission.

Opening one looks at every table, and each commit waits for the disk. Here the steps share a gradebook that
is open already, and what they write becomes durable together, or not at all.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from nbgrader.api import Gradebook
from sqlalchemy import event
from sqlalchemy.exc import SAWarning

_PATIENCE_MS = 60_000  # a formgrader may write meanwhile


class OneGradebook(Gradebook):
    """A gradebook whose ``commit`` and ``close`` wait for ``keep`` and ``end``."""

    def __init__(self, db_url: str, course_id: str) -> None:
        super().__init__(db_url, course_id)
        self._session: Any = self.db
        self.db: Any = _Uncommitted(self._session)
        if db_url.startswith("sqlite"):
            event.listen(self.engine, "connect", _patient_sqlite)
            self._session.remove()
            self.engine.dispose()  # connections from now on are patient

    def __enter__(self) -> Self:
        return self

    def close(self) -> None:
        """Keep it open: the next step needs it."""

    def keep(self) -> None:
        """Make durable what was written since the last time."""
        self._session.commit()

    def forget(self) -> None:
        """Drop what was written since the last time, and all that was read."""
        self._session.rollback()
        self._session.remove()

    def end(self) -> None:
        """Let go of the database."""
        self.forget()
        self.engine.dispose()


@contextmanager
def shared(gradebook: OneGradebook) -> Iterator[None]:
    """Let every module that opens an nbgrader gradebook get ``gradebook``; not for several threads.

    Modules have the class under their own names, so that it is replaced in each of them.
    """
    holders = [
        module for module in list(sys.modules.values()) if getattr(module, "__dict__", {}).get("Gradebook") is Gradebook
    ]

    def give(*_: object, **__: object) -> Any:
        return gradebook

    for module in holders:
        if module.__name__ != __name__:
            module.Gradebook = give  # type: ignore[attr-defined]
    try:
        with warnings.catch_warnings():
            # nbgrader's own: it adds a submission to a student before it adds it to the session.
            warnings.simplefilter("ignore", SAWarning)
            yield
    finally:
        for module in holders:
            module.Gradebook = Gradebook  # type: ignore[attr-defined]


class _Uncommitted:
    """A session that flushes where it is asked to commit."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def commit(self) -> None:
        self._session.flush()

    def remove(self) -> None:
        """Keep the session."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def _patient_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
    # EXTRA: with FULL, a power cut right after a commit may still undo it (sqlite.org/pragma.html#pragma_synchronous).
    cursor.execute("PRAGMA synchronous = EXTRA")
    cursor.close()
