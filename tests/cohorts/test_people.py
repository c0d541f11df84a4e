"""What changes about people: each change leaves an ending, no file shows an old passphrase, and work stays."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from csirtlab.cli.cohort import commands
from csirtlab.cohorts.create import add_people, create_cohort
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.owned import as_owner
from csirtlab.cohorts.passphrases import is_passphrase
from csirtlab.cohorts.people import change_role, drop, refusal, renew_for_instructor, renew_passphrase
from csirtlab.cohorts.roster import Entry, Role
from csirtlab.cohorts.sign_ins import current_sign_ins, forget_old_passphrase, read_sign_ins
from csirtlab.cohorts.store import SERVICE_UID, Cohort, Membership, Store, open_store
from csirtlab.content.courses import Course
from csirtlab.errors import CohortError
from csirtlab.languages import Language

pytestmark = pytest.mark.slow  # nbgrader takes seconds to make a gradebook
NO_LABS = Course(name="none", title="Nothing", summary="Nothing.", labs=())
ROSTER = (
    Entry("ana", "Ana Quispe", Language.ES, Role.TRAINEE),
    Entry("ben", "Ben Charles", Language.EN, Role.TRAINEE),
    Entry("eva", "Eva Ramos", Language.ES, Role.INSTRUCTOR),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the cohort quito, and a cohort lima that ben is in as well; made once, and copied for each test."""
    home = Home(tmp_path_factory.mktemp("template") / "home")
    home.ensure()
    with closing(open_store(home.root)) as store:
        create_cohort(store, home, name="quito", course=NO_LABS, roster=ROSTER, language=Language.ES)
        with store.session() as session:
            session.add(Cohort(name="lima", course="c", title="C", language="en", secret="00" * 32))
            session.flush()
            session.add(Membership(cohort_name="lima", username="ben", role="trainee"))
    return home.root


@pytest.fixture
def home(reachable: Path, template: Path) -> Home:
    subprocess.run(["cp", "--archive", template, reachable / "home"], check=True)  # owners as well
    return Home(reachable / "home")


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    store = open_store(home.root)
    yield store
    store.close()


def endings(store: Store) -> list[tuple[str, str]]:
    return [(ending.username, ending.reason) for ending in store.endings()]


def waiting(home: Home, username: str) -> str | None:
    return next(person.passphrase for person in read_sign_ins(home, "quito") if person.username == username)


def signs_in(store: Store, username: str, passphrase: str | None) -> bool:
    account = store.account(username)
    assert account and account.passphrase_hash
    return passphrase is not None and is_passphrase(passphrase, account.passphrase_hash)


def command(home: Home, *words: str) -> str:
    done = CliRunner().invoke(commands, [*words, "--home", str(home.root)], catch_exceptions=False)
    return done.output


def test_a_renewed_passphrase_takes_the_place_of_the_old_one_and_ends_what_is_open(store: Store, home: Home) -> None:
    old = waiting(home, "ana")

    new = renew_passphrase(store, "ana")

    assert signs_in(store, "ana", new) and not signs_in(store, "ana", old)
    assert endings(store) == [("ana", "passphrase renewed")]


@pytest.mark.parametrize("username", ["nobody", "grade-quito"])
def test_nobody_and_no_cohort_gets_a_passphrase(store: Store, username: str) -> None:
    with pytest.raises(CohortError, match="Names are in the roster"):
        renew_passphrase(store, username)

    assert endings(store) == []


def test_the_command_leaves_no_file_that_shows_the_old_passphrase_or_the_new(store: Store, home: Home) -> None:
    old = waiting(home, "ana")
    assert old

    told = CliRunner().invoke(commands, ["passphrase", " Ana ", "--home", str(home.root)], catch_exceptions=False)
    new = told.stdout.strip()

    assert signs_in(store, "ana", new)
    for path in home.root.rglob("*"):
        if path.is_file():
            assert old.encode() not in path.read_bytes() and new.encode() not in path.read_bytes(), path
    assert waiting(home, "ben") is not None


def test_a_renewal_that_was_cut_off_before_the_file_was_changed_is_not_shown_either(store: Store, home: Home) -> None:
    """``up`` announces the demo's sign-ins; the hub takes the old one out of the file when it takes the ending."""
    renew_passphrase(store, "ana")

    assert {person.username: person.passphrase is None for person in current_sign_ins(store, home, "quito")} == {
        "ana": True, "ben": False, "eva": False,
    }  # fmt: skip
    forget_old_passphrase(store, home, "ana")
    assert waiting(home, "ana") is None


def test_a_passphrase_that_is_right_stays_in_the_file(store: Store, home: Home) -> None:
    before = waiting(home, "ana")

    forget_old_passphrase(store, home, "ana")

    assert waiting(home, "ana") == before is not None


