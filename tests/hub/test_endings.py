"""What somebody has open at the hub ends when they may no longer; JupyterHub's own tables and objects are used."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm

from csirtlab.cohorts.databases import parse_url
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.passphrases import hash_passphrase
from csirtlab.cohorts.people import RENEWED
from csirtlab.cohorts.sign_ins import SignIn, read_sign_ins, write_sign_ins
from csirtlab.cohorts.store import Cohort, Ending, Membership, Store, add_account
from csirtlab.hub import endings as module
from csirtlab.hub.endings import Endings, is_due, revoke, shares
from csirtlab.languages import Language

OLD = "bafo-timu-rake-polu"


class Spawner:
    """A server as the hub sees it."""

    def __init__(self, *, pending: str | None = None, active: bool = True) -> None:
        self.pending, self.active, self.pid = pending, active, 4711
        self.killed = False

    async def stop(self, *, now: bool) -> None:
        self.killed = now
        self.pending, self.active = None, False


class User:
    """Somebody with servers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.spawners: dict[str, Any] = {"": Spawner(active=False)}

    async def stop(self, name: str) -> None:
        self.spawners[name].active = False


class Hub:
    """What of JupyterHub's application is used, over its real tables."""

    def __init__(self, db: Any) -> None:
        self.db = db
        self.log = logging.getLogger("hub")
        self.people: dict[str, User] = {}
        self.routes_removed: list[str] = []
        self.proxy = SimpleNamespace(delete_user=self._remove_route)

    @property
    def users(self) -> "Hub":
        return self

    def __getitem__(self, user: orm.User) -> User:
        return self.people.setdefault(user.name, User(user.name))

    async def _remove_route(self, user: User, _name: str) -> None:
        self.routes_removed.append(user.name)


@pytest.fixture
def db(new_database: Callable[[], str]) -> Iterator[Any]:
    """JupyterHub's own database, on each kind in turn."""
    url = parse_url(new_database()).render_as_string(hide_password=False)
    session = orm.new_session_factory(url)()
    yield session
    session.close()
    session.get_bind().dispose()


@pytest.fixture
def store(new_database: Callable[[], str]) -> Iterator[Store]:
    store = Store(new_database())
    with store.session() as session:
        for name in ("ana", "eva", "ivo"):
            add_account(session, name, name, Language.ES, hash_passphrase("new"))
        add_account(session, "grade-quito", "Q", Language.ES, None)
        session.add(Cohort(name="quito", course="c", title="C", language="en", secret="00" * 32))
        session.flush()
        session.add(Membership(cohort_name="quito", username="ana", role="trainee"))
        session.add(Membership(cohort_name="quito", username="eva", role="instructor"))
        session.add(Membership(cohort_name="quito", username="ivo", role="instructor"))
    yield store
    store.close()


@pytest.fixture
def hub(db: Any) -> Hub:
    """Ana, and the instructors eva and ivo, each signed in; both may enter the cohort's server."""
    client = orm.OAuthClient(identifier="service-workshop")
    db.add(client)
    people = {name: orm.User(name=name) for name in ("ana", "eva", "ivo", "grade-quito")}
    db.add_all(people.values())
    db.commit()
    server = orm.Spawner(name="", user=people["grade-quito"])
    db.add(server)
    for name in ("ana", "eva", "ivo"):
        db.add(orm.OAuthCode(user=people[name], client=client, code=name, expires_at=2**31 - 1))
        for _ in range(2):
            token = orm.APIToken(user=people[name], client_id="service-workshop", scopes=[])
            token.token = orm.new_token()
            db.add(token)
    for name in ("eva", "ivo"):
        db.add(orm.Share(owner=people["grade-quito"], spawner=server, user=people[name],
                         scopes=["access:servers!server=grade-quito/"]))  # fmt: skip
    db.commit()
    return Hub(db)


