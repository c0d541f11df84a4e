"""The client: the same work is the same bytes, own work is never overwritten, a short outage is bridged."""

import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from csirtlab.errors import ExchangeError
from csirtlab.exchange.archives import Bounds, check_archive, check_lab_archive, pack
from csirtlab.exchange.client import ExchangeClient, Unreachable, pack_submission, unpack
from csirtlab.exchange.work import pack_work

Server = Any
Notebook = Callable[..., bytes]


@pytest.fixture
def folder(tmp_path: Path, notebook: Notebook) -> Path:
    """A lab's folder in a home, worked in."""
    lab = tmp_path / "home/lima/c2-beacon"
    lab.mkdir(parents=True)
    (lab / "c2-beacon.ipynb").write_bytes(notebook("my work"))
    (lab / "notes.txt").write_text("a thought")
    (lab / "helpers").mkdir()
    (lab / "helpers/flows.py").write_text("x = 1")
    for name in ("evidence/capture.pcap", ".ipynb_checkpoints/c2-beacon-checkpoint.ipynb", "feedback/1/c2-beacon.html"):
        (lab / name).parent.mkdir(parents=True, exist_ok=True)
        (lab / name).write_text("not mine")
    (lab / ".secret").write_text("hidden")
    (lab / "receipt-3.json").write_text("{}")
    (lab / "copy.ipynb").write_bytes(notebook("a copy"))
    (lab / "link.txt").symlink_to("/etc/passwd")
    (lab / "big.bin").write_bytes(bytes(2 * 1024 * 1024))
    return lab


def test_a_submission_holds_the_notebook_and_own_small_files(folder: Path) -> None:
    packing = pack_work(folder, "c2-beacon")

    assert packing.files == ("c2-beacon.ipynb", "helpers/flows.py", "notes.txt")
    assert packing.left_out == ("big.bin", "copy.ipynb")


def test_the_same_work_is_packed_to_the_same_bytes(folder: Path) -> None:
    first = pack_submission(folder, "c2-beacon")
    (folder / "notes.txt").write_text("a thought")  # written again, later
    (folder / "receipt-4.json").write_text("{}")

    assert pack_submission(folder, "c2-beacon") == first


def test_what_is_packed_is_what_the_exchange_takes(folder: Path) -> None:
    check_lab_archive(BytesIO(pack_submission(folder, "c2-beacon")), "c2-beacon", Bounds())


def test_without_the_notebook_nothing_is_packed(folder: Path) -> None:
    (folder / "c2-beacon.ipynb").unlink()

    with pytest.raises(ExchangeError, match="Save your notebook under this name"):
        pack_submission(folder, "c2-beacon")


def test_a_fetched_lab_fills_an_empty_folder(tmp_path: Path) -> None:
    content = pack([("c2-beacon.ipynb", b"fresh"), ("evidence/capture.pcap", b"packets")])

    unpacked = unpack(content, tmp_path / "new/c2-beacon")

    assert (tmp_path / "new/c2-beacon/evidence/capture.pcap").read_bytes() == b"packets"
    assert len(unpacked.written) == 2


def test_fetching_again_leaves_own_work_and_renews_the_evidence(folder: Path) -> None:
    mine = (folder / "c2-beacon.ipynb").read_bytes()
    content = pack([("c2-beacon.ipynb", b"fresh"), ("evidence/capture.pcap", b"packets"), ("more.txt", b"new")])

    unpacked = unpack(content, folder)

    assert (folder / "c2-beacon.ipynb").read_bytes() == mine
    assert (folder / "evidence/capture.pcap").read_bytes() == b"packets"
    assert (folder / "more.txt").read_bytes() == b"new"
    assert unpacked.stayed == (folder / "c2-beacon.ipynb",)


