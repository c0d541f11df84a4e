"""``csirtlab bench durability``: it finds what is lost, and a short run finds nothing."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from csirtlab.bench.durability import is_clean
from csirtlab.bench.exchange_kills import Acknowledged, Checker, ExchangeFigures, Load
from csirtlab.bench.grading_kills import read_scores
from csirtlab.cli.bench import commands
from csirtlab.exchange.store import ExchangeStore

Harm = Callable[[Path], None]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Clients that were told of three submissions, in a store that nobody holds any more."""
    told = Load("http://127.0.0.1:9", 0)
    with ExchangeStore(tmp_path) as store:
        for number in range(3):
            content = f"work {number}".encode()
            with store.receive(limit=1000, too_large="") as incoming:
                incoming.write(content)
                receipt = store.submit("bench", "kept", f"trainee{number}", incoming)
            told.known.append(Acknowledged(f"trainee{number}", hashlib.sha256(content).hexdigest(), receipt))
    return told


def checked(load: Load, root: Path) -> ExchangeFigures:
    found = ExchangeFigures()
    Checker(root, found).after_a_kill(load)
    return found


def test_what_is_all_there_is_not_lost(load: Load, tmp_path: Path) -> None:
    found = checked(load, tmp_path)

    assert (found.acknowledged, found.lost, found.problems) == (3, 0, [])


def drop_the_last_line(root: Path) -> None:
    log = root / "log.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))


def change_a_file(root: Path) -> None:
    path = next((root / "objects").glob("*/*"))
    path.chmod(0o600)
    path.write_bytes(b"another")


def remove_a_file(root: Path) -> None:
    next((root / "objects").glob("*/*")).unlink()


@pytest.mark.parametrize("harm", [drop_the_last_line, change_a_file, remove_a_file])
def test_each_kind_of_harm_counts_as_one_lost(load: Load, tmp_path: Path, harm: Harm) -> None:
    harm(tmp_path)

    found = checked(load, tmp_path)

    assert found.lost == 1
    assert len(found.problems) == 1 and "entry" in found.problems[0]


def test_a_submission_whose_answer_was_lost_is_counted_and_not_as_lost(load: Load, tmp_path: Path) -> None:
    told = load.known.pop()
    load.in_flight[0] = (told.trainee, told.content)

    found = checked(load, tmp_path)

    assert (found.answers_lost, found.lost) == (1, 0)


def test_scores_are_read_with_how_often_each_submission_is_there(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as connection:
        connection.executescript("""
            CREATE TABLE submitted_assignment (id, student_id);
            CREATE TABLE submitted_notebook (id, assignment_id);
            CREATE TABLE base_cell (id, name);
            CREATE TABLE grade (cell_id, notebook_id, auto_score);
            INSERT INTO submitted_assignment VALUES (1, 'ana'), (2, 'ben'), (3, 'ben');
            INSERT INTO submitted_notebook VALUES (10, 1);
            INSERT INTO base_cell VALUES (100, 'verdict-host');
            INSERT INTO grade VALUES (100, 10, 2.5);
        """)

    assert read_scores(tmp_path / "gradebook.db") == ({"ana": {"verdict-host": 2.5}}, {"ana": 1, "ben": 2})


@pytest.mark.parametrize("key", ["lost", "doubled", "scores_wrong", "graded_again"])
def test_a_report_with_any_loss_is_not_clean(key: str) -> None:
    clean: dict[str, object] = {"lost": 0, "doubled": 0, "scores_wrong": 0, "graded_again": 0, "problems": []}

    assert is_clean(clean)
    assert not is_clean(clean | {key: 1})


@pytest.mark.slow
def test_a_quick_run_kills_both_and_finds_nothing_lost() -> None:
    told = CliRunner().invoke(commands, ["durability", "--quick", "--json"])

    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert {"kills", "acknowledged", "lost", "scores_wrong"} <= set(found)
    assert found["kills"] > 0 and found["acknowledged"] > 0
    assert (found["lost"], found["doubled"], found["scores_wrong"], found["graded_again"]) == (0, 0, 0, 0)