def test_a_file_that_somebody_changed_is_told_and_left(store: Store, home: Home) -> None:
    (home.sign_ins / "quito.csv").write_text("who;what\nana;x\n")

    with pytest.raises(CohortError, match=r"quito\.csv.*then delete it"):
        forget_old_passphrase(store, home, "ana")


def test_an_instructor_renews_a_trainee_of_their_cohort(store: Store) -> None:
    assert signs_in(store, "ana", renew_for_instructor(store, "quito", "ana"))
    assert endings(store) == [("ana", "passphrase renewed")]


@pytest.mark.parametrize(
    ("cohort", "username", "said"),
    [
        ("quito", "eva", "Only the operator"),
        ("quito", "ben", "in another cohort, too"),
        ("lima", "ben", "in another cohort, too"),
        ("lima", "ana", "not in the cohort"),
        ("quito", "nobody", "not in the cohort"),
        ("quito", "grade-quito", "not in the cohort"),
        ("quito", "../ana", "not in the cohort"),
    ],
)
def test_an_instructor_renews_nobody_elses(store: Store, cohort: str, username: str, said: str) -> None:
    with pytest.raises(CohortError, match=said):
        renew_for_instructor(store, cohort, username)

    assert endings(store) == []


def test_who_instructs_elsewhere_is_not_renewed_as_a_trainee_either() -> None:
    assert "Ask the operator" in str(refusal("quito", "x", {"quito": Role.TRAINEE, "lima": Role.INSTRUCTOR}))


def test_who_leaves_a_cohort_keeps_work_and_scores_and_loses_what_is_open(store: Store, home: Home) -> None:
    folder = home.cohort("quito")
    (folder / "submitted" / "ana").mkdir()
    (home.person("ana") / "notes.txt").write_text("mine")

    drop(store, home, "quito", "ana")

    assert store.role("quito", "ana") is None and store.cohorts_of("ana") == []
    assert endings(store) == [("ana", "left quito")]
    assert [person.username for person in read_sign_ins(home, "quito")] == ["ben", "eva"]
    people = json.loads((folder / "roster.json").read_text())["people"]
    assert [person["username"] for person in people] == ["ben", "eva"]
    assert (folder / "submitted" / "ana").is_dir() and (home.person("ana") / "notes.txt").read_text() == "mine"
    with closing(sqlite3.connect(folder / "gradebook.db")) as gradebook:
        assert ("ana",) in gradebook.execute("SELECT id FROM student").fetchall()


def test_a_dry_run_drops_nobody_and_says_what_stays(store: Store, home: Home) -> None:
    said = command(home, "drop", "quito", "ben", "--dry-run")

    assert "would leave" in said and "submissions and scores of ben stay" in said and "Still in: lima" in said
    assert store.role("quito", "ben") is Role.TRAINEE and endings(store) == []


def test_who_was_dropped_comes_back_with_their_passphrase(store: Store, home: Home) -> None:
    passphrase = waiting(home, "ana")
    command(home, "drop", "quito", "ana")

    (back,) = add_people(store, home, cohort="quito", roster=ROSTER)

    assert back.username == "ana" and back.passphrase is None
    assert signs_in(store, "ana", passphrase)


def test_a_changed_role_counts_at_once_and_ends_what_is_open(store: Store, home: Home) -> None:
    assert "eva is trainee of" in command(home, "role", "quito", "eva", "trainee")

    assert store.role("quito", "eva") is Role.TRAINEE
    assert sorted(endings(store)) == [
        ("eva", "trainee of quito now"),
        ("grade-quito", "eva is no instructor any more"),
    ]
    with closing(sqlite3.connect(home.cohort("quito") / "gradebook.db")) as gradebook:
        assert ("eva",) in gradebook.execute("SELECT id FROM student").fetchall()


def test_a_role_that_somebody_has_already_ends_nothing(store: Store, home: Home) -> None:
    assert change_role(store, home, "quito", "eva", Role.INSTRUCTOR) is False
    assert "already" in command(home, "role", "quito", "eva", "instructor")

    assert endings(store) == []


@pytest.mark.parametrize("words", [["drop", "quito", "nobody"], ["drop", "atlantis", "ana"],
                                   ["role", "quito", "nobody", "trainee"]])  # fmt: skip
def test_who_is_not_there_is_told_where_to_look(store: Store, home: Home, words: list[str]) -> None:
    with pytest.raises(CohortError, match="csirtlab cohort list"):
        command(home, *words)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives the store to the service")
def test_the_workshops_service_can_write_what_an_instructor_renews(store: Store, home: Home) -> None:
    """It may make no file in the home; SQLite's journal has to be there."""
    store.close()

    def renew() -> str:
        with closing(open_store(home.root)) as own:
            return renew_for_instructor(own, "quito", "ana")

    passphrase = as_owner(home.exchange, SERVICE_UID, renew)

    with closing(open_store(home.root)) as again:
        assert signs_in(again, "ana", passphrase)
