"""Long proofs: what was found is not looked for again, and nothing lives on after a run that was killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.processes import living, until

from csirtlab.errors import EvidenceError
from csirtlab.proofs.journal import SeedOutcome, journal_folder, journal_name, resumed

SLEEPERS = """
import time
from csirtlab.proofs.journal import spread

if __name__ == "__main__":
    list(spread(time.sleep, [(600,), (600,)], 2))
"""


FAILING = """
import sys, time
from pathlib import Path
from csirtlab.proofs.journal import spread

def work(number):
    time.sleep(0.2)
    Path(sys.argv[1], f"done-{number:02}").touch()
    return 1 / number

if __name__ == "__main__":
    list(spread(work, [(number,) for number in range(100)], 2))
"""

SLOW = """
import sys, time
from pathlib import Path
from csirtlab.endings import ends_in_order
from csirtlab.proofs.journal import spread

def work(number):
    Path(sys.argv[1], f"begun-{number:02}").touch()
    time.sleep(0.5)
    Path(sys.argv[1], f"done-{number:02}").touch()

if __name__ == "__main__":
    with ends_in_order():
        list(spread(work, [(number,) for number in range(100)], 2))
"""


@dataclass(frozen=True)
class Square(SeedOutcome):
    """A number and its square."""

    value: int


def test_the_next_run_goes_on_where_one_was_stopped(tmp_path: Path) -> None:
    journal, asked = tmp_path / "journal.jsonl", []

    def run(numbers: list[int]) -> Generator[Square]:
        asked.append(numbers)
        return (Square(number, number**2) for number in reversed(numbers))

    resumed(Square, journal, 3, run, lambda: None)
    with journal.open("a") as file:
        file.write('{"seed": 3, "val')  # the power went off
    resumed(Square, journal, 5, run, lambda: None)
    found = resumed(Square, journal, 5, run, lambda: None)

    assert asked == [[0, 1, 2], [3, 4], []]
    assert found == [Square(number, number**2) for number in range(5)]


def test_damaged_lines_count_as_not_proven(tmp_path: Path) -> None:
    journal, asked = tmp_path / "journal.jsonl", []
    journal.write_bytes(
        b'{"seed": 0, "value": 0}\n\xff\xfe\n{"seed": 1, "value": null}\n{"seed": "2", "value": 4}\n'
        b'{"seed": true, "value": 1}\n{"seed": -1, "value": 1}\n["seed"]\nnull\n' + b"[" * 100_000 + b"\n"
    )

    def run(numbers: list[int]) -> Generator[Square]:
        asked.append(numbers)
        return (Square(number, number**2) for number in numbers)

    assert resumed(Square, journal, 3, run, lambda: None) == [Square(0, 0), Square(1, 1), Square(2, 4)]
    assert asked == [[1, 2]]


def test_a_folder_in_the_place_of_a_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").mkdir()

    with pytest.raises(EvidenceError, match=r"journal\.jsonl: .*Remove what is in the way .* XDG_CACHE_HOME"):
        resumed(Square, tmp_path / "journal.jsonl", 1, lambda _: (_ for _ in ()), lambda: None)


def test_a_place_for_journals_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(EvidenceError, match=r"file/csirtlab.* XDG_CACHE_HOME"):
        journal_folder()


def test_an_error_is_told_before_what_has_not_begun(tmp_path: Path) -> None:
    program = tmp_path / "failing.py"
    program.write_text(FAILING)

    done = subprocess.run([sys.executable, program, tmp_path], capture_output=True, text=True, check=False, timeout=60)

    assert "ZeroDivisionError" in done.stderr
    assert len(list(tmp_path.glob("done-*"))) < 10


def test_a_run_that_is_told_to_stop_lets_what_has_begun_end_and_begins_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "slow.py"
    program.write_text(SLOW)
    going = subprocess.Popen([sys.executable, program, tmp_path], start_new_session=True)
    until(lambda: any(tmp_path.glob("begun-*")))

    os.killpg(going.pid, signal.SIGTERM)  # as a terminal or a service manager does: to all of them

    assert going.wait(60) == 128 + signal.SIGTERM
    begun, done = (sorted(path.name[-2:] for path in tmp_path.glob(f"{what}-*")) for what in ("begun", "done"))
    assert begun == done and len(done) < 20


def test_a_journal_counts_for_the_very_same_sources_alone(tmp_path: Path) -> None:
    source = tmp_path / "scenario.toml"
    source.write_text("one")
    before = journal_name("scenario", [source], ["proofs"])
    source.write_text("two")

    assert journal_name("scenario", [source], ["proofs"]) != before
    assert journal_name("scenario", [source], ["proofs"]) != journal_name("scenario", [source], ["evidence"])


def test_no_worker_lives_on_when_the_run_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "sleepers.py"
    program.write_text(SLEEPERS)
    going = subprocess.Popen([sys.executable, program], start_new_session=True)
    until(lambda: living(going.pid) == 4)  # itself, what tracks shared resources, two that sleep

    going.kill()
    going.wait()

    until(lambda: living(going.pid) == 0)
