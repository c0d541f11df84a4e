"""The store: what is acknowledged is kept, what is kept cannot change, one process holds it."""

import hashlib
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from csirtlab.errors import ExchangeError
from csirtlab.exchange.receipts import Receipt, verify_receipt
from csirtlab.exchange.refusals import ReceiptError, Refusal
from csirtlab.exchange.store import ExchangeStore, verify_store

Hand = Callable[..., Receipt]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "exchange"


def put(store: ExchangeStore, action: Callable[..., Any], *named: object, content: bytes) -> Any:
    with store.receive(limit=1000, too_large="Too large.") as incoming:
        incoming.write(content)
        return action(*named, incoming)


def test_a_submission_is_kept_under_its_own_hash(store: ExchangeStore, hand_in: Hand) -> None:
    receipt = hand_in(b"my work")

    (entry,) = store.index.submissions("lima", "c2-beacon", "ana")
    assert store.content(entry).read_bytes() == b"my work"
    assert receipt.content == entry.content == hashlib.sha256(b"my work").hexdigest()


def test_the_receipt_is_signed_and_names_the_log_entry(store: ExchangeStore, hand_in: Hand) -> None:
    receipt = hand_in()

    verify_receipt(receipt, store.public_key)
    (entry,) = store.index.submissions("lima", "c2-beacon")
    assert (receipt.position, receipt.entry, receipt.trainee) == (entry.position, entry.hash, "ana")


def test_the_same_content_again_gives_the_same_receipt(hand_in: Hand) -> None:
    assert hand_in(b"once") == hand_in(b"once")


def test_resubmission_keeps_both(store: ExchangeStore, hand_in: Hand) -> None:
    hand_in(b"first")
    hand_in(b"second")

    kept = [store.content(entry).read_bytes() for entry in store.index.submissions("lima", "c2-beacon", "ana")]
    assert kept == [b"first", b"second"]


def test_going_back_to_earlier_work_is_a_new_submission(store: ExchangeStore, hand_in: Hand) -> None:
    hand_in(b"first")
    hand_in(b"second")
    third = hand_in(b"first")

    assert store.index.submissions("lima", "c2-beacon", "ana")[-1].position == third.position == 2


