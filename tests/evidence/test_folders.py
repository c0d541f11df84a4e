"""Evidence appears whole or not at all, and no other case's files stay among a case's own."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.evidence.golden import golden_hashes, hashes

from csirtlab.content.scenarios import Scenario, scenario_names
from csirtlab.errors import EvidenceError
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.folders import EVIDENCE, advising, synced_file, whole_folder
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.settings import content_root

SEED = seed_of_text("folders")
HANGS = """
import signal, sys, time
from pathlib import Path
from csirtlab.endings import ends_in_order
from csirtlab.evidence.folders import synced_file, whole_folder

with ends_in_order(), whole_folder(Path(sys.argv[1]), replace=False) as aside:
    with synced_file(aside / "capture.pcap") as file:
        file.write(b"half")
        print("writes", flush=True)
        time.sleep(600)
"""


def write(folder: Path, *names: str, replace: bool = False, content: bytes = b"new") -> None:
    with advising(folder), whole_folder(folder, replace=replace) as aside:
        for name in names:
            with synced_file(aside / name) as file:
                file.write(content)


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def writer(tmp_path: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """A process that has written half of a case into ``tmp_path/case``."""
    with subprocess.Popen([sys.executable, "-c", HANGS, str(tmp_path / "case")], stdout=subprocess.PIPE) as going:
        assert going.stdout and going.stdout.readline() == b"writes\n"
        yield going
        going.kill()


def test_a_case_replaces_itself_and_leaves_what_a_trainee_has_put_beside_it(scenario: Scenario, tmp_path: Path) -> None:
    make_evidence(scenario, SEED, tmp_path / "case")
    before = hashes(tmp_path / "case")
    (tmp_path / "case" / "assets.csv").write_text("scribbled over")
    (tmp_path / "case" / "notes.txt").write_text("mine")

    make_evidence(scenario, SEED, tmp_path / "case")

    assert (tmp_path / "case" / "notes.txt").read_text() == "mine"
    assert {name: found for name, found in hashes(tmp_path / "case").items() if name != "notes.txt"} == before


@pytest.mark.parametrize("in_the_way", ["assets.csv", "mail/0123456789.eml"])
def test_a_folder_in_the_place_of_a_file_leaves_every_file_as_it_was(in_the_way: str, tmp_path: Path) -> None:
    (tmp_path / in_the_way).mkdir(parents=True)
    (tmp_path / "access.log").write_bytes(b"old")

    with pytest.raises(EvidenceError, match="A folder stands where a file has to be: name another folder"):
        write(tmp_path, "access.log", "assets.csv", "mail/0123456789.eml")

    assert content_of(tmp_path) == {"access.log": b"old"}


def test_a_failure_in_the_middle_leaves_the_old_case_whole(tmp_path: Path) -> None:
    write(tmp_path, "capture.pcap", "assets.csv", content=b"old")

    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path, replace=False) as aside:
        with synced_file(aside / "capture.pcap") as file:
            file.write(b"new")
        raise ZeroDivisionError

    assert content_of(tmp_path) == {"capture.pcap": b"old", "assets.csv": b"old"}


def test_what_another_case_would_leave_is_refused_and_named(tmp_path: Path) -> None:
    write(tmp_path, "capture.pcap", "mail/0123456789.eml", content=b"old")

    with pytest.raises(EvidenceError, match=r"mail/0123456789\.eml of another case .* --force"):
        write(tmp_path, "capture.pcap", "mail/ABCDEF0123.eml")

    assert content_of(tmp_path) == {"capture.pcap": b"old", "mail/0123456789.eml": b"old"}


def test_replacing_removes_the_other_cases_evidence_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "capture.pcap", "mail/0123456789.eml", "exhibits/exhibit-a.pcap", content=b"old")
    (tmp_path / "mail" / "what-i-think.eml").write_bytes(b"mine")
    (tmp_path / "exhibits.txt").write_bytes(b"mine")

    write(tmp_path, "capture.pcap", "mail/ABCDEF0123.eml", replace=True)

    assert content_of(tmp_path) == {
        "capture.pcap": b"new",
        "mail/ABCDEF0123.eml": b"new",
        "mail/what-i-think.eml": b"mine",
        "exhibits.txt": b"mine",
    }
    assert not (tmp_path / "exhibits").exists()


@pytest.mark.parametrize("name", scenario_names(content_root()))
def test_every_file_of_every_scenario_is_known_as_evidence(name: str) -> None:
    assert [file for case in golden_hashes(name).values() for file in case if not EVIDENCE.fullmatch(file)] == []


def test_a_command_that_is_told_to_stop_leaves_nothing(writer: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    writer.terminate()

    assert writer.wait(30) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_has_left_is_removed_by_the_next_one(
    writer: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    writer.kill()
    writer.wait()
    assert len(list(tmp_path.iterdir())) == 1

    write(tmp_path / "case", "capture.pcap")

    assert content_of(tmp_path) == {"case/capture.pcap": b"new"}


def test_what_another_run_has_in_hand_is_left_to_it(writer: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    write(tmp_path / "case", "capture.pcap")

    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refuse)
    write(tmp_path / "case", "capture.pcap")

    assert content_of(tmp_path) == {"case/capture.pcap": b"new"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_disk_that_is_full_in_the_middle_leaves_the_old_case_whole(tmp_path: Path) -> None:
    make = f"{Path(sys.executable).parent}/csirtlab evidence make c2-beacon --out {tmp_path}/case"
    sums = f"find {tmp_path} -type f -exec sha256sum {{}} + | sort | sha256sum"
    script = (
        f"mount -t tmpfs -o size=11m small {tmp_path} && {make} --seed one > /dev/null && {sums} && "
        f"{{ {make} --seed two; echo $?; }} && {sums}"
    )

    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)

    before, code, after = done.stdout.splitlines()
    assert (code, after) == ("2", before), done.stderr
    assert "Make room or name another folder" in done.stderr
