"""A cohort comes into being: what it is called, and passphrases that nobody loses."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.databases import Postgres
from typer.testing import CliRunner

from csirtlab.cli.cohort import commands
from csirtlab.cohorts.create import add_people, create_cohort
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.passphrases import is_passphrase
from csirtlab.cohorts.roster import Entry, Role
from csirtlab.cohorts.sign_ins import read_sign_ins
from csirtlab.cohorts.store import Store, open_store
from csirtlab.content.courses import Course
from csirtlab.languages import Language

pytestmark = pytest.mark.slow  # nbgrader takes seconds to make a gradebook
NO_LABS = Course(name="none", title="Nothing", summary="Nothing.", labs=())
ANA = Entry("ana", "Ana Quispe", Language.ES, Role.TRAINEE)
BEN = Entry("ben", "Ben Charles", Language.EN, Role.TRAINEE)
EVA = Entry("eva", "Eva Ramos", Language.ES, Role.INSTRUCTOR)

Passphrases = Callable[[str], dict[str, str | None]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def template(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, Postgres | None, str]:
    """A home with the cohort "quito", made once on each kind of database and copied for each test."""
    home = Home(tmp_path_factory.mktemp("template") / "home")
    home.ensure()
    server: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    address = server.database() if server else ""
    store = Store(address) if server else open_store(home.root)
    create_cohort(store, home, name="quito", course=NO_LABS, roster=[ANA], language=Language.ES)
    store.close()
    return home, server, address


@pytest.fixture
def home(reachable: Path, template: tuple[Home, Postgres | None, str], monkeypatch: pytest.MonkeyPatch) -> Home:
    made, server, address = template
    copy = Home(reachable / "home")
    shutil.copytree(made.root, copy.root)
    if server:
        monkeypatch.setenv("CSIRTLAB_DATABASE_URL", server.database(like=address))
    return copy


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    store = open_store(home.root)
    yield store
    store.close()


@pytest.fixture
def quito() -> str:
    return "quito"


@pytest.fixture
def waiting(home: Home) -> Passphrases:
    """Tells the passphrases that wait to be handed out, by user name."""
    return lambda cohort: {person.username: person.passphrase for person in read_sign_ins(home, cohort)}


def test_adding_people_keeps_the_passphrases_that_wait(
    store: Store, home: Home, quito: str, waiting: Passphrases
) -> None:
    first = waiting(quito)

    add_people(store, home, cohort=quito, roster=[ANA, BEN])
    add_people(store, home, cohort=quito, roster=[EVA])

    assert list(waiting(quito)) == ["ana", "ben", "eva"]
    assert waiting(quito)["ana"] == first["ana"] is not None


def test_every_passphrase_in_the_file_signs_in(store: Store, home: Home, quito: str, waiting: Passphrases) -> None:
    add_people(store, home, cohort=quito, roster=[BEN])

    for username, passphrase in waiting(quito).items():
        account = store.account(username)
        assert account is not None and account.passphrase_hash is not None and passphrase is not None
        assert is_passphrase(passphrase, account.passphrase_hash)


def test_after_the_file_was_deleted_it_holds_the_new_people_alone(
    store: Store, home: Home, quito: str, waiting: Passphrases
) -> None:
    (home.sign_ins / f"{quito}.csv").unlink()

    add_people(store, home, cohort=quito, roster=[ANA, BEN])

    assert list(waiting(quito)) == ["ben"]


def test_an_addition_that_was_cut_off_before_the_store_had_it_is_done_anew(
    store: Store, home: Home, quito: str, waiting: Passphrases, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken, pytest.raises(OSError, match="cut off"):
        broken.setattr("csirtlab.cohorts.create._enrol", _cut_off)
        add_people(store, home, cohort=quito, roster=[BEN])
    before = waiting(quito)["ben"]

    add_people(store, home, cohort=quito, roster=[BEN])

    assert list(waiting(quito)) == ["ana", "ben"]
    assert waiting(quito)["ben"] not in (before, None)


def _cut_off(*_: object) -> None:
    raise OSError("cut off")


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    path = tmp_path / "roster.csv"
    path.write_text("username,name\nana,Ana\n")
    return path


def try_out(name: str, roster: Path, home: Path) -> BaseException | None:
    words = ["create", name, "--course", "detection", "--roster", str(roster), "--home", str(home), "--dry-run"]
    return CliRunner().invoke(commands, words).exception


@pytest.mark.parametrize("name", ["Quito", "q", "../quito", "x" * 27])
def test_a_dry_run_refuses_a_name_that_cannot_be_used(name: str, roster: Path, tmp_path: Path) -> None:
    assert "quito-2027" in str(try_out(name, roster, tmp_path / "no-home"))


def test_a_dry_run_refuses_a_name_that_is_taken(roster: Path, home: Home) -> None:
    assert "csirtlab cohort add quito" in str(try_out("quito", roster, home.root))


def test_a_dry_run_makes_nothing(roster: Path, tmp_path: Path) -> None:
    assert try_out("quito", roster, tmp_path / "no-home") is None

    assert not (tmp_path / "no-home").exists()


def test_with_an_empty_store_a_cohorts_folder_is_moved_aside_and_not_removed(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody names a new database: in the folder are a workshop's secret and scores."""
    secret = (home.cohort("quito") / "secret").read_text()
    monkeypatch.setenv("CSIRTLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'empty'}")
    with closing(open_store(home.root)) as empty:
        create_cohort(empty, home, name="quito", course=NO_LABS, roster=[BEN], language=Language.EN)

    assert (home.root / "cohorts" / ".quito.left-1" / "secret").read_text() == secret
    assert (home.cohort("quito") / "secret").read_text() != secret
