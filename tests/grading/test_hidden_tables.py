"""Hidden cases are made and read once for a grading run; it changes no answer and shows nothing more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from csirtlab.content.labs import read_lab
from csirtlab.grading import cases
from csirtlab.grading.box import Box
from csirtlab.grading.cases import CaseFolders, Shelf
from csirtlab.grading.cohort_folder import CohortFolder
from csirtlab.grading.pool import BoxPool
from csirtlab.grading.runs import Cell
from csirtlab.kit import dissections, readers
from csirtlab.languages import Language
from csirtlab.settings import content_root

pytestmark = pytest.mark.slow
METHOD = "beacon_detector"
READ_WITHOUT_TSHARK = """
import subprocess
from csirtlab.kit import open_case

case = open_case()

def detect(hidden):
    def refuse(*_, **__):
        raise RuntimeError("a program was started")
    subprocess.Popen = refuse
    table = hidden.table(["ip.src", "tcp.dstport"], "tcp.flags.syn == 1 && tcp.flags.ack == 0")
    return table["ip.src"].iloc[0]

case.method("beacon_detector", detect)
"""
LOOK_FOR_TABLES = (
    "import glob\nprint(glob.glob('/case/**/.*', recursive=True), glob.glob('/tmp/**/.*pcap*', recursive=True))"
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseFolders]:
    cohort = _cohort(tmp_path_factory.mktemp("cohort"))
    lab = read_lab(content_root(), "c2-beacon")
    with Shelf() as shelf, shelf.folders(content_root(), lab, cohort, "ana") as made:
        yield made


def test_a_hidden_case_has_its_tables_beside_it_and_the_trainees_own_has_not(folders: CaseFolders) -> None:
    for sibling in folders.siblings[METHOD]:
        capture = sibling / "evidence" / "capture.pcap"
        said = readers._output_of(capture, dissections.OPTIONS, None, "en")
        assert dissections.read(capture) == dissections.read_output(said)

    assert list((folders.own / "evidence").glob(".*")) == []


def test_a_method_reads_them_in_the_box(folders: CaseFolders) -> None:
    with Box() as box:
        ran = box.run([Cell(0, READ_WITHOUT_TSHARK)], folders.own, folders.siblings)

    first = [
        readers.tshark_columns(sibling / "evidence" / "capture.pcap", ["ip.src"], "tcp.flags == 2 && ip", "en")
        for sibling in folders.siblings[METHOD]
    ]
    assert list(ran.method_errors[METHOD]) == [None] * len(first)
    assert list(ran.methods[METHOD]) == [columns[0][0] for columns in first]


def test_they_are_not_there_while_cells_run(folders: CaseFolders) -> None:
    with Box() as box:
        ran = box.run([Cell(0, LOOK_FOR_TABLES)], folders.own, folders.siblings)

    assert [output.get("text") for output in ran.outputs[0]] == ["[] []\n"]


def test_workers_make_each_hidden_case_once_and_read_the_same(tmp_path: Path) -> None:
    with BoxPool(2) as pool:
        told = [future.result() for future in [pool.submit(_hidden_cases, tmp_path, who) for who in ("ana", "ben")]]

    (first, made_by_one), (second, made_by_other) = told
    assert first == second
    assert len(first) == 3
    assert made_by_one + made_by_other == 3


def test_a_hidden_case_that_was_half_made_is_made_again(tmp_path: Path) -> None:
    """As after ``kill -9``: what is not in its place yet is nobody's, and its lock is free."""
    (tmp_path / "new-cut-off" / "case" / "evidence").mkdir(parents=True)
    lab = read_lab(content_root(), "c2-beacon")

    with Shelf(tmp_path) as shelf, shelf.folders(content_root(), lab, _cohort(tmp_path), "ana") as made:
        for lock in tmp_path.glob("*.lock"):
            assert lock.read_bytes() == b""
        assert all((sibling / "evidence" / "capture.pcap").is_file() for sibling in made.siblings[METHOD])


def _cohort(folder: Path) -> CohortFolder:
    return CohortFolder(folder, "demo", Language.EN, {}, b"4" * 32)


def _hidden_cases(folder: Path, who: str) -> tuple[list[str], int]:
    """Return where a worker has the hidden cases, and how many of them it made itself."""
    lab = read_lab(content_root(), "c2-beacon")
    made: list[Path] = []
    read = cases.read_beforehand

    def note(evidence: Path) -> None:
        made.append(evidence)
        read(evidence)

    cases.read_beforehand = note
    shared = cases.shared_folder()
    with Shelf(shared) as shelf, shelf.folders(content_root(), lab, _cohort(folder), who) as folders:
        return [str(place) for place in folders.siblings[METHOD]], len(made)
