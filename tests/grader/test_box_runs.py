"""What the box runs, and what it hands out."""

from pathlib import Path
from typing import Any

from csirtlab.grading.box import Box
from csirtlab.grading.runs import BoxRun, Cell, Ending, Limits


def run(box: Box, case: Path, *sources: str, **limits: Any) -> BoxRun:
    cells = [Cell(index, source) for index, source in enumerate(sources)]
    return box.run(cells, case, limits=Limits(**limits))


def shown(result: BoxRun, index: int = 0) -> str:
    """Return everything textual that a cell has put out."""
    return "".join(
        str(output.get("text") or output.get("evalue") or output.get("data", {}).get("text/plain", ""))
        for output in result.outputs[index]
    )


def test_outputs_have_the_shape_and_the_order_of_a_notebook(box: Box, case: Path) -> None:
    result = run(box, case, "print('a')\ndisplay('b')\nprint('c')\n1 + 1")

    assert [output["output_type"] for output in result.outputs[0]] == [
        "stream", "display_data", "stream", "execute_result",
    ]  # fmt: skip


def test_a_cell_that_fails_does_not_stop_the_next_one(box: Box, case: Path) -> None:
    result = run(box, case, "1 / 0", "print('still here')")

    assert result.outputs[0][0]["ename"] == "ZeroDivisionError"
    assert shown(result, 1) == "still here\n"


def test_a_finding_comes_out_as_data(box: Box, case: Path) -> None:
    source = "from csirtlab.kit import open_case\ncase = open_case()\ncase.answer('infected_host', ' 10.0.0.1 ')"

    assert run(box, case, source).findings == {"infected_host": "10.0.0.1"}


def test_the_last_finding_for_a_question_counts(box: Box, case: Path) -> None:
    opened = "from csirtlab.kit import open_case\ncase = open_case()\n"

    result = run(
        box, case, opened + "case.answer('infected_host', '10.9.9.9')", "case.answer('infected_host', '10.0.0.1')"
    )

    assert result.findings == {"infected_host": "10.0.0.1"}


def test_a_method_is_replayed_on_each_sibling_case(box: Box, case: Path, siblings: list[Path]) -> None:
    source = """
from csirtlab.kit import open_case
case = open_case()
def detect(case):
    line = case.path("assets.csv").read_text().splitlines()[1]
    return line.split(",")[1]
case.method("detector", detect)
"""

    result = box.run([Cell(0, source)], case, {"detector": siblings})

    assert result.methods == {"detector": ["10.0.1.1", "10.0.2.1", "10.0.3.1"]}


def test_a_method_that_fails_on_one_sibling_is_asked_for_the_next(box: Box, case: Path, siblings: list[Path]) -> None:
    source = """
from csirtlab.kit import open_case
def detect(case):
    text = case.path("assets.csv").read_text()
    if "10.0.2.1" in text:
        raise RuntimeError("no idea")
    return "10.0.0.77"
open_case().method("detector", detect)
"""

    result = box.run([Cell(0, source)], case, {"detector": siblings})

    assert result.methods["detector"] == ["10.0.0.77", None, "10.0.0.77"]
    assert result.method_errors["detector"][1] == "RuntimeError: no idea"


def test_tshark_scapy_pandas_plots_and_widgets_work(box: Box, case: Path) -> None:
    result = run(
        box,
        case,
        "from scapy.all import IP, TCP, Ether, wrpcap\nwrpcap('x.pcap', [Ether()/IP(src='10.0.0.5')/TCP()])",
        "import subprocess\nsubprocess.run(['tshark', '-r', 'x.pcap', '-T', 'fields', '-e', 'ip.src'], check=True)",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "import pandas as pd\npd.DataFrame({'x': [1]})",
        "import ipywidgets\nipywidgets.IntSlider()",
    )

    assert "10.0.0.5" in shown(result, 1)
    assert "image/png" in result.outputs[2][-1]["data"]
    assert "text/html" in result.outputs[3][0]["data"]
    assert "IntSlider" in shown(result, 4)
    assert result.ended is Ending.FINISHED


def test_what_programs_print_is_an_output_too(box: Box, case: Path) -> None:
    assert "from a program" in shown(run(box, case, "import os\nos.system('echo from a program')"))


def test_dice_fall_the_same_way_in_every_run(box: Box, case: Path) -> None:
    source = "import random, numpy as np\nprint(random.random(), np.random.random(), hash('x'))"

    assert shown(run(box, case, source)) == shown(run(box, case, source))


def test_a_cell_that_does_not_end_is_stopped_and_the_next_one_runs(box: Box, case: Path) -> None:
    result = run(box, case, "while True: pass", "print('next')", cell_s=0.3)

    assert result.outputs[0][0]["ename"] == "CellTimeoutError"
    assert shown(result, 1) == "next\n"


def test_the_evidence_of_a_run_is_gone_when_it_ends(box: Box, case: Path, tmp_path: Path) -> None:
    run(box, case, "pass")
    empty = tmp_path / "other"
    (empty / "evidence").mkdir(parents=True)

    assert shown(run(box, empty, "import os\nprint(os.listdir('evidence'))")) == "[]\n"
