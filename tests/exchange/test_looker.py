"""Archives are looked at in a process of its own, with limits; whatever becomes of it, the service goes on."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.processes import until

from csirtlab.exchange import look
from csirtlab.exchange.archives import Bounds, check_lab_archive, pack
from csirtlab.exchange.limits import MIB
from csirtlab.exchange.look import TOO_MUCH_MEMORY, TOO_MUCH_TIME, look_aside
from csirtlab.exchange.looker import Looker
from csirtlab.exchange.refusals import Refusal

Server = Any  # conftest's class; pytest hands conftest's objects over, not its names
SUBMISSIONS = "/cohorts/lima/labs/c2-beacon/submissions"


@pytest.fixture(scope="module")
def looker() -> Looker:
    return Looker(1)


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Path]:
    """Puts an archive where the service would."""

    def keep(**files: bytes) -> Path:
        path = tmp_path / "incoming"
        path.write_bytes(pack([(name.replace("_", "."), content) for name, content in files.items()]))
        return path

    return keep


def hostile(size: int = 20 * MIB - 200, key: bytes = b"cels") -> bytes:
    """JSON that takes more memory than most, and is no notebook."""
    return b'{"' + key + b'":[' + b"[]," * (size // 3 - 1) + b"[]]}"


def process_of(looker: Looker) -> Any:
    hand = looker._free.get()
    looker._free.put(hand)
    return hand._process


@pytest.mark.parametrize(
    "files",
    [
        {"x_ipynb": b'{"cells": []}'}, {"x_ipynb": b"no JSON"}, {"x_ipynb": b"[" * 100_000}, {"x_ipynb": b"[]"},
        {"other_ipynb": b"{}"}, {"x_ipynb": b'{"cells": []}', "../x": b""}, {"x_ipynb": b'"\xff"'},
    ],
)  # fmt: skip
def test_it_says_what_looking_here_would_say(
    looker: Looker, kept: Callable[..., Path], files: dict[str, bytes]
) -> None:
    path = kept(**files)

    def said(check: Callable[[], None]) -> tuple[str, int] | None:
        try:
            check()
        except Refusal as refusal:
            return str(refusal), refusal.status
        return None

    assert said(lambda: looker.check_lab(path, "x")) == said(lambda: check_lab_archive(path, "x", Bounds()))


def test_feedback_needs_a_page(looker: Looker, kept: Callable[..., Path]) -> None:
    looker.check_feedback(kept(x_html=b"<p>"))

    with pytest.raises(Refusal, match=r"no \.html file"):
        looker.check_feedback(kept(x_txt=b"<p>"))


def test_the_largest_hostile_notebook_that_was_taken_is_taken_still(looker: Looker, kept: Callable[..., Path]) -> None:
    looker.check_lab(kept(x_ipynb=hostile(key=b"cells")), "x")


def test_too_much_memory_is_refused_with_the_way_out(
    kept: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "MOST_MEMORY_B", 512 * MIB)

    assert TOO_MUCH_MEMORY.encode() in look_aside(kept(x_ipynb=hostile()), "x")


def test_too_much_processor_time_is_refused_with_the_way_out(
    kept: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "MOST_CPU_S", 1)
    monkeypatch.setattr(look, "judged", _never_ends)

    assert TOO_MUCH_TIME.encode() in look_aside(kept(x_ipynb=b"{}"), "x")


def test_too_much_time_of_any_kind_is_refused(kept: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "MOST_WALL_S", 0.2)
    monkeypatch.setattr(look, "judged", lambda *_: signal.pause())

    assert TOO_MUCH_TIME.encode() in look_aside(kept(x_ipynb=b"{}"), "x")


def _never_ends(*_: object) -> bytes:
    while True:
        pass


def test_a_process_that_was_killed_is_replaced(looker: Looker, kept: Callable[..., Path]) -> None:
    path = kept(x_ipynb=b'{"cells": []}')
    looker.check_lab(path, "x")
    before = process_of(looker)
    before.kill()
    before.wait()

    looker.check_lab(path, "x")

    assert process_of(looker).pid != before.pid


def test_when_it_cannot_be_looked_at_nothing_is_taken(
    kept: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csirtlab.exchange.looker.sys.executable", "/bin/true")

    with pytest.raises(Refusal, match="try again in a minute") as told:
        Looker(1).check_lab(kept(x_ipynb=b'{"cells": []}'), "x")

    assert told.value.status == 503


def test_it_has_nothing_of_the_services_environment(
    looker: Looker, kept: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "the service's")
    own = Looker(1)
    own.check_lab(kept(x_ipynb=b'{"cells": []}'), "x")

    assert b"JUPYTERHUB" not in Path(f"/proc/{process_of(own).pid}/environ").read_bytes()


def test_what_an_archive_took_is_given_back(looker: Looker, kept: Callable[..., Path]) -> None:
    looker.check_lab(kept(x_ipynb=hostile(key=b"cells")), "x")

    status = Path(f"/proc/{process_of(looker).pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < 40 * 1024  # KiB


def test_it_ends_with_the_service(kept: Callable[..., Path]) -> None:
    own = Looker(1)
    own.check_lab(kept(x_ipynb=b'{"cells": []}'), "x")
    process = process_of(own)

    process.stdin.close()  # as when the service is killed

    assert process.wait(60) == 0


# At the exchange


class Crowd:
    """People who send at the same time; who was answered is noted in order."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answered: list[tuple[str, int]] = []
        self._threads: list[Thread] = []

    def sends(self, name: str, content: bytes) -> None:
        def send() -> None:
            status = self.server.ask("POST", SUBMISSIONS, name, content=content, timeout=300).status_code
            self.answered.append((name, status))

        self._threads.append(Thread(target=send))
        self._threads[-1].start()

    def all_answered(self) -> None:
        for thread in self._threads:
            thread.join()


