"""The kit in a real kernel: what a notebook's outputs hold."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outputs(lab_folder: Path) -> list[list[Any]]:
    """The outputs of each cell of a notebook that was run in the lab's folder."""
    sources = [
        "from csirtlab.kit import open_case\ncase = open_case()",
        "next(iter(case.capture('dns'))).dns.qry_name",
        "case.answer('host', '10.1.2.3')",
        "case.answer('host', 'ten')",
        "case.verdict('host')",
        "case.path('nothing')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(lab_folder)}},
    )
    client.execute()
    return [cell.outputs for cell in notebook.cells]


def test_pyshark_works_in_a_cell(outputs: list[list[Any]]) -> None:
    assert outputs[1][0]["data"]["text/plain"] == "'c2.example'"


def test_an_answer_travels_in_its_own_mime_type(outputs: list[list[Any]]) -> None:
    [output] = outputs[2]

    assert output["output_type"] == "display_data"
    assert output["data"]["application/vnd.csirtlab.finding+json"] == {"question": "host", "value": "10.1.2.3"}
    assert {"text/plain", "text/html"} <= set(output["data"])


def test_a_wrong_form_is_one_sentence_and_carries_no_finding(outputs: list[list[Any]]) -> None:
    [output] = outputs[3]

    assert set(output["data"]) == {"text/plain", "text/html"}


def test_a_verdict_is_shown_in_words(outputs: list[list[Any]]) -> None:
    assert "recorded and well formed" in outputs[4][0]["data"]["text/plain"]


def test_a_mistake_is_shown_without_a_traceback(outputs: list[list[Any]]) -> None:
    [output] = outputs[5]

    assert len(output["traceback"]) == 1
    assert "It has: assets.csv, capture.pcap" in output["traceback"][0]
