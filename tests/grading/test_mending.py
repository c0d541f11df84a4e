"""Accidents with a notebook, and what is graded in spite of them."""

from pathlib import Path
from typing import Any

import pytest

from csirtlab.content.labs import Lab, read_lab
from csirtlab.errors import GradingError
from csirtlab.grading.mending import Mended, mend
from csirtlab.labs.compile import compile_lab
from csirtlab.languages import Language


@pytest.fixture
def lab(content: Path) -> Lab:
    return read_lab(content, "tiny")


@pytest.fixture
def cells(lab: Lab) -> list[dict[str, Any]]:
    return [dict(cell) for cell in compile_lab(lab, Language.EN).cells]


def grade_ids(cells: list[dict[str, Any]]) -> list[str]:
    return [cell["metadata"]["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell["metadata"]]


def find(cells: list[dict[str, Any]], grade_id: str) -> dict[str, Any]:
    return next(cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def mended(cells: list[dict[str, Any]], lab: Lab) -> Mended:
    return mend(cells, lab, Language.EN)


WHOLE = ["infected_host", "verdict-infected_host", "ports", "verdict-ports", "detector", "verdict-detector", "note"]


def test_a_notebook_as_released_stays_as_it_is(lab: Lab, cells: list[dict[str, Any]]) -> None:
    result = mended(cells, lab)

    assert [cell["source"] for cell in result.cells] == [cell["source"] for cell in cells]
    assert grade_ids(result.cells) == WHOLE
    assert result.notes == ()


def test_deleted_verdict_cells_stand_after_their_answers_again(lab: Lab, cells: list[dict[str, Any]]) -> None:
    left = [cell for cell in cells if not cell["id"].startswith("verdict-")]

    assert grade_ids(mended(left, lab).cells) == WHOLE


def test_an_answer_cell_that_was_copied_runs_twice_and_is_graded_once(lab: Lab, cells: list[dict[str, Any]]) -> None:
    answer = find(cells, "infected_host")

    result = mended([*cells, {**answer, "source": "second"}], lab)

    assert grade_ids(result.cells) == [
        "infected_host", "ports", "verdict-ports", "detector", "verdict-detector", "note", "verdict-infected_host",
    ]  # fmt: skip
    assert "second" in [cell["source"] for cell in result.cells]


def test_code_written_into_a_verdict_cell_is_kept_and_runs_before_the_verdict(
    lab: Lab, cells: list[dict[str, Any]]
) -> None:
    find(cells, "verdict-ports")["source"] = 'case.answer("ports", {80})'

    sources = [cell["source"] for cell in mended(cells, lab).cells]

    assert sources.index('case.answer("ports", {80})') == sources.index('case.verdict("ports")') - 1


def test_an_answer_that_became_a_text_cell_runs_as_code(lab: Lab, cells: list[dict[str, Any]]) -> None:
    find(cells, "ports").update(cell_type="markdown", source='case.answer("ports", {80})')

    assert find(mended(cells, lab).cells, "ports")["cell_type"] == "code"


def test_a_report_that_was_split_is_read_as_one(lab: Lab, cells: list[dict[str, Any]]) -> None:
    report = find(cells, "note")
    halves = [{**report, "source": "First half."}, {**report, "source": "Second half."}]

    result = mended([cell for cell in cells if cell is not report] + halves, lab)

    assert find(result.cells, "note")["source"] == "First half.\n\nSecond half."
    assert grade_ids(result.cells).count("note") == 1


def test_a_report_that_is_missing_is_told_to_whoever_grades(lab: Lab, cells: list[dict[str, Any]]) -> None:
    left = [cell for cell in cells if cell is not find(cells, "note")]

    result = mended(left, lab)

    assert "missing from the notebook" in find(result.cells, "note")["source"]
    assert any("note" in note for note in result.notes)


@pytest.mark.parametrize(
    "edit",
    [
        {"points": 1000}, {"grade": False}, {"locked": False}, {"solution": True}, {"cell_type": "markdown"},
        {"task": True}, {"schema_version": 1}, {"checksum": "x"},
    ],
)  # fmt: skip
def test_of_a_cells_own_grading_metadata_only_its_question_is_believed(
    lab: Lab, cells: list[dict[str, Any]], edit: dict[str, Any]
) -> None:
    verdict = find(cells, "verdict-ports")
    original = dict(verdict["metadata"]["nbgrader"])
    verdict["metadata"] = {"nbgrader": original | edit, "tags": ["<script>"]}

    metadata = find(mended(cells, lab).cells, "verdict-ports")["metadata"]

    assert metadata == {"nbgrader": original}


def test_cells_that_claim_an_unknown_question_are_plain_cells(lab: Lab, cells: list[dict[str, Any]]) -> None:
    stranger = {"cell_type": "code", "source": "1", "metadata": {"nbgrader": {"grade_id": "bonus", "grade": True}}}

    result = mended([*cells, stranger], lab)

    assert result.cells[-1]["metadata"] == {}


def test_cell_ids_are_unique_again(lab: Lab, cells: list[dict[str, Any]]) -> None:
    odd = [{**cells[0], "id": "same"}, {**cells[0], "id": "same"}, {**cells[0], "id": "<b>"}, {**cells[0], "id": None}]

    ids = [cell["id"] for cell in mended([*odd, *cells], lab).cells]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("metadata", [{"nbgrader": "x"}, {"nbgrader": {"grade_id": ["ports"]}}, {"nbgrader": None}])
def test_odd_metadata_is_no_metadata(lab: Lab, cells: list[dict[str, Any]], metadata: dict[str, Any]) -> None:
    result = mended([*cells, {"cell_type": "code", "source": "1", "metadata": metadata}], lab)

    assert result.cells[-1]["metadata"] == {}


def test_another_labs_notebook_is_refused_with_the_way_out(lab: Lab) -> None:
    with pytest.raises(GradingError, match="Fetch the lab again"):
        mended([{"cell_type": "code", "source": "1", "metadata": {}}], lab)


def test_a_notebook_with_thousands_of_cells_is_refused(lab: Lab, cells: list[dict[str, Any]]) -> None:
    with pytest.raises(GradingError, match="Merge or delete some"):
        mended(cells * 500, lab)


def test_code_that_bears_the_reports_name_runs_and_is_read(lab: Lab, cells: list[dict[str, Any]]) -> None:
    setup = next(cell for cell in cells if "open_case" in cell["source"])
    setup["metadata"] = {"nbgrader": {"grade_id": "note"}}

    result = mended(cells, lab)

    (running,) = [cell for cell in result.cells if cell["cell_type"] == "code" and "open_case" in cell["source"]]
    assert running["metadata"] == {}
    assert "open_case" in find(result.cells, "note")["source"]


@pytest.mark.parametrize("kind", ["heading", "", 7, None])
def test_a_cell_of_a_kind_that_nobody_knows_is_kept_as_raw_text(
    lab: Lab, cells: list[dict[str, Any]], kind: object
) -> None:
    result = mended([{"cell_type": kind, "id": "odd", "metadata": {}, "source": "kept"}, *cells], lab)

    assert (result.cells[0]["cell_type"], result.cells[0]["source"]) == ("raw", "kept")


def test_half_of_a_surrogate_pair_is_replaced(lab: Lab, cells: list[dict[str, Any]]) -> None:
    result = mended([{"cell_type": "code", "id": "odd", "metadata": {}, "source": "x = '\ud800'"}, *cells], lab)

    assert result.cells[0]["source"] == "x = '?'"
