"""nbgrader over the exchange: its own commands and API, for trainees and instructors."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError, ExchangeFactory
from nbgrader.server_extensions.assignment_list.handlers import AssignmentList
from nbgrader.utils import parse_utc
from traitlets.config import Config

from csirtlab.exchange.archives import Bounds, check_archive
from csirtlab.exchange.nbgrader_setup import configure
from csirtlab.exchange.receipts import Receipt
from csirtlab.labs.hints import read_hints

Server = Any
Notebook = Callable[..., bytes]
Act = Callable[..., Any]

pytestmark = [
    # nbgrader 0.9.6 itself
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
]


@pytest.fixture
def config() -> Config:
    settings = Config()
    configure(settings)
    return settings


@pytest.fixture
def course(tmp_path: Path, notebook: Notebook) -> Path:
    """The instructor's cohort folder, with a lab generated."""
    folder = tmp_path / "cohorts/lima"
    (folder / "source/c2-beacon").mkdir(parents=True)
    (folder / "release/c2-beacon/languages").mkdir(parents=True)
    (folder / "release/c2-beacon/c2-beacon.ipynb").write_bytes(notebook())
    (folder / "release/c2-beacon/languages/es.ipynb").write_bytes(notebook("uno"))
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # nbgrader makes its database by running `alembic`, which it expects on the PATH.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def sign_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def become(username: str) -> None:
        monkeypatch.setenv("CSIRTLAB_EXCHANGE_URL", server.url)
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", f"{username}-token")

    return become


@pytest.fixture
def api(config: Config, course: Path, sign_in: Callable[[str], None]) -> Iterator[NbGraderAPI]:
    """The instructor's nbgrader, as formgrader uses it."""
    sign_in("eva")
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.course_id = "lima"
    yield NbGraderAPI(config=config)


@pytest.fixture
def act(config: Config, home: Path, sign_in: Callable[[str], None]) -> Act:
    """Does one exchange operation as a trainee, as the nbgrader command would."""

    def do(username: str, operation: str, lab: str = "", *, student: str = "*", **settings: Any) -> Any:
        sign_in(username)
        courses = CourseDirectory(root=str(home), course_id="lima", assignment_id=lab, student_id=student)
        app = getattr(ExchangeFactory(config=config), operation)(
            coursedir=courses, assignment_dir=str(home), **settings
        )
        return app.start()

    return do


@pytest.fixture
def released_lab(api: NbGraderAPI) -> None:
    assert api.release_assignment("c2-beacon")["success"]


@pytest.fixture
def worked(request: pytest.FixtureRequest, act: Act, home: Path, notebook: Notebook) -> Callable[[str, str], Receipt]:
    """Lets a trainee fetch the lab, work and submit; returns the receipt."""
    request.getfixturevalue("released_lab")

    def work(username: str, text: str) -> Receipt:
        shutil.rmtree(home / "lima", ignore_errors=True)
        act(username, "FetchAssignment", "c2-beacon")
        (home / "lima/c2-beacon/c2-beacon.ipynb").write_bytes(notebook(text))
        act(username, "Submit", "c2-beacon")
        (receipt,) = (home / "lima/c2-beacon").glob("receipt-*.json")
        return Receipt.from_json(receipt.read_text())

    return work


def succeed(result: dict[str, Any]) -> None:
    assert result["success"], result.get("log", "") + result.get("error", "")


def test_every_plug_point_of_nbgrader_is_ours(config: Config) -> None:
    factory = ExchangeFactory(config=config)

    assert {getattr(factory, name).__module__ for name in factory.trait_names(config=True)} == {
        "csirtlab.exchange.nbgrader_plugins"
    }


def test_release_uploads_the_release_folder(api: NbGraderAPI, server: Server) -> None:
    succeed(api.release_assignment("c2-beacon"))

    release = server.store.index.release("lima", "c2-beacon")
    names = check_archive(server.store.content(release), Bounds())
    assert names == ["c2-beacon.ipynb", "languages/es.ipynb"]