@pytest.fixture
def endings(hub: Hub, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Endings:
    monkeypatch.setattr(module, "SECONDS_TO_SETTLE", 0)
    home = Home(tmp_path / "home")
    home.ensure()
    return Endings(hub, store, home)


def note(store: Store, username: str, reason: str = "left quito") -> None:
    with store.session() as session:
        session.add(Ending(username=username, reason=reason))


def held(db: Any, username: str) -> tuple[int, int, int]:
    """Return how many tokens, codes and shares somebody has."""
    user = orm.User.find(db, username)
    return len(user.api_tokens), len(user.oauth_codes), len(user.shared_with_me)


async def look(endings: Endings) -> None:
    """Look once, and let what was begun come to its end."""
    await endings.look()
    await asyncio.gather(*list(endings._stopping.values()))


async def test_cookie_tokens_codes_and_shares_go_and_nobody_elses(hub: Hub, endings: Endings, store: Store) -> None:
    cookies = {name: orm.User.find(hub.db, name).cookie_id for name in ("ana", "ivo", "eva")}
    note(store, "ivo")

    await look(endings)

    assert held(hub.db, "ivo") == (0, 0, 0)
    assert held(hub.db, "eva") == (2, 1, 1) and held(hub.db, "ana") == (2, 1, 0)
    changed = {name for name, before in cookies.items() if orm.User.find(hub.db, name).cookie_id != before}
    assert changed == {"ivo"}
    assert store.endings() == []


async def test_their_own_server_is_stopped_and_the_cohorts_goes_on(hub: Hub, endings: Endings, store: Store) -> None:
    own, cohorts = Spawner(), Spawner()
    hub[orm.User.find(hub.db, "ivo")].spawners[""] = own
    hub[orm.User.find(hub.db, "grade-quito")].spawners[""] = cohorts
    note(store, "ivo")

    await look(endings)

    assert not own.active and cohorts.active
    assert hub.routes_removed == ["ivo"]


async def test_the_row_stays_until_the_server_has_ended(
    hub: Hub, endings: Endings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = hub[orm.User.find(hub.db, "ana")]
    user.spawners[""] = Spawner()

    async def cannot(_name: str) -> None:
        raise RuntimeError("still there")

    with monkeypatch.context() as broken:
        broken.setattr(user, "stop", cannot)
        note(store, "ana")
        await look(endings)
        assert len(store.endings()) == 1

    cookie = orm.User.find(hub.db, "ana").cookie_id
    await look(endings)

    assert store.endings() == []
    assert orm.User.find(hub.db, "ana").cookie_id == cookie  # signed in anew meanwhile, they are not sent out again


async def test_a_server_that_is_just_starting_is_killed_and_looked_at_again(
    hub: Hub, endings: Endings, store: Store
) -> None:
    starting = hub[orm.User.find(hub.db, "ana")].spawners[""] = Spawner(pending="spawn")
    note(store, "ana")

    await look(endings)
    assert starting.killed and len(store.endings()) == 1
    await look(endings)

    assert store.endings() == []


async def test_a_proxy_that_does_not_answer_saves_no_server(
    hub: Hub, endings: Endings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = hub[orm.User.find(hub.db, "ana")].spawners[""] = Spawner()

    async def away(*_: object) -> None:
        raise OSError("the proxy is away")

    monkeypatch.setattr(hub.proxy, "delete_user", away)
    note(store, "ana")

    await look(endings)

    assert not server.active and store.endings() == []


async def test_before_the_hub_answers_anybody_their_sign_ins_are_gone(hub: Hub, endings: Endings, store: Store) -> None:
    note(store, "ana")

    await endings.before_start()

    assert held(hub.db, "ana") == (0, 0, 0)
    assert len(store.endings()) == 1  # servers are stopped when all runs


async def test_who_never_came_to_this_hub_holds_nothing_up(endings: Endings, store: Store) -> None:
    note(store, "nobody")

    await look(endings)

    assert store.endings() == []


async def test_one_who_cannot_be_stopped_holds_nobody_else_up(hub: Hub, endings: Endings, store: Store) -> None:
    hub[orm.User.find(hub.db, "ana")].spawners[""] = Spawner(pending="stop")
    note(store, "ana")
    note(store, "ivo")

    await look(endings)

    assert [ending.username for ending in store.endings()] == ["ana"]
    assert held(hub.db, "ivo") == (0, 0, 0)


async def test_a_share_that_was_given_in_the_last_moment_is_taken_back(
    hub: Hub, endings: Endings, store: Store
) -> None:
    with store.session() as session:
        session.delete(session.get(Membership, ("quito", "ivo")))

    await look(endings)

    assert set(shares(hub.db)) == {("quito", "eva")}


async def test_the_old_passphrase_goes_out_of_the_file(endings: Endings, store: Store) -> None:
    write_sign_ins(
        endings.home, "quito", [SignIn("ana", "Ana", "trainee", OLD), SignIn("eva", "Eva", "instructor", "new")]
    )
    note(store, "ana", RENEWED)

    await look(endings)

    assert [person.passphrase for person in read_sign_ins(endings.home, "quito")] == [None, "new"]


async def test_a_file_that_cannot_be_changed_keeps_nobody_signed_in(hub: Hub, endings: Endings, store: Store) -> None:
    (endings.home.sign_ins / "quito.csv").write_text("who\nana\n")
    note(store, "ana", RENEWED)

    await look(endings)

    assert held(hub.db, "ana") == (0, 0, 0) and store.endings() == []


async def test_a_store_that_is_away_for_a_while_does_not_end_the_watching(
    hub: Hub, endings: Endings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN", 0.01)
    looks = 0

    def failing() -> list[Ending]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise OSError("away")
        return store_endings()

    store_endings = store.endings
    monkeypatch.setattr(store, "endings", failing)
    note(store, "ana")

    endings.watch()
    while store_endings():
        await asyncio.sleep(0.01)
    assert endings._watching is not None
    endings._watching.cancel()

    assert held(hub.db, "ana") == (0, 0, 0)


NOTED = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seen_min", "now_min", "due"),
    [(-5, 1, False), (8, 12, False), (8, 19, True), (None, 5, False), (None, 11, True), (-60, 5, False),
     (239, 239, False), (241, 241, True)],
)  # fmt: skip
def test_a_cohorts_server_is_stopped_when_nobody_works_in_it_or_after_four_hours(
    seen_min: int | None, now_min: int, due: bool
) -> None:
    seen = None if seen_min is None else NOTED + timedelta(minutes=seen_min)

    assert is_due(NOTED, seen, NOTED + timedelta(minutes=now_min)) is due


@pytest.mark.parametrize("is_idle", [False, True])
async def test_the_token_that_an_instructor_took_along_ends_with_the_cohorts_server(
    hub: Hub, endings: Endings, store: Store, is_idle: bool
) -> None:
    """A cohort's server goes on for its other instructors, and starts with another token when they pause."""
    user = orm.User.find(hub.db, "grade-quito")
    running = hub[user].spawners[""] = Spawner()
    user.orm_spawners[""].server = orm.Server(ip="127.0.0.1", port=1)
    user.orm_spawners[""].last_activity = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=1)
    hub.db.commit()
    cookie = user.cookie_id
    with store.session() as session:
        long_ago = datetime.now(UTC) - timedelta(hours=5 if is_idle else 1)
        session.add(Ending(username="grade-quito", reason="ivo is no instructor any more", time=long_ago))

    await look(endings)

    assert running.active is not is_idle
    assert len(store.endings()) == (0 if is_idle else 1)
    assert user.cookie_id == cookie and set(shares(hub.db)) == {("quito", "eva"), ("quito", "ivo")}


def test_a_name_that_the_hub_does_not_know_is_no_fault(hub: Hub) -> None:
    revoke(hub.db, "nobody")
