"""What changes about people who are here: their passphrase, their role, whether they are in a cohort.

Each change leaves an ending in the store, in the same transaction: the hub takes it, and ends what the person has
open (``hub/endings.py``). Work, submissions and scores stay.
"""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from csirtlab.cohorts.create import cohort_account, cohort_of_account, tell_folder
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.passphrases import hash_passphrase, make_passphrase
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.sign_ins import forget_person
from csirtlab.cohorts.store import Account, Ending, Membership, Store, hold_accounts
from csirtlab.errors import CohortError

RENEWED = "passphrase renewed"


def renew_passphrase(store: Store, username: str) -> str:
    """Replace somebody's passphrase and return the new one; what they have open ends.

    Raises:
        CohortError: Nobody has that name, or it is a cohort's own account.
    """
    passphrase = make_passphrase()
    hashed = hash_passphrase(passphrase)
    with store.session() as session:
        account = session.get(Account, username)
        if account is None or cohort_of_account(username):
            raise CohortError(f'nobody is called "{username}" here. Names are in the roster, and in sign-ins/.')
        _renew(session, account, hashed)
    return passphrase


def renew_for_instructor(store: Store, cohort: str, username: str) -> str:
    """Renew the passphrase of a cohort's trainee for one of its instructors, as far as ``refusal`` lets them.

    Raises:
        CohortError: It is not theirs to renew.
    """
    passphrase = make_passphrase()
    hashed = hash_passphrase(passphrase)
    with store.session() as session:
        hold_accounts(session)  # nobody is put into a second cohort meanwhile
        account = session.get(Account, username)
        rows = select(Membership.cohort_name, Membership.role).where(Membership.username == username)
        roles = {name: Role(role) for name, role in session.execute(rows)}
        if (problem := refusal(cohort, username, roles)) or account is None:
            raise CohortError(problem or f'nobody is called "{username}" here.')
        _renew(session, account, hashed)
    return passphrase


def refusal(cohort: str, username: str, roles: Mapping[str, Role]) -> str | None:
    """Return why an instructor of ``cohort`` may not renew a passphrase, None if they may; ``roles`` are its owner's.

    Whoever renews a passphrase can sign in with it. So its owner must be a trainee, and of this cohort alone:
    through somebody who is in a second one, an instructor of the first could read and hand in there.
    """
    if cohort not in roles:
        return f'"{username}" is not in the cohort "{cohort}". Its roster has the names, in small letters.'
    if roles[cohort] is not Role.TRAINEE:
        return f'"{username}" is an instructor of "{cohort}". Only the operator renews an instructor\'s passphrase.'
    if len(roles) > 1:
        return (
            f'"{username}" is in another cohort, too, which this passphrase opens as well. Ask the operator, who '
            f"runs: csirtlab cohort passphrase {username}"
        )
    return None


def drop(store: Store, home: Home, cohort: str, username: str) -> None:
    """Take somebody out of a cohort; their work, submissions and scores stay, and so does their account.

    Raises:
        CohortError: They are not in it.
    """
    with store.session() as session:
        membership = _membership(session, cohort, username)
        session.delete(membership)
        session.add(Ending(username=username, reason=f"left {cohort}"))
        _end_cohorts_server(session, membership)
    forget_person(home, cohort, username)
    tell_folder(store, home, cohort)


def change_role(store: Store, home: Home, cohort: str, username: str, role: Role) -> bool:
    """Let somebody be what ``role`` says in a cohort; return whether they were not.

    Raises:
        CohortError: They are not in it.
    """
    with store.session() as session:
        membership = _membership(session, cohort, username)
        is_new = membership.role != role
        if is_new:
            _end_cohorts_server(session, membership)
            membership.role = role.value
            session.add(Ending(username=username, reason=f"{role} of {cohort} now"))
    tell_folder(store, home, cohort)
    return is_new


def check_member(store: Store, cohort: str, username: str) -> Role:
    """Return what somebody is in a cohort; CohortError when they, or it, are not there."""
    with store.session() as session:
        return Role(_membership(session, cohort, username).role)


def _membership(session: Session, cohort: str, username: str) -> Membership:
    found = session.get(Membership, (cohort, username))
    if found is None:
        raise CohortError(f'"{username}" is not in a cohort "{cohort}". See those there are: csirtlab cohort list')
    return found


def _end_cohorts_server(session: Session, left: Membership) -> None:
    """Have a cohort's server started anew, if need be: an instructor can have taken its token along."""
    if left.role == Role.INSTRUCTOR:
        reason = f"{left.username} is no instructor any more"
        session.add(Ending(username=cohort_account(left.cohort_name), reason=reason))


def _renew(session: Session, account: Account, hashed: str) -> None:
    account.passphrase_hash = hashed
    session.add(Ending(username=account.username, reason=RENEWED))