def test_formgrader_sees_what_is_released(api: NbGraderAPI) -> None:
    assert api.exchange_is_functional
    before = api.get_released_assignments()
    succeed(api.release_assignment("c2-beacon"))

    assert (before, api.get_released_assignments()) == (set(), {"c2-beacon"})


@pytest.mark.usefixtures("released_lab")
def test_releasing_again_needs_force(api: NbGraderAPI) -> None:
    result = api.release_assignment("c2-beacon")

    assert not result["success"]
    assert "--force" in result["log"]


def test_releasing_what_was_not_generated_says_how(api: NbGraderAPI) -> None:
    assert "nbgrader generate_assignment phishing" in api.release_assignment("phishing")["log"]


@pytest.mark.usefixtures("released_lab")
def test_unrelease_withdraws_and_keeps_submissions(
    api: NbGraderAPI, worked: Callable[[str, str], Receipt], sign_in: Callable[[str], None], server: Server
) -> None:
    worked("ana", "1")
    sign_in("eva")

    succeed(api.unrelease("c2-beacon"))

    assert api.get_released_assignments() == set()
    assert len(server.store.index.submissions("lima", "c2-beacon")) == 1


@pytest.mark.usefixtures("released_lab")
def test_fetch_brings_ones_own_case(act: Act, home: Path) -> None:
    act("ana", "FetchAssignment", "c2-beacon")

    assert (home / "lima/c2-beacon/evidence/whose.txt").read_text() == "lima ana"


@pytest.mark.usefixtures("released_lab")
def test_fetching_again_is_refused_unless_missing_files_are_wanted(act: Act, home: Path, notebook: Notebook) -> None:
    act("ana", "FetchAssignment", "c2-beacon")
    lab = home / "lima/c2-beacon"
    (lab / "c2-beacon.ipynb").write_bytes(notebook("my work"))
    (lab / "evidence/whose.txt").unlink()

    with pytest.raises(ExchangeError, match="You have this lab already"):
        act("ana", "FetchAssignment", "c2-beacon")
    act("ana", "FetchAssignment", "c2-beacon", replace_missing_files=True)

    assert (lab / "evidence/whose.txt").exists()
    assert b"my work" in (lab / "c2-beacon.ipynb").read_bytes()


@pytest.mark.usefixtures("released_lab")
def test_submit_keeps_the_receipt_beside_the_notebook(worked: Callable[[str, str], Receipt]) -> None:
    assert worked("ana", "1").trainee == "ana"


def test_submitting_twice_is_one_submission(worked: Callable[[str, str], Receipt], act: Act, server: Server) -> None:
    worked("ana", "1")
    act("ana", "Submit", "c2-beacon")

    assert len(server.store.index.submissions("lima", "c2-beacon")) == 1


@pytest.mark.parametrize("operation", ["Submit", "FetchFeedback"])
def test_another_students_name_is_refused(
    worked: Callable[[str, str], Receipt], act: Act, server: Server, operation: str
) -> None:
    worked("ana", "1")

    with pytest.raises(ExchangeError, match=r"--student=bob is not possible"):
        act("ana", operation, "c2-beacon", student="bob")

    assert [entry.trainee for entry in server.store.index.submissions("lima", "c2-beacon")] == ["ana"]


def test_collect_writes_what_nbgrader_grades_with_our_time_and_receipt(
    worked: Callable[[str, str], Receipt], api: NbGraderAPI, course: Path, sign_in: Callable[[str], None]
) -> None:
    receipts = {name: worked(name, name) for name in ("ana", "bob")}
    sign_in("eva")

    succeed(api.collect("c2-beacon"))

    assert api.get_submitted_students("c2-beacon") == {"ana", "bob"}
    for name, receipt in receipts.items():
        folder = course / "submitted" / name / "c2-beacon"
        assert name.encode() in (folder / "c2-beacon.ipynb").read_bytes()
        assert Receipt.from_json((folder / "receipt.json").read_text()) == receipt
        assert parse_utc((folder / "timestamp.txt").read_text()) == receipt.time.replace(tzinfo=None)
        assert api.get_submitted_timestamp("c2-beacon", name) == receipt.time.replace(tzinfo=None)
        assert read_hints((folder / "hints.json").read_text()) == {}


