"""A cohort comes into being: folder, secret, people, personal sign-ins."""

import json
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session

from csirtlab.cohorts.folders import Home, ensure_owned, give_tree, move_aside, remove_tree, write_private
from csirtlab.cohorts.gradebook import enter_trainees
from csirtlab.cohorts.owned import as_owner
from csirtlab.cohorts.passphrases import hash_passphrase, make_passphrase
from csirtlab.cohorts.roster import RESERVED, Entry
from csirtlab.cohorts.sign_ins import SignIn, add_sign_ins, write_sign_ins
from csirtlab.cohorts.store import Account, Cohort, Membership, Store, add_account, hold_accounts
from csirtlab.content.courses import Course
from csirtlab.errors import CohortError
from csirtlab.labs.source import assemble_source
from csirtlab.languages import Language

NAME = re.compile(r"[a-z][a-z0-9-]{1,25}")

NBGRADER_CONFIG = """\
# The platform's settings for nbgrader come first; add this cohort's own below.
from csirtlab.settings import content_root

c = get_config()
load_subconfig(str(content_root() / "grader" / "nbgrader_config.py"))
"""

Progress = Callable[[int, int], None]


def cohort_account(cohort: str) -> str:
    """Return the name of the account whose server is the cohort's formgrader."""
    return f"{RESERVED}{cohort}"


def cohort_of_account(username: str) -> str | None:
    """Return the cohort whose own server runs under this account name; None for a person."""
    name = username.removeprefix(RESERVED)
    return name if username != name and NAME.fullmatch(name) and cohort_account(name) == username else None


def check_name(name: str) -> None:
    """Return if a cohort may be called so; CohortError otherwise."""
    if not NAME.fullmatch(name):
        raise CohortError(f'"{name}" cannot name a cohort. 2 to 26 of a-z, 0-9 and hyphen, a letter first: quito-2027')


def refuse_taken(store: Store, name: str) -> None:
    """Return if no cohort is called so yet; CohortError otherwise."""
    if store.cohort(name):
        raise CohortError(
            f'there is a cohort "{name}" already. Choose another name, or add people: csirtlab cohort add {name}'
        )


def create_cohort(
    store: Store,
    home: Home,
    *,
    name: str,
    course: Course,
    roster: Sequence[Entry],
    language: Language,
    progress: Progress = lambda _done, _all: None,
) -> list[SignIn]:
    """Create a cohort with its folder, and accounts for people who have none yet.

    Everything is made aside first; the cohort exists from the moment the store says so. The
    sign-ins also go to ``sign-ins/NAME.csv``, readable by the operator alone.

    Raises:
        CohortError: The name is taken or cannot be used.
    """
    check_name(name)
    refuse_taken(store, name)
    home.ensure()
    secret = secrets.token_hex(32)
    _make_folder(home, name, course, roster, language, secret)
    new = [entry for entry in roster if not store.account(entry.username)]
    passphrases = {entry.username: make_passphrase() for entry in new}
    hashes = _hash_all(passphrases, progress)
    sign_ins = [SignIn(entry.username, entry.name, entry.role, passphrases.get(entry.username)) for entry in roster]
    # Before the store has their hashes: nobody else ever knows these passphrases.
    write_sign_ins(home, name, sign_ins)
    with store.session() as session:
        server = add_account(session, cohort_account(name), course.title, language, None)
        session.add(Cohort(name=name, course=course.name, title=course.title, language=language, secret=secret))
        session.flush()
        _enrol(session, name, roster, hashes)
    give_tree(home.cohort(name), server.uid)
    ensure_homes(store, home, name)
    return sign_ins