def test_a_script_cannot_fill_the_disk_with_submissions(hand_in: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("csirtlab.exchange.store.SUBMISSIONS_LIMIT", 2)
    hand_in(b"first")
    second = hand_in(b"second")

    with pytest.raises(Refusal, match="send the notebook to the instructor"):
        hand_in(b"third")
    assert hand_in(b"second") == second
    assert hand_in(b"third", trainee="bob").position == 2


def test_the_same_content_of_two_trainees_is_two_submissions(store: ExchangeStore, hand_in: Hand) -> None:
    hand_in(b"copied", trainee="ana")
    hand_in(b"copied", trainee="bob")

    assert [entry.trainee for entry in store.index.submissions("lima", "c2-beacon")] == ["ana", "bob"]


def test_the_latest_is_the_last_in_the_log_when_the_clock_steps_back(
    store: ExchangeStore,
    hand_in: Hand,
    clock: Any,
) -> None:
    hand_in(b"first")
    clock.now -= timedelta(hours=1)
    hand_in(b"second")

    latest = store.index.submissions("lima", "c2-beacon", "ana")[-1]
    assert store.content(latest).read_bytes() == b"second"


def test_a_release_takes_the_place_of_the_one_before_until_withdrawn(store: ExchangeStore) -> None:
    put(store, store.release, "lima", "c2-beacon", "eva", content=b"v1")
    put(store, store.release, "lima", "c2-beacon", "eva", content=b"v2")

    release = store.index.release("lima", "c2-beacon")
    assert release is not None
    assert store.content(release).read_bytes() == b"v2"
    store.withdraw("lima", "c2-beacon", "eva")
    assert store.index.release("lima", "c2-beacon") is None
    assert store.index.release("quito", "c2-beacon") is None


def test_withdrawing_what_is_not_released_is_refused(store: ExchangeStore) -> None:
    with pytest.raises(Refusal, match="nothing to withdraw"):
        store.withdraw("lima", "c2-beacon", "eva")


def test_everything_is_there_after_a_restart(store: ExchangeStore, hand_in: Hand, root: Path) -> None:
    receipt = hand_in(b"before")
    (submission,) = store.index.submissions("lima", "c2-beacon")
    put(store, store.release, "lima", "c2-beacon", "eva", content=b"lab")
    put(store, store.give_feedback, submission, "eva", content=b"well done")
    store.close()

    with ExchangeStore(root) as again:
        (entry,) = again.index.submissions("lima", "c2-beacon", "ana")
        feedback = again.index.feedback(entry.position)
        assert again.receipt(entry) == receipt
        assert feedback is not None
        assert again.content(feedback).read_bytes() == b"well done"
        assert again.index.release("lima", "c2-beacon") is not None


def test_a_file_that_the_disk_damaged_is_mended_by_sending_it_again(
    store: ExchangeStore, hand_in: Hand, root: Path
) -> None:
    hand_in(b"work", trainee="ana")
    (entry,) = store.index.submissions("lima", "c2-beacon")
    store.content(entry).chmod(0o600)
    store.content(entry).write_bytes(b"wxrk")

    hand_in(b"work", trainee="ana")

    assert verify_store(root).faults == ()


@pytest.mark.usefixtures("store")
def test_a_second_process_is_told_who_holds_the_store(root: Path) -> None:
    with pytest.raises(ExchangeError, match=rf"number {os.getpid()}\) holds the exchange .* stop that one first"):
        ExchangeStore(root)


def test_the_store_is_free_again_once_its_holder_is_gone(root: Path) -> None:
    script = "import sys, os; from pathlib import Path; from csirtlab.exchange.store import ExchangeStore\n"
    script += "held = ExchangeStore(Path(sys.argv[1])); os._exit(0)"
    subprocess.run([sys.executable, "-c", script, str(root)], check=True, timeout=60)

    ExchangeStore(root).close()


def test_a_closed_store_takes_nothing_more(store: ExchangeStore, hand_in: Hand) -> None:
    store.close()

    with pytest.raises(ExchangeError, match="again in a minute"):
        hand_in()


def test_what_was_on_its_way_at_a_crash_is_swept_away(store: ExchangeStore, root: Path) -> None:
    (root / "incoming" / "half").write_bytes(b"ha")
    store.close()

    ExchangeStore(root).close()

    assert list((root / "incoming").iterdir()) == []


def test_more_than_the_limit_is_refused_and_leaves_nothing(store: ExchangeStore, root: Path) -> None:
    with (
        pytest.raises(Refusal, match=r"Too large\.") as refused,
        store.receive(limit=10, too_large="Too large.") as incoming,
    ):
        incoming.write(b"eleven bytes")

    assert refused.value.status == 413
    assert list((root / "incoming").iterdir()) == []


def test_only_the_owner_can_read_the_store(hand_in: Hand, root: Path) -> None:
    hand_in()

    open_to_others = [path for path in root.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert open_to_others == [root / "key.pub.pem"]


def test_a_key_that_others_can_read_is_not_used(store: ExchangeStore, root: Path) -> None:
    store.close()
    (root / "key.pem").chmod(0o644)

    with pytest.raises(ReceiptError, match="chmod 600"):
        ExchangeStore(root)


def test_a_lost_key_is_not_silently_replaced(store: ExchangeStore, hand_in: Hand, root: Path) -> None:
    hand_in()
    store.close()
    (root / "key.pem").unlink()

    with pytest.raises(ReceiptError, match="from a backup"):
        ExchangeStore(root)


def test_verify_finds_nothing_wrong_in_a_running_store(hand_in: Hand, root: Path) -> None:
    hand_in()

    found = verify_store(root)

    assert (found.entries, found.submissions, found.faults) == (1, 1, ())


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_verify_finds_content_that_was(store: ExchangeStore, hand_in: Hand, root: Path, harm: str) -> None:
    hand_in()
    (entry,) = store.index.submissions("lima", "c2-beacon")
    path = store.content(entry)
    path.unlink()
    if harm == "changed":
        path.write_bytes(b"other")

    (fault,) = verify_store(root).faults

    assert str(path) in fault


WRITER = """
import sys
from pathlib import Path
from csirtlab.exchange.store import ExchangeStore
store = ExchangeStore(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 1_000_000):
    with store.receive(limit=1_000_000, too_large="") as incoming:
        incoming.write(f"work {number} ".encode() * 1000)
        receipt = store.submit("lima", "c2-beacon", f"trainee{number % 7}", incoming)
    print(receipt.position, receipt.entry, receipt.content, flush=True)
"""


def test_every_acknowledged_submission_survives_kill_9(root: Path) -> None:
    rng = random.Random(7)
    acknowledged: list[list[str]] = []
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), str(1000 * len(acknowledged))], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(rng.randint(1, 40)):
            acknowledged.append(writer.stdout.readline().split())
        writer.send_signal(signal.SIGKILL)
        acknowledged += [line.split() for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        writer.stdout.close()
        writer.wait()

        with ExchangeStore(root) as store:
            for position, entry_hash, content in acknowledged:
                entry = store.index.submission(int(position))
                assert entry is not None
                assert (entry.hash, entry.content) == (entry_hash, content)
                assert hashlib.sha256(store.content(entry).read_bytes()).hexdigest() == content
    assert verify_store(root).faults == ()
    assert len(acknowledged) > 50


FULL_DISK = """
import sys
from pathlib import Path
from csirtlab.exchange.refusals import StorageError
from csirtlab.exchange.store import ExchangeStore
store = ExchangeStore(Path(sys.argv[1]))

def hand_in(content):
    with store.receive(limit=10**9, too_large="") as incoming:
        for start in range(0, len(content), 65536):
            incoming.write(content[start:start + 65536])
        return store.submit("lima", "c2-beacon", "ana", incoming)

kept = [hand_in(b"small %d" % number).content for number in range(3)]
for size in (10**7, 3 * 10**6):
    try:
        hand_in(bytes(size))
    except StorageError as error:
        assert "free space" in str(error), error
    else:
        raise SystemExit("taken?")
kept.append(hand_in(b"small again").content)
store.close()
print(*kept)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_disk_that_is_really_full_refuses_the_new_one_and_harms_no_old_one(root: Path) -> None:
    """A disk of two MiB, in a mount namespace of its own."""
    root.mkdir()
    copy = root.with_name("copy")
    script = (
        f'mount -t tmpfs -o size=2m,mode=700 none "{root}" && "{sys.executable}" -c "$1" "{root}" '
        f'&& cp -a "{root}" "{copy}"'
    )

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", FULL_DISK], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert verify_store(copy).faults == ()
    assert list((copy / "incoming").iterdir()) == []
    with ExchangeStore(copy) as store:
        entries = store.index.submissions("lima", "c2-beacon", "ana")
        assert [entry.content for entry in entries] == done.stdout.split()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_verify_finds_a_line_that_was_removed_from_the_log(hand_in: Hand, root: Path, number: int) -> None:
    for content in (b"first", b"second", b"third", b"fourth"):
        hand_in(content)
    lines = (root / "log.jsonl").read_bytes().splitlines(keepends=True)
    (root / "log.jsonl").write_bytes(b"".join(lines[:number] + lines[number + 1 :]))

    (fault,) = verify_store(root).faults

    assert f"log.jsonl:{number + 1}:" in fault and "removed" in fault


def test_a_double_click_at_the_same_moment_is_one_submission(store: ExchangeStore, hand_in: Hand) -> None:
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(hand_in, [b"clicked"] * 16))

    assert len(set(receipts)) == 1
    assert len(store.index.submissions("lima", "c2-beacon", "ana")) == 1