def test_collect_updates_to_the_latest_only_when_asked(
    worked: Callable[[str, str], Receipt], api: NbGraderAPI, course: Path, sign_in: Callable[[str], None]
) -> None:
    def collected() -> bytes:
        return (course / "submitted/ana/c2-beacon/c2-beacon.ipynb").read_bytes()

    worked("ana", "first")
    sign_in("eva")
    succeed(api.collect("c2-beacon"))
    worked("ana", "second")
    sign_in("eva")

    succeed(api.collect("c2-beacon", update=False))
    assert b"first" in collected()
    succeed(api.collect("c2-beacon", update=True))
    assert b"second" in collected()
    assert [path.name for path in (course / "submitted/ana").iterdir()] == ["c2-beacon"]


def test_collect_can_take_the_last_before_the_due_date(
    worked: Callable[[str, str], Receipt], api: NbGraderAPI, course: Path, sign_in: Callable[[str], None], clock: Any
) -> None:
    worked("ana", "in time")
    due = clock.now
    worked("ana", "too late")
    sign_in("eva")
    with Gradebook(f"sqlite:///{course}/gradebook.db", "lima") as gradebook:
        gradebook.add_assignment("c2-beacon", duedate=due.replace(tzinfo=None))

    api.config.ExchangeCollect.before_duedate = True
    succeed(api.collect("c2-beacon"))

    assert b"in time" in (course / "submitted/ana/c2-beacon/c2-beacon.ipynb").read_bytes()


def test_files_that_pose_as_ours_are_replaced(
    worked: Callable[[str, str], Receipt],
    act: Act,
    api: NbGraderAPI,
    course: Path,
    home: Path,
    sign_in: Callable[[str], None],
) -> None:
    worked("ana", "1")
    (home / "lima/c2-beacon/timestamp.txt").write_text("1999-01-01 00:00:00.000000 UTC")
    (home / "lima/c2-beacon/receipt.json").mkdir()
    (home / "lima/c2-beacon/receipt.json/x").write_text("{}")
    act("ana", "Submit", "c2-beacon")
    sign_in("eva")

    succeed(api.collect("c2-beacon"))

    folder = course / "submitted/ana/c2-beacon"
    receipt = Receipt.from_json((folder / "receipt.json").read_text())
    assert parse_utc((folder / "timestamp.txt").read_text()) == receipt.time.replace(tzinfo=None)


def test_instructors_own_tries_are_not_collected(
    worked: Callable[[str, str], Receipt], api: NbGraderAPI, sign_in: Callable[[str], None]
) -> None:
    worked("eva", "a try")
    worked("ana", "work")
    sign_in("eva")

    succeed(api.collect("c2-beacon"))

    assert api.get_submitted_students("c2-beacon") == {"ana"}


def test_one_that_cannot_be_collected_does_not_keep_the_others(
    worked: Callable[[str, str], Receipt], api: NbGraderAPI, sign_in: Callable[[str], None], server: Server
) -> None:
    for name in ("ana", "bob"):
        worked(name, name)
    damaged = server.store.content(server.store.index.submissions("lima", "c2-beacon", "ana")[0])
    damaged.chmod(0o600)
    damaged.write_bytes(b"rot")
    sign_in("eva")

    result = api.collect("c2-beacon")

    assert not result["success"]
    assert "Not done for ana" in result["log"]
    assert api.get_submitted_students("c2-beacon") == {"bob"}


