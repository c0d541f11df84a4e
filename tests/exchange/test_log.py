"""The log: append-only, chained by hashes, repaired after a crash, never trusted when altered."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from csirtlab.exchange.entries import Draft, Kind
from csirtlab.exchange.log import Log, read_log
from csirtlab.exchange.refusals import LogError, StorageError

DRAFT = Draft(kind=Kind.SUBMISSION, cohort="lima", lab="c2-beacon", by="ana", trainee="ana", content="ab" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


@pytest.fixture
def three(path: Path) -> Path:
    log = Log(path)
    for _ in range(3):
        log.append(DRAFT)
    log.close()
    return path


def test_entries_are_chained_and_numbered_without_a_gap(three: Path) -> None:
    entries = read_log(three).entries

    assert [entry.position for entry in entries] == [0, 1, 2]
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]


def test_a_line_names_position_time_kind_whose_and_content(three: Path) -> None:
    line = json.loads(three.read_text().splitlines()[1])

    assert line.keys() >= {"position", "time", "kind", "cohort", "lab", "trainee", "content", "previous", "hash"}
    assert line["time"].endswith("Z")


def test_a_reopened_log_goes_on_where_it_stopped(three: Path) -> None:
    log = Log(three)
    entry = log.append(DRAFT)
    log.close()

    assert entry.position == 3
    assert read_log(three).damage is None


def test_a_clock_that_steps_back_does_not_reorder_the_log(path: Path) -> None:
    times = iter([datetime(2026, 3, 2, 10, tzinfo=UTC), datetime(2026, 3, 2, 9, tzinfo=UTC)])
    log = Log(path, clock=lambda: next(times))
    first, second = log.append(DRAFT), log.append(DRAFT)
    log.close()

    assert (first.position, second.position) == (0, 1)
    assert read_log(path).entries == (first, second)


@pytest.mark.parametrize("lost", [1, 40, 300])
def test_a_torn_last_line_is_kept_aside_and_the_log_goes_on(three: Path, lost: int) -> None:
    whole = three.read_bytes()
    three.write_bytes(whole[:-lost])

    log = Log(three)
    log.append(DRAFT)
    log.close()

    reading = read_log(three)
    assert (len(reading.entries), reading.damage, reading.torn) == (3, None, b"")
    (aside,) = three.parent.glob("log.jsonl.torn-*")
    assert whole[:-lost].endswith(aside.read_bytes())


def test_a_block_that_a_power_cut_left_zero_is_a_torn_line(three: Path) -> None:
    *_, last = three.read_bytes().splitlines(keepends=True)
    with three.open("r+b") as file:
        file.seek(-len(last), os.SEEK_END)
        file.write(b"\0" * (len(last) - 10))

    Log(three).close()

    assert len(read_log(three).entries) == 2


def _alter(path: Path, change: Callable[[list[bytes]], None]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))


def _rename_trainee(lines: list[bytes]) -> None:
    lines[1] = lines[1].replace(b'"trainee":"ana"', b'"trainee":"bob"')


def _drop_one(lines: list[bytes]) -> None:
    del lines[1]


def _swap(lines: list[bytes]) -> None:
    lines[0], lines[1] = lines[1], lines[0]


def _respell(lines: list[bytes]) -> None:
    lines[1] = json.dumps(json.loads(lines[1])).encode() + b"\n"


def _nonsense(lines: list[bytes]) -> None:
    lines[1] = b"[[[\n"


def _field_of_another_type(lines: list[bytes]) -> None:
    lines[1] = lines[1].replace(b'"position":1', b'"position":"1"')


@pytest.mark.parametrize("change", [_rename_trainee, _drop_one, _swap, _respell, _nonsense, _field_of_another_type])
def test_an_altered_line_is_found_and_named(three: Path, change: Callable[[list[bytes]], None]) -> None:
    _alter(three, change)

    damage = read_log(three).damage

    assert damage is not None
    assert f"{three}:" in damage


def test_an_altered_log_is_not_written_to(three: Path) -> None:
    _alter(three, _rename_trainee)

    with pytest.raises(LogError, match="from a backup"):
        Log(three)


def test_what_a_full_disk_does_not_take_leaves_the_log_as_it_was(three: Path) -> None:
    """A file-size limit stands in for the full disk: the write stops halfway through the line."""
    script = f"""
import resource, signal
from csirtlab.exchange.log import Log, read_log
from csirtlab.exchange.refusals import StorageError
from csirtlab.exchange.entries import Draft, Kind
from pathlib import Path
path = Path({str(three)!r})
log = Log(path)
size = path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
draft = Draft(kind=Kind.WITHDRAW, cohort="lima", lab="c2-beacon", by="eva")
try:
    log.append(draft)
except StorageError as error:
    assert "free space" in str(error)
else:
    raise SystemExit("taken?")
assert path.stat().st_size == size
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert log.append(draft).position == 3
assert read_log(path).damage is None
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr


def test_after_a_failed_sync_nothing_more_is_acknowledged(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on disk after a failed fsync is unknown: only reading it again tells."""
    log = Log(path)

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError):
        log.append(DRAFT)
    monkeypatch.undo()

    with pytest.raises(StorageError, match="restart the hub"):
        log.append(DRAFT)
