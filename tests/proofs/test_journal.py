"""Long proofs: what was found is not looked for again, and nothing lives on after a run that was killed."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.processes import living, until

from csirtlab.proofs.journal import SeedOutcome, journal_name, resumed

SLEEPERS = """
import time
from csirtlab.proofs.journal import spread

if __name__ == "__main__":
    list(spread(time.sleep, [(600,), (600,)], 2))
"""


@dataclass(frozen=True)
class Square(SeedOutcome):
    """A number and its square."""

    value: int


def test_the_next_run_goes_on_where_one_was_stopped(tmp_path: Path) -> None:
    journal, asked = tmp_path / "journal.jsonl", []

    def run(numbers: list[int]) -> Iterator[Square]:
        asked.append(numbers)
        return (Square(number, number**2) for number in reversed(numbers))

    resumed(Square, journal, 3, run, lambda: None)
    with journal.open("a") as file:
        file.write('{"seed": 3, "val')  # the power went off
    resumed(Square, journal, 5, run, lambda: None)
    found = resumed(Square, journal, 5, run, lambda: None)

    assert asked == [[0, 1, 2], [3, 4], []]
    assert found == [Square(number, number**2) for number in range(5)]


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