def _grade(course: Path, name: str, page: str) -> None:
    """Leave what ``nbgrader generate_feedback`` does: the page beside what stood in ``submitted/``."""
    folder = course / "feedback" / name / "c2-beacon"
    folder.mkdir(parents=True, exist_ok=True)
    for kept in ("timestamp.txt", "receipt.json"):
        shutil.copy(course / "submitted" / name / "c2-beacon" / kept, folder)
    (folder / "c2-beacon.html").write_text(page)


def test_feedback_goes_from_the_instructor_to_its_trainee(
    worked: Callable[[str, str], Receipt],
    act: Act,
    api: NbGraderAPI,
    course: Path,
    home: Path,
    sign_in: Callable[[str], None],
) -> None:
    for name in ("ana", "bob"):
        worked(name, name)
    sign_in("eva")
    succeed(api.collect("c2-beacon"))
    for name in ("ana", "bob"):
        _grade(course, name, f"well done, {name}")
    succeed(api.release_feedback("c2-beacon"))

    act("ana", "FetchFeedback", "c2-beacon")

    (page,) = (home / "lima/c2-beacon/feedback").rglob("*.html")
    assert page.read_text() == "well done, ana"


def test_feedback_can_be_released_to_one_student(
    worked: Callable[[str, str], Receipt],
    api: NbGraderAPI,
    course: Path,
    sign_in: Callable[[str], None],
    server: Server,
) -> None:
    receipts = {name: worked(name, name) for name in ("ana", "bob")}
    sign_in("eva")
    succeed(api.collect("c2-beacon"))
    for name in ("ana", "bob"):
        _grade(course, name, "well done")

    succeed(api.release_feedback("c2-beacon", "bob"))

    assert server.store.index.feedback(receipts["bob"].position) is not None
    assert server.store.index.feedback(receipts["ana"].position) is None


def test_feedback_is_on_the_submission_that_was_collected_not_on_a_later_one(
    worked: Callable[[str, str], Receipt],
    api: NbGraderAPI,
    course: Path,
    sign_in: Callable[[str], None],
    server: Server,
) -> None:
    first = worked("ana", "first")
    sign_in("eva")
    succeed(api.collect("c2-beacon"))
    second = worked("ana", "second")
    sign_in("eva")
    _grade(course, "ana", "on the first")

    succeed(api.release_feedback("c2-beacon"))

    assert server.store.index.feedback(first.position) is not None
    assert server.store.index.feedback(second.position) is None


def test_lists_tell_whether_feedback_waits_was_fetched_or_changed(
    worked: Callable[[str, str], Receipt], act: Act, api: NbGraderAPI, course: Path, sign_in: Callable[[str], None]
) -> None:
    def state() -> tuple[bool, bool, bool]:
        (row,) = act("ana", "List", "", cached=True)
        (submission,) = row["submissions"]
        return tuple(submission[key] for key in ("has_exchange_feedback", "has_local_feedback", "feedback_updated"))

    def feedback(page: str) -> None:
        sign_in("eva")
        _grade(course, "ana", page)
        succeed(api.release_feedback("c2-beacon"))

    worked("ana", "1")
    sign_in("eva")
    succeed(api.collect("c2-beacon"))
    assert state() == (False, False, False)
    feedback("well done")
    assert state() == (True, False, False)
    act("ana", "FetchFeedback", "c2-beacon")
    assert state() == (True, True, False)
    feedback("regraded")
    assert state() == (True, True, True)


def test_an_instructor_lists_what_came_in(worked: Callable[[str, str], Receipt], act: Act) -> None:
    for name in ("ana", "bob"):
        worked(name, name)

    assert [row["student_id"] for row in act("eva", "List", "", inbound=True)] == ["ana", "bob"]
    assert [row["student_id"] for row in act("eva", "List", "", inbound=True, student="bob")] == ["bob"]


def test_submissions_cannot_be_removed(worked: Callable[[str, str], Receipt], act: Act) -> None:
    worked("ana", "1")

    with pytest.raises(ExchangeError, match="kept for good"):
        act("eva", "List", "c2-beacon", inbound=True, remove=True)


