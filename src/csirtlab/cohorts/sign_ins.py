"""The files in ``sign-ins/``: passphrases in clear that wait to be handed out, and none that was renewed."""

import csv
import fcntl
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from csirtlab.cohorts.folders import Home, write_private
from csirtlab.cohorts.passphrases import is_passphrase
from csirtlab.cohorts.store import Store
from csirtlab.errors import CohortError

_COLUMNS = ("username", "name", "role", "passphrase")


@dataclass(frozen=True)
class SignIn:
    """What a person needs to sign in; the passphrase is None when they have one from before."""

    username: str
    name: str
    role: str
    passphrase: str | None


def read_sign_ins(home: Home, cohort: str) -> list[SignIn]:
    """Return the sign-ins that wait to be handed out; none after the file was deleted."""
    return _read(_path(home, cohort))


def write_sign_ins(home: Home, cohort: str, sign_ins: Sequence[SignIn]) -> None:
    """Let a cohort's file say these alone, readable by the operator alone."""
    with _alone(home):
        _write(_path(home, cohort), sign_ins)


def add_sign_ins(home: Home, cohort: str, added: Sequence[SignIn]) -> None:
    """Add people to a cohort's file; who waits there already stays."""
    names = {person.username for person in added}
    with _alone(home):
        path = _path(home, cohort)
        _write(path, [*(person for person in _read(path) if person.username not in names), *added])


def current_sign_ins(store: Store, home: Home, cohort: str) -> list[SignIn]:
    """Return the sign-ins that wait, each passphrase only as long as it is the one that signs in."""
    return [person if _signs_in(store, person) else replace(person, passphrase=None)
            for person in read_sign_ins(home, cohort)]  # fmt: skip


def forget_old_passphrase(store: Store, home: Home, username: str) -> None:
    """Take a passphrase of theirs that no longer signs in out of every file; the line stays, without it.

    Raises:
        CohortError: A file there is not such a table any more.
    """

    def without_old(person: SignIn) -> SignIn | None:
        if person.username != username or _signs_in(store, person):
            return person
        return replace(person, passphrase=None)

    _change_all(home, without_old)


def forget_person(home: Home, cohort: str, username: str) -> None:
    """Take somebody who left a cohort out of its file."""
    _change_all(home, lambda person: None if person.username == username else person, only=_path(home, cohort))


def _change_all(home: Home, change: Callable[[SignIn], SignIn | None], only: Path | None = None) -> None:
    with _alone(home):
        for path in sorted(home.sign_ins.glob("*.csv")):
            if only not in (None, path):
                continue
            before = _read(path)
            after = [changed for person in before if (changed := change(person))]
            if after != before:
                _write(path, after)


def _signs_in(store: Store, person: SignIn) -> bool:
    """Return whether a line may stay as it is: it has no passphrase, or one that is right."""
    account = store.account(person.username)
    if person.passphrase is None:
        return True
    return bool(account and account.passphrase_hash and is_passphrase(person.passphrase, account.passphrase_hash))


def _path(home: Home, cohort: str) -> Path:
    return home.sign_ins / f"{cohort}.csv"


def _read(path: Path) -> list[SignIn]:
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        return [SignIn(row["username"], row["name"], row["role"], row["passphrase"] or None) for row in rows]
    except FileNotFoundError:
        return []
    except (KeyError, ValueError, csv.Error) as error:
        raise CohortError(
            f"{path} is not the table of passphrases any more ({error!r}). Hand out what is in it, then delete it."
        ) from error


def _write(path: Path, sign_ins: Sequence[SignIn]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for person in sign_ins:
        writer.writerow((person.username, person.name, person.role, person.passphrase or ""))
    write_private(path, text.getvalue())


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Hold the folder: a command and the hub must not write each other's changes away."""
    home.sign_ins.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(home.sign_ins, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
