"""Who signs in, and how tries are counted: before they are looked at, by an address that nobody can make up."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError

from csirtlab.cohorts.passphrases import hash_passphrase, is_passphrase, make_passphrase
from csirtlab.cohorts.store import Account, Cohort, Membership, Store, add_account, open_store
from csirtlab.hub import authenticator
from csirtlab.hub.attempts import FREE_ATTEMPTS, Attempts
from csirtlab.hub.authenticator import RosterAuthenticator, counted_as, sent_from
from csirtlab.languages import Language


def test_an_address_that_the_browser_claims_does_not_count() -> None:
    headers = HTTPHeaders({"X-Real-Ip": "203.0.113.9", "X-Forwarded-For": "198.51.100.1, 192.0.2.7"})

    assert sent_from(headers, "203.0.113.9") == "192.0.2.7"


def test_a_trusted_proxy_before_ours_is_looked_through() -> None:
    headers = HTTPHeaders({"X-Real-Ip": "192.0.2.7", "X-Forwarded-For": "198.51.100.1, 192.0.2.7, 10.0.0.1"})

    assert sent_from(headers, "192.0.2.7", ["10.0.0.1"]) == "192.0.2.7"


@pytest.mark.parametrize("forwarded", [{}, {"X-Forwarded-For": "10.0.0.1"}])
def test_made_up_addresses_alone_are_all_the_same(forwarded: dict[str, str]) -> None:
    keys = {
        sent_from(HTTPHeaders({"X-Real-Ip": ip, **forwarded}), ip, ["10.0.0.1"]) for ip in ("192.0.2.1", "192.0.2.2")
    }

    assert len(keys) == 1


def test_without_such_a_header_it_is_what_tornado_says() -> None:
    assert sent_from(HTTPHeaders(), "192.0.2.7") == "192.0.2.7"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2::a", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"), ("2001:db8:1:3::a", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"), ("made up" * 99, ("made up" * 99)[:64]),
    ],
)  # fmt: skip
def test_whoever_has_a_network_of_addresses_has_no_more_tries(address: str, counted: str) -> None:
    assert counted_as(address) == counted


@pytest.mark.parametrize("name", ["ana", " Ana ", "ANA", "ana\n"])
async def test_one_account_has_one_count_however_it_is_typed(roster: Store, passphrase: str, name: str) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert await sign_in("wrong", name) is None

    assert await sign_in(passphrase, "ana") == 429


@pytest.mark.parametrize(
    ("username", "typed"),
    [("", ""), ("ana", ""), ("ana", "\0"), ("ana\0", "x"), ("a" * 10**6, "x"), ("ana", "x" * 10**6),
     ("' OR 1=1 --", "x"), ("../ana", "x"), ("ａｎａ", "x"), ("\ud800", "x"), ("ana", "\ud800")],
    ids=range(11),
)  # fmt: skip
async def test_what_is_no_sign_in_is_refused_like_any_other(roster: Store, username: str, typed: str) -> None:
    assert await sign_in(typed, username) is None


@pytest.fixture(scope="module")
def passphrase() -> str:
    return make_passphrase()


@pytest.fixture
def roster(tmp_path: Path, passphrase: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The people of the cohort quito, ana alone, as the authenticator finds them."""
    store = open_store(tmp_path)
    with store.session() as session:
        add_account(session, "ana", "Ana Quispe", Language.ES, hash_passphrase(passphrase))
        add_account(session, "old", "Once Here", Language.EN, hash_passphrase(passphrase))
        session.add(Cohort(name="quito", course="c", title="C", language="en", secret="00" * 32))
        session.flush()
        session.add(Membership(cohort_name="quito", username="ana", role="trainee"))
    monkeypatch.setattr(RosterAuthenticator, "store", store, raising=False)
    monkeypatch.setattr(RosterAuthenticator, "attempts", Attempts(clock=lambda: 0.0))
    yield store
    store.close()


async def sign_in(passphrase: str, username: str = "ana", address: str = "192.0.2.7") -> str | int | None:
    """Return who came in; None for nobody, the status when the try was not looked at."""
    request = SimpleNamespace(headers=HTTPHeaders(), remote_ip=address)
    try:
        found = await RosterAuthenticator().authenticate(
            SimpleNamespace(request=request), {"username": username, "password": passphrase}
        )
    except HTTPError as error:
        return int(error.status_code)
    return str(found) if found else None


async def test_the_right_passphrase_comes_in_and_a_wrong_one_does_not(roster: Store, passphrase: str) -> None:
    assert await sign_in(passphrase) == "ana"
    assert await sign_in("bafo-timu-rake-polu") is None


async def test_of_forty_tries_at_once_five_are_looked_at(
    roster: Store, passphrase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    check = is_passphrase

    def counted(typed: str, hashed: str) -> bool:
        looked_at.append(typed)
        return check(typed, hashed)

    monkeypatch.setattr(authenticator, "is_passphrase", counted)

    answers = await asyncio.gather(*(sign_in(f"guess-{number}") for number in range(39)), sign_in(passphrase))

    assert len(looked_at) == FREE_ATTEMPTS
    assert answers.count(429) == 40 - FREE_ATTEMPTS
    assert await sign_in(passphrase) == 429


async def test_a_passphrase_that_is_renewed_while_the_old_one_is_checked_does_not_let_in(
    roster: Store, passphrase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_typed: str, _hashed: str) -> bool:
        with roster.session() as session:
            account = session.get(Account, "ana")
            assert account is not None
            account.passphrase_hash = hash_passphrase(make_passphrase())
        return True

    monkeypatch.setattr(authenticator, "is_passphrase", slow)

    assert await sign_in(passphrase) is None


async def test_who_is_in_no_cohort_any_more_does_not_come_in(roster: Store, passphrase: str) -> None:
    assert await sign_in(passphrase, "old") is None


async def test_nobody_signs_in_as_a_cohort(roster: Store, passphrase: str) -> None:
    with roster.session() as session:
        add_account(session, "grade-quito", "Detection", Language.EN, None)

    assert await sign_in("", "grade-quito") is None