@pytest.mark.usefixtures("released_lab")
def test_a_trainee_cannot_withdraw_a_lab(act: Act) -> None:
    with pytest.raises(ExchangeError, match="Only an instructor"):
        act("ana", "List", "c2-beacon", remove=True)


def test_formgrader_that_starts_before_the_exchange_works_once_it_is_there(
    config: Config, course: Path, sign_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.course_id = "lima"
    sign_in("eva")
    monkeypatch.setattr("csirtlab.exchange.client.PAUSES_S", ())
    monkeypatch.setenv("CSIRTLAB_EXCHANGE_URL", "http://127.0.0.1:9")
    api = NbGraderAPI(config=config)

    sign_in("eva")

    succeed(api.release_assignment("c2-beacon"))
    assert api.get_released_assignments() == {"c2-beacon"}


def test_the_command_without_an_exchange_fails_and_says_why(
    act: Act, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setattr(server, "url", "http://127.0.0.1:9")
    monkeypatch.setattr("csirtlab.exchange.client.PAUSES_S", ())

    with pytest.raises(ExchangeError, match="does not answer"):
        act("ana", "List")


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_the_nbgrader_commands_play_a_whole_round(
    course: Path, home: Path, server: Server, sign_in: Callable[[str], None]
) -> None:
    """From generate_assignment to fetch_feedback, with nothing but nbgrader's own commands."""
    metadata = {"grade_id": "q1", "grade": True, "solution": True, "locked": False, "points": 3, "schema_version": 3,
                "task": False, "cell_type": "code"}  # fmt: skip
    cell = nbformat.v4.new_code_cell("raise NotImplementedError()", id="q1", metadata={"nbgrader": metadata})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), course / "source/c2-beacon/c2-beacon.ipynb")
    settings = "from csirtlab.exchange.nbgrader_setup import configure\nc = get_config()\nconfigure(c)\n"
    settings += "c.CourseDirectory.course_id = 'lima'\n"
    for folder in (course, home):
        (folder / "nbgrader_config.py").write_text(settings)

    def nbgrader(where: Path, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *command],
            check=False,
            cwd=where,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    sign_in("eva")
    nbgrader(course, "generate_assignment", "c2-beacon", "--force")
    nbgrader(course, "release_assignment", "c2-beacon")
    assert "lima c2-beacon" in nbgrader(course, "list")
    sign_in("ana")
    nbgrader(home, "fetch_assignment", "c2-beacon")
    assert "Your receipt" in nbgrader(home, "submit", "c2-beacon")
    sign_in("eva")
    assert "lima ana c2-beacon" in nbgrader(course, "list", "--inbound")
    nbgrader(course, "collect", "c2-beacon")
    nbgrader(course, "autograde", "c2-beacon", "--create")
    nbgrader(course, "generate_feedback", "c2-beacon")
    nbgrader(course, "release_feedback", "c2-beacon")
    sign_in("ana")
    nbgrader(home, "fetch_feedback", "c2-beacon")

    assert "NotImplementedError" in next((home / "lima/c2-beacon/feedback").rglob("c2-beacon.html")).read_text()
    assert (course / "feedback/ana/c2-beacon/receipt.json").is_file(), "names the submission that was graded"
    (entry,) = server.store.index.submissions("lima", "c2-beacon", "ana")
    assert server.store.index.feedback(entry.position) is not None


def test_jupyterlabs_list_of_assignments_reads_our_lists(
    worked: Callable[[str, str], Receipt], home: Path, sign_in: Callable[[str], None]
) -> None:
    worked("ana", "1")
    (home / "nbgrader_config.py").write_text(
        "from csirtlab.exchange.nbgrader_setup import configure\nconfigure(get_config())\n"
    )
    panel = AssignmentList()
    panel.root_dir = str(home)
    sign_in("ana")

    listed = panel.list_assignments("lima")

    assert listed["success"], listed["value"]
    assert [row["status"] for row in listed["value"]] == ["fetched", "submitted"]
    assert listed["value"][0]["path"] == "lima/c2-beacon"
