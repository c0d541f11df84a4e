"""The notebook that a lab becomes: nbgrader's metadata, prompts, and the same cells in every language."""

from typing import Any

import nbformat
import pytest
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

from csirtlab.content.labs import Lab
from csirtlab.errors import ContentError
from csirtlab.labs.compile import compile_lab
from csirtlab.languages import Language


@pytest.fixture
def english(lab: Lab) -> Any:
    return compile_lab(lab, Language.EN)


@pytest.fixture
def spanish(lab: Lab) -> Any:
    return compile_lab(lab, Language.ES)


def cell(notebook: Any, cell_id: str) -> Any:
    return next(cell for cell in notebook.cells if cell.id == cell_id)


@pytest.mark.parametrize("language", [Language.EN, Language.ES])
def test_it_is_a_valid_notebook_and_a_valid_assignment(lab: Lab, language: Language) -> None:
    notebook = compile_lab(lab, language)

    nbformat.validate(notebook)
    MetadataValidatorV3().validate_nb(notebook)


def test_cells_stand_in_the_order_prompt_answer_verdict(english: Any) -> None:
    assert [cell.id for cell in english.cells] == [
        "prose-1", "code-2", "prose-3",
        "ask-host", "answer-host", "verdict-host",
        "ask-traffic", "answer-traffic", "verdict-traffic",
        "ask-finder", "answer-finder", "verdict-finder",
        "ask-note", "answer-note",
        "prose-8",
    ]  # fmt: skip


def test_an_answer_cell_is_a_solution_without_points(english: Any) -> None:
    assert cell(english, "answer-host").metadata.nbgrader == {
        "schema_version": 3, "grade_id": "host", "cell_type": "code",
        "solution": True, "grade": False, "locked": False, "task": False,
    }  # fmt: skip


def test_a_verdict_cell_is_locked_and_carries_the_points(english: Any) -> None:
    verdict = cell(english, "verdict-traffic")

    assert verdict.source == 'case.verdict("traffic")'
    assert verdict.metadata.nbgrader == {
        "schema_version": 3, "grade_id": "verdict-traffic", "cell_type": "code",
        "solution": False, "grade": True, "locked": True, "task": False, "points": 2.5,
    }  # fmt: skip
    assert (verdict.metadata.deletable, verdict.metadata.editable) == (False, False)


def test_a_report_is_graded_by_hand_in_its_own_cell(english: Any) -> None:
    report = cell(english, "answer-note")

    assert (report.cell_type, report.source) == ("markdown", "TLP:")
    assert report.metadata.nbgrader == {
        "schema_version": 3, "grade_id": "note", "cell_type": "markdown",
        "solution": True, "grade": True, "locked": False, "task": False, "points": 15,
    }  # fmt: skip


def test_prose_carries_no_grading_metadata(english: Any) -> None:
    assert all(
        "nbgrader" not in cell.metadata for cell in english.cells if cell.id.startswith(("prose", "ask", "code"))
    )


def test_tags_of_a_cell_are_kept(english: Any) -> None:
    assert cell(english, "answer-traffic").metadata.tags == ["wide"]


def test_a_prompt_has_points_choices_and_the_form(english: Any) -> None:
    prompt = cell(english, "ask-traffic").source

    assert prompt == (
        "#### Question 2 · 2.5 points\n\nWhat kind of traffic is it?\n\n"
        "- `beacon`: A beacon\n- `update`: An update check\n\n"
        "*Form of the answer: one of the choices.*\n\n"
        'Stuck? `case.hint("traffic")` shows a hint.'
    )


def test_a_prompt_speaks_the_readers_language(spanish: Any) -> None:
    prompt = cell(spanish, "ask-traffic").source

    assert "Pregunta 2 · 2.5 puntos" in prompt
    assert "- `beacon`: Una baliza" in prompt
    assert "Forma de la respuesta: una de las opciones." in prompt


def test_prose_is_translated_and_listings_in_it_are_not(spanish: Any) -> None:
    assert cell(spanish, "prose-1").source == (
        "# Un ejemplo\n\nLea la **captura** con `case.table`.\nTiene dos líneas.\n\n"
        '```python\nlisting = "not translated"\n```'
    )


def test_languages_differ_in_prose_alone(english: Any, spanish: Any) -> None:
    for one, other in zip(english.cells, spanish.cells, strict=True):
        assert (one.id, one.cell_type, one.metadata) == (other.id, other.cell_type, other.metadata)
        assert one.source == other.source or one.id.startswith(("prose", "ask"))


def test_the_notebook_knows_its_lab_and_language(spanish: Any) -> None:
    assert spanish.metadata.csirtlab == {"lab": "sample", "language": "es"}
    assert spanish.metadata.kernelspec.name == "python3"


def test_no_feedback_and_no_rubric_reaches_the_trainee(english: Any) -> None:
    text = nbformat.writes(english)

    assert "Sort by the gaps" not in text
    assert "how sure the analyst" not in text


def test_a_language_without_a_catalogue_is_refused_with_the_way_out(lab: Lab) -> None:
    with pytest.raises(ContentError, match="csirtlab labs translate sample --language fr"):
        compile_lab(lab, Language.FR)


def test_compiling_twice_gives_the_same_bytes(lab: Lab) -> None:
    assert nbformat.writes(compile_lab(lab, Language.EN)) == nbformat.writes(compile_lab(lab, Language.EN))


def test_no_hint_is_in_the_notebook(english: Any) -> None:
    assert "Look again." not in str(english)
    assert "found = 1" not in str(english)
