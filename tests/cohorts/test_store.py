"""The store gives each account a uid of its own and knows who is what where."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import IntegrityError
from tests.databases import Postgres

from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import FIRST_UID, Account, Cohort, Membership, Store, add_account
from csirtlab.languages import Language


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store(database)
    yield opened
    opened.close()


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


def test_two_who_add_people_at_once_do_not_take_the_same_uid(store: Store) -> None:
    def add(number: int) -> None:
        with store.session() as session:
            add_account(session, f"person{number}", "Somebody", Language.EN, None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))

    with store.session() as session:
        uids = [account.uid for account in session.query(Account)]
    assert sorted(uids) == list(range(FIRST_UID, FIRST_UID + 24))


def test_a_membership_needs_its_person_and_its_cohort(store: Store) -> None:
    with pytest.raises(IntegrityError), store.session() as session:
        session.add(Membership(cohort_name="quito", username="ana", role=Role.TRAINEE.value))


def test_what_was_stored_is_there_when_the_store_is_opened_again(store: Store, database: str) -> None:
    enrol(store, "quito", "ana", Role.TRAINEE)
    store.close()

    again = Store(database)

    assert again.cohorts_of("ana") == ["quito"]
    again.close()


def test_letters_of_all_our_languages_are_kept(store: Store) -> None:
    with store.session() as session:
        add_account(session, "nunez", "María Núñez Gonçalves-Lévêque", Language.PT, None)

    account = store.account("nunez")
    assert account is not None and account.name == "María Núñez Gonçalves-Lévêque"


def test_a_database_that_was_restarted_is_used_again(postgres: Postgres) -> None:
    store = Store(postgres.database())
    enrol(store, "quito", "ana", Role.TRAINEE)

    postgres.restart()

    assert store.role("quito", "ana") is Role.TRAINEE
    store.close()