def test_starting_over_keeps_the_old_work_beside_the_new(folder: Path) -> None:
    mine = (folder / "c2-beacon.ipynb").read_bytes()

    unpack(pack([("c2-beacon.ipynb", b"fresh")]), folder, replace=True)
    unpack(pack([("c2-beacon.ipynb", b"fresher")]), folder, replace=True)

    assert (folder / "c2-beacon.ipynb").read_bytes() == b"fresher"
    assert (folder / "c2-beacon.mine-1.ipynb").read_bytes() == mine
    assert (folder / "c2-beacon.mine-2.ipynb").read_bytes() == b"fresh"


@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/outside.txt", "a/../../outside.txt"])
def test_nothing_is_unpacked_outside_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(ExchangeError, match="cannot be taken"):
        unpack(pack([(name, b"x")]), folder)

    assert not (folder.parent / "outside.txt").exists()


@pytest.mark.parametrize("link", ["evidence", "evidence/capture.pcap"])
def test_nothing_is_written_through_a_link(tmp_path: Path, link: str) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "lab"
    elsewhere.mkdir()
    (folder / link).parent.mkdir(parents=True)
    (folder / link).symlink_to(elsewhere)

    with pytest.raises(ExchangeError, match="nothing is written through links"):
        unpack(pack([("evidence/capture.pcap", b"x")]), folder)

    assert list(elsewhere.iterdir()) == []


def test_something_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file where a folder goes")

    with pytest.raises(ExchangeError, match="in its way"):
        unpack(pack([("evidence/capture.pcap", b"x")]), tmp_path)


def test_a_folder_travels_from_release_to_submission(released: Server, tmp_path: Path) -> None:
    ana = released.as_("ana")
    ana.fetch_folder("lima", "c2-beacon", tmp_path / "c2-beacon")

    receipt = ana.submit("lima", "c2-beacon", tmp_path / "c2-beacon")

    (submission,) = ana.submissions("lima", "c2-beacon")
    assert submission.receipt == receipt
    assert check_archive(BytesIO(ana.submission("lima", submission)), Bounds()) == ["c2-beacon.ipynb"]


def test_an_exchange_that_is_away_is_tried_again_and_then_told() -> None:
    pauses: list[float] = []

    with (
        ExchangeClient("http://127.0.0.1:9", "token", pauses_s=(1.0, 2.0), sleep=pauses.append) as client,
        pytest.raises(Unreachable, match="Try again in a minute"),
    ):
        client.labs()

    assert pauses == [1.0, 2.0]


def test_an_exchange_that_comes_back_is_not_noticed(released: Server, loopback: Any) -> None:
    working, answers = loopback.app, []

    async def away(_: Any, __: Any, send: Any) -> None:
        answers.append(503)
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def come_back(_: float) -> None:
        loopback.app = working

    loopback.app = away
    with ExchangeClient(released.url, "ana-token", pauses_s=(1.0,), sleep=come_back) as client:
        assert client.labs().username == "ana"
    assert answers == [503]


def test_outside_of_the_hub_the_way_in_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CSIRTLAB_EXCHANGE_URL", raising=False)

    with pytest.raises(ExchangeError, match="terminal of your JupyterLab on the hub"):
        ExchangeClient.from_environment()


def test_a_submission_that_is_not_what_its_receipt_says_is_not_used(
    released: Server, work: Callable[[str], bytes]
) -> None:
    released.as_("ana").send("lima", "c2-beacon", work("1"))
    (entry,) = released.store.index.submissions("lima", "c2-beacon")
    path = released.store.content(entry)
    path.chmod(0o600)
    path.write_bytes(work("2"))
    (submission,) = released.as_("eva").submissions("lima", "c2-beacon")

    with pytest.raises(ExchangeError, match="csirtlab exchange verify"):
        released.as_("eva").submission("lima", submission)


def test_many_at_once_all_get_their_receipt(released: Server, work: Callable[[str], bytes]) -> None:
    receipts: dict[int, Any] = {}

    def send(number: int) -> None:
        with ExchangeClient(released.url, f"{('ana', 'bob', 'carla')[number % 3]}-token") as client:
            receipts[number] = client.send("lima", "c2-beacon", work(str(number)))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(receipt.position for receipt in receipts.values()) == list(range(1, 13))
