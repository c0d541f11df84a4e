"""Signing in by another service lets in the people of the rosters, and nobody else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.auth import DummyAuthenticator

from csirtlab.cohorts.store import Cohort, Membership, add_account, open_store
from csirtlab.hub.authenticator import RosterAuthenticator
from csirtlab.hub.elsewhere import members_only
from csirtlab.languages import Language


@pytest.fixture
def authenticator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Another service that believes everybody, as the hub would use it; Ana is in the cohort ``quito``."""
    store = open_store(tmp_path)
    monkeypatch.setattr(RosterAuthenticator, "store", store, raising=False)
    with store.session() as session:
        add_account(session, "ana", "Ana Quispe", Language.ES, None)
        add_account(session, "grade-quito", "Detection", Language.EN, None)
        add_account(session, "old", "Once Here", Language.EN, None)
        session.add(Cohort(name="quito", course="c", title="C", language="en", secret="00" * 32))
        session.flush()
        session.add(Membership(cohort_name="quito", username="ana", role="trainee"))
    made = members_only(DummyAuthenticator)(allow_all=True)
    yield made
    store.close()


async def signed_in(authenticator: Any, username: str) -> str | None:
    found = await authenticator.get_authenticated_user(None, {"username": username, "password": ""})
    return str(found["name"]) if found else None


async def test_somebody_on_a_roster_comes_in(authenticator: Any) -> None:
    assert await signed_in(authenticator, "ana") == "ana"


async def test_capitals_in_the_name_do_not_matter(authenticator: Any) -> None:
    assert await signed_in(authenticator, "Ana") == "ana"


async def test_a_stranger_stays_out_although_all_are_allowed(authenticator: Any) -> None:
    assert await signed_in(authenticator, "mallory") is None


async def test_nobody_comes_in_as_a_cohorts_own_account(authenticator: Any) -> None:
    assert await signed_in(authenticator, "grade-quito") is None


async def test_an_account_that_is_in_no_cohort_stays_out(authenticator: Any) -> None:
    assert await signed_in(authenticator, "old") is None
