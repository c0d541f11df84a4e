"""Root works in a cohort's folder as its owner alone, whatever the owner's programs have put there."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.processes import until

from csirtlab.cohorts.create import add_people, create_cohort
from csirtlab.cohorts.demo import NAME as DEMO
from csirtlab.cohorts.demo import ensure_demo
from csirtlab.cohorts.folders import Home, give_tree
from csirtlab.cohorts.owned import as_owner, become_owner
from csirtlab.cohorts.roster import Entry, Role
from csirtlab.cohorts.store import FIRST_UID, Store, open_store
from csirtlab.content.courses import Course
from csirtlab.errors import CohortError
from csirtlab.languages import Language
from csirtlab.settings import content_root

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
SOMEBODY = FIRST_UID + 7
NO_LABS = Course(name="none", title="Nothing", summary="Nothing.", labs=())
ANA = Entry("ana", "Ana Quispe", Language.ES, Role.TRAINEE)
BEN = Entry("ben", "Ben Charles", Language.EN, Role.TRAINEE)


@pytest.fixture
def folder(reachable: Path) -> Path:
    made = reachable / "theirs"
    made.mkdir(mode=0o700)
    os.chown(made, SOMEBODY, SOMEBODY)
    return made


@pytest.fixture
def shadow(reachable: Path) -> Path:
    """A file of root's that nobody else may read, and what a link in a cohort's folder leads to."""
    path = reachable / "shadow"
    path.write_text("root:secret")
    path.chmod(0o600)
    return path


def test_it_is_done_under_the_owners_uid_with_no_other_group(folder: Path) -> None:
    done = as_owner(folder, SOMEBODY, lambda: [os.getresuid(), os.getresgid(), os.getgroups(), str(Path.cwd())])

    assert done == [[SOMEBODY] * 3, [SOMEBODY] * 3, [], str(folder)]
    assert os.geteuid() == 0


def test_what_is_made_there_is_the_owners_and_private(folder: Path) -> None:
    as_owner(folder, SOMEBODY, lambda: (folder / "new").write_text("x"))

    assert ((folder / "new").stat().st_uid, (folder / "new").stat().st_mode & 0o777) == (SOMEBODY, 0o600)


def test_bytes_come_back_as_they_are(folder: Path) -> None:
    assert as_owner(folder, SOMEBODY, lambda: bytes(range(256)) * 5000) == bytes(range(256)) * 5000


def test_a_link_to_what_is_roots_is_refused_with_where_to_look(folder: Path, shadow: Path) -> None:
    (folder / "roster.json").symlink_to(shadow)

    with pytest.raises(CohortError, match=r"Permission denied.*Look at what is there"):
        as_owner(folder, SOMEBODY, (folder / "roster.json").read_text)
    with pytest.raises(CohortError, match="Permission denied"):
        as_owner(folder, SOMEBODY, lambda: (folder / "roster.json").write_text("mine"))

    assert shadow.read_text() == "root:secret"


def test_rights_that_were_given_up_cannot_be_taken_back(folder: Path) -> None:
    with pytest.raises(CohortError, match="not permitted"):
        as_owner(folder, SOMEBODY, lambda: os.setuid(0))


def test_no_secret_no_terminal_and_no_open_file_of_roots_is_there(
    folder: Path, shadow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSIRTLAB_DATABASE_URL", "postgresql://me:secret@/x")
    opened = Path("/proc/self/fd")

    def look() -> dict[str, Any]:
        streams = {str((opened / str(number)).readlink()) for number in range(3)}
        leads = os.getsid(0) == os.getpid()
        return {
            "secrets": dict(os.environ),
            "streams": list(streams),
            "open": len(list(opened.iterdir())),
            "leads": leads,
        }

    with shadow.open():
        seen = as_owner(folder, SOMEBODY, look)

    assert "CSIRTLAB_DATABASE_URL" not in seen["secrets"] and seen["secrets"]["HOME"] == str(folder)
    assert seen["streams"] == ["/dev/null"] and seen["leads"]
    assert seen["open"] == 5  # three streams, the answer's pipe, and what lists them


def test_a_named_pipe_in_a_files_place_does_not_hold_root_up(folder: Path) -> None:
    os.mkfifo(folder / "gradebook.db")
    os.chown(folder / "gradebook.db", SOMEBODY, SOMEBODY)

    with pytest.raises(CohortError, match="did not end within 1 s"):
        as_owner(folder, SOMEBODY, (folder / "gradebook.db").read_text, seconds=1)


def test_what_it_started_ends_with_it(folder: Path) -> None:
    number = as_owner(
        folder, SOMEBODY, lambda: subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
    )

    until(lambda: not Path(f"/proc/{number}").exists() or "Z" in Path(f"/proc/{number}/stat").read_text())


@pytest.mark.parametrize("uid", [0, 1000, FIRST_UID - 2])
def test_a_damaged_table_of_accounts_makes_nobody_else(folder: Path, uid: int) -> None:
    with pytest.raises(CohortError, match="Restore a backup"):
        as_owner(folder, uid, lambda: None)


def at_a_terminal(work: Callable[[], object]) -> str:
    """Return what work says in a child that has a terminal of its own, as an operator's command has."""
    child, terminal = pty.fork()
    if child == 0:
        try:
            told = str(work())
        except BaseException as error:
            told = repr(error)
        os.write(1, told.encode())
        os._exit(0)
    said = b""
    try:
        while piece := os.read(terminal, 4096):
            said += piece
    except OSError:
        pass  # how a terminal says that nobody is there any more
    os.close(terminal)
    os.waitpid(child, 0)
    return said.decode()


