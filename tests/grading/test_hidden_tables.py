"""Hidden cases are read beforehand, once for a grading run; it changes no answer and shows nothing more."""

from collections.abc import Iterator

import pytest

from csirtlab.content.labs import read_lab
from csirtlab.grading.box import Box
from csirtlab.grading.cases import CaseFolders, Shelf
from csirtlab.grading.cohort_folder import CohortFolder
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
    cohort = CohortFolder(tmp_path_factory.mktemp("cohort"), "demo", Language.EN, {}, b"4" * 32)
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
