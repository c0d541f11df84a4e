"""The store gives each account a uid of its own and knows who is what where."""

from pathlib import Path

import pytest

from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import FIRST_UID, Cohort, Membership, Store, add_account
from csirtlab.languages import Language


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'csirtlab.sqlite'}")


def enrol(store: Store, cohort: str, username: str, role: Role) -> None:
    with store.session() as session:
        if session.get(Cohort, cohort) is None:
            session.add(Cohort(name=cohort, course="detection", title="Detection", language="en", secret="00"))
        add_account(session, username, username.title(), Language.EN, None)
        session.flush()
        session.add(Membership(cohort_name=cohort, username=username, role=role.value))


def test_uids_are_never_shared(store: Store) -> None:
    for name in ("ana", "ben", "eva"):
        enrol(store, "quito", name, Role.TRAINEE)

    assert [account.uid - FIRST_UID for account, _ in store.people("quito")] == [0, 1, 2]


def test_a_role_holds_in_its_cohort_only(store: Store) -> None:
    enrol(store, "quito", "irene", Role.INSTRUCTOR)
    enrol(store, "lima", "ben", Role.TRAINEE)

    assert store.role("quito", "irene") is Role.INSTRUCTOR
    assert store.role("lima", "irene") is None


def test_a_failed_step_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(RuntimeError), store.session() as session:
        add_account(session, "ana", "Ana", Language.EN, None)
        raise RuntimeError

    assert store.account("ana") is None