def type_into_it() -> str:
    with open("/dev/tty", "rb+", buffering=0) as terminal:  # noqa: PTH123  # a device
        fcntl.ioctl(terminal, termios.TIOCSTI, b"#")
    return "typed"


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_command_that_becomes_the_owner_lets_nobody_type_into_roots_terminal(folder: Path) -> None:
    """``csirtlab grade`` runs ``nbgrader_config.py``, an instructor's program, at the operator's terminal."""

    def become_and_type() -> str:
        become_owner(folder)
        return f"{os.geteuid()} {type_into_it()}"

    typed = "typed" in at_a_terminal(type_into_it)

    assert typed or Path("/proc/sys/dev/tty/legacy_tiocsti").read_text().strip() == "0"
    assert "not permitted" in at_a_terminal(become_and_type)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_command_that_becomes_the_owner_keeps_no_databases_password(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSIRTLAB_DATABASE_URL", "postgresql://me:secret@/x")

    def become_and_look() -> str:
        become_owner(folder)
        return f"{os.getresuid()} {'secret' in str(os.environ)} {'secret' in subprocess.getoutput('env')}"

    assert at_a_terminal(become_and_look).strip() == f"{(SOMEBODY,) * 3} False False"


# What root does in the folders of cohorts


@pytest.fixture
def home(reachable: Path) -> Home:
    home = Home(reachable / "home")
    home.ensure()
    return home


@pytest.fixture
def quito(home: Home) -> Path:
    """The folder of a cohort, as its server has it."""
    store = open_store(home.root)
    create_cohort(store, home, name="quito", course=NO_LABS, roster=[ANA], language=Language.ES)
    store.close()
    return home.cohort("quito")


def add(home: Home) -> None:
    store = open_store(home.root)
    try:
        add_people(store, home, cohort="quito", roster=[BEN])
    finally:
        store.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["roster.json", ".roster.json.new", "nbgrader_config.py"])
def test_adding_people_follows_no_link_and_runs_nothing(home: Home, quito: Path, shadow: Path, name: str) -> None:
    (quito / name).unlink(missing_ok=True)
    (quito / name).symlink_to(shadow)

    add(home)

    assert shadow.read_text() == "root:secret" and shadow.stat().st_uid == 0
    assert '"ben"' in (quito / "roster.json").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("target", ["a file of root's", "a new file"])
def test_a_gradebook_that_is_a_link_leads_root_nowhere(home: Home, quito: Path, shadow: Path, target: str) -> None:
    before = shadow.read_bytes()
    aim = shadow if target == "a file of root's" else shadow.with_name("made-by-root")
    (quito / "gradebook.db").unlink()
    (quito / "gradebook.db").symlink_to(aim)

    with pytest.raises(CohortError, match="Look at what is there"):
        add(home)

    assert shadow.read_bytes() == before
    assert not shadow.with_name("made-by-root").exists()


@pytest.mark.slow
def test_a_folder_that_was_replaced_by_a_link_is_not_given_away(home: Home, quito: Path, shadow: Path) -> None:
    precious = shadow.parent / "precious"
    precious.mkdir()
    (precious / "file").write_text("")
    (quito / "release").rmdir()
    (quito / "release").symlink_to(precious)

    add(home)

    assert {precious.stat().st_uid, (precious / "file").stat().st_uid} == {0}


def test_what_root_gives_away_becomes_theirs_last_of_all(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its new owner could change what lies below while root still walks there."""
    tree = reachable / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "file").write_text("")
    order: list[str] = []
    chown = os.chown

    def noted(path: Any, *words: Any, **more: Any) -> None:
        order.append(str(path))
        chown(path, *words, **more)

    monkeypatch.setattr(os, "chown", noted)

    give_tree(tree, SOMEBODY)

    assert order[-1] == str(tree) and {"below", "file"} < set(order)


@pytest.mark.slow
def test_the_demos_lab_is_generated_by_its_owner_and_not_by_root(home: Home, shadow: Path) -> None:
    """``nbgrader_config.py`` is a program of the instructor's; the demo's lab may be generated long after."""
    store: Store = open_store(home.root)
    content = content_root()
    create_cohort(
        store, home, name=DEMO, course=NO_LABS, roster=[Entry("irene", "I", Language.EN, Role.INSTRUCTOR)],
        language=Language.EN,
    )  # fmt: skip
    trap = home.cohort(DEMO) / "nbgrader_config.py"
    trap.write_text(f"import os; open({str(shadow)!r}, 'w').write('by ' + str(os.geteuid()))\n")

    with pytest.raises(CohortError):
        ensure_demo(store, home, content)

    store.close()
    assert shadow.read_text() == "root:secret"