@pytest.fixture
def crowd(released: Server) -> Iterator[Crowd]:
    crowd = Crowd(released)
    yield crowd
    crowd.all_answered()


@pytest.mark.slow
def test_a_neighbour_is_answered_before_somebodys_hostile_heap(
    crowd: Crowd, released: Server, work: Callable[[str], bytes]
) -> None:
    """Before, forty such archives of one person were looked at before anything of anybody else."""
    heap = pack([("c2-beacon.ipynb", hostile())])
    for _ in range(4):
        crowd.sends("bob", heap)
    until(lambda: len(os.listdir(released.store._objects._aside)) == 4)  # noqa: PTH208  # a count

    released.as_("ana").send("lima", "c2-beacon", work("1"))

    assert len(crowd.answered) < 2


@pytest.mark.slow
def test_more_than_four_at_once_of_one_person_are_told_to_wait(crowd: Crowd) -> None:
    heap = pack([("c2-beacon.ipynb", hostile())])
    for _ in range(8):
        crowd.sends("bob", heap)
    crowd.all_answered()

    statuses = [status for _, status in crowd.answered]
    assert set(statuses) == {400, 429} and statuses.count(429) >= 1


def test_who_was_refused_ten_times_is_told_when_to_try_again(released: Server, work: Callable[[str], bytes]) -> None:
    for _ in range(10):
        assert released.ask("POST", SUBMISSIONS, "bob", content=b"no zip").status_code == 400

    answer = released.ask("POST", SUBMISSIONS, "bob", content=work("1"))

    assert answer.status_code == 429 and "try again in" in answer.json()["error"]
    assert released.ask("POST", SUBMISSIONS, "ana", content=work("1")).status_code == 201


def test_the_same_work_again_is_not_looked_at_again(
    released: Server, work: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who sends an archive that is slow to read, and is taken, cannot keep a hand busy with it."""
    looked: list[str] = []
    check = Looker.check_lab

    def noted(looker: Looker, path: Path, lab: str) -> None:
        looked.append(lab)
        check(looker, path, lab)

    monkeypatch.setattr(Looker, "check_lab", noted)
    for _ in range(3):
        released.as_("ana").send("lima", "c2-beacon", work("1"))

    assert looked == ["c2-beacon"]