def add_people(store: Store, home: Home, *, cohort: str, roster: Sequence[Entry]) -> list[SignIn]:
    """Add people to a cohort; returns those who were not in it. Their sign-ins are added to the file's."""
    missing = [entry for entry in roster if store.role(cohort, entry.username) is None]
    passphrases = {entry.username: make_passphrase() for entry in missing if not store.account(entry.username)}
    hashes = _hash_all(passphrases, lambda _done, _all: None)
    added = [SignIn(entry.username, entry.name, entry.role, passphrases.get(entry.username)) for entry in missing]
    add_sign_ins(home, cohort, added)
    with store.session() as session:
        _enrol(session, cohort, missing, hashes)
    ensure_homes(store, home, cohort)
    tell_folder(store, home, cohort)
    return added


def tell_folder(store: Store, home: Home, cohort: str) -> None:
    """Bring ``roster.json`` and the gradebook in a cohort's folder up to who is in it; nobody's work is removed.

    Raises:
        CohortError: Something in the folder stands in the way.
    """
    server = store.account(cohort_account(cohort))
    if server is None:
        raise CohortError(f'the account of "{cohort}" is missing. Use another --home, or restore a backup.')
    folder = home.cohort(cohort)
    if os.geteuid() == 0 and folder.lstat().st_uid == 0:
        give_tree(folder, server.uid)  # its creation was cut off before
    everybody = [
        Entry(account.username, account.name, Language(account.language), role)
        for account, role in store.people(cohort)
    ]

    def tell() -> None:
        write_private(folder / "roster.json", roster_document(everybody))
        enter_trainees(folder, cohort, everybody)

    as_owner(folder, server.uid, tell)


def ensure_homes(store: Store, home: Home, cohort: str) -> None:
    """Make a home folder, owned by its uid, for everybody in a cohort."""
    for account, _role in store.people(cohort):
        ensure_owned(home.person(account.username), account.uid)


def roster_document(roster: Sequence[Entry]) -> str:
    """Return ``roster.json`` as the cohort's own folder keeps it for grading."""
    people = [
        {"username": entry.username, "name": entry.name, "language": entry.language, "role": entry.role}
        for entry in roster
    ]
    return json.dumps({"people": people}, ensure_ascii=False, indent=1) + "\n"


def _make_folder(
    home: Home, name: str, course: Course, roster: Sequence[Entry], language: Language, secret: str
) -> None:
    aside = home.root / "cohorts" / f".{name}.new"
    remove_tree(aside)
    # Not in the store: left over from a creation that was cut off; or the store is another than before, and in
    # there are the secret and the scores of a workshop.
    move_aside(home.cohort(name))
    aside.mkdir(mode=0o700)
    write_private(aside / "secret", secret + "\n")
    write_private(aside / "roster.json", roster_document(roster))
    document = {"name": name, "course": course.name, "title": course.title, "language": language.value}
    (aside / "cohort.json").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
    (aside / "nbgrader_config.py").write_text(NBGRADER_CONFIG, encoding="utf-8")
    for folder in ("source", "release", "submitted", "autograded", "feedback"):
        (aside / folder).mkdir()
    for lab in course.labs:
        assemble_source(lab, aside / "source" / lab.name)
    enter_trainees(aside, name, roster)
    aside.rename(home.cohort(name))


def _hash_all(passphrases: Mapping[str, str], progress: Progress) -> dict[str, str]:
    hashes: dict[str, str] = {}
    # Two threads: argon2 lets go of the interpreter's lock, and small servers have two cores.
    with ThreadPoolExecutor(max_workers=2) as pool:
        for username, hashed in zip(passphrases, pool.map(hash_passphrase, passphrases.values()), strict=True):
            hashes[username] = hashed
            progress(len(hashes), len(passphrases))
    return hashes


def _enrol(session: Session, cohort: str, roster: Sequence[Entry], hashes: Mapping[str, str]) -> None:
    hold_accounts(session)
    for entry in roster:
        account = session.get(Account, entry.username)
        if account is None:
            account = add_account(session, entry.username, entry.name, entry.language, hashes[entry.username])
        if session.get(Membership, (cohort, entry.username)) is None:
            session.add(Membership(cohort_name=cohort, username=entry.username, role=entry.role.value))
