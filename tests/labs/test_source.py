"""What an instructor releases: nbgrader takes the English notebook and carries the others along."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from csirtlab.content.labs import Lab
from csirtlab.kit import open_case
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.labs.source import assemble_source, variant_name
from csirtlab.languages import Language


def test_a_source_has_english_at_the_top_and_the_others_below(lab: Lab, tmp_path: Path) -> None:
    assemble_source(lab, tmp_path / "source")

    files = sorted(str(path.relative_to(tmp_path / "source")) for path in (tmp_path / "source").rglob("*.*"))
    assert files == ["languages/es.json", "sample.ipynb"]
    variant = nbformat.read(tmp_path / "source" / "languages" / "es.json", as_version=4)
    assert variant.metadata.csirtlab.language == "es"


def test_a_language_that_was_taken_back_disappears_from_the_source(lab: Lab, tmp_path: Path) -> None:
    assemble_source(lab, tmp_path / "source")
    (lab.folder / "es.po").unlink()

    assemble_source(lab, tmp_path / "source")

    assert not (tmp_path / "source" / "languages").exists()


def test_a_reader_gets_english_where_the_release_has_no_other() -> None:
    members = {"sample.ipynb", "languages/es.json"}

    assert variant_name("sample", Language.ES, members) == "languages/es.json"
    assert variant_name("sample", Language.PT, members) == "sample.ipynb"
    assert variant_name("sample", Language.EN, members) == "sample.ipynb"


def test_a_case_sheet_is_read_by_the_kit(lab: Lab, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "assets.csv").write_text("hostname,address,role\n", encoding="utf-8")

    write_case_sheet(lab, evidence, cohort="demo", trainee="ana", language=Language.ES)

    case = open_case(evidence)
    assert (case.title, case.trainee, case.language, case.sheet.cohort) == ("Un ejemplo", "ana", "es", "demo")
    assert case.sheet.evidence == ("assets.csv",)
    assert case.questions["traffic"].choices["beacon"] == "Una baliza"
    assert (case.questions["host"].form, case.questions["note"].form) == ("address", None)


def test_evidence_may_lie_in_folders_below(lab: Lab, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    (evidence / "exhibits").mkdir(parents=True)
    (evidence / "exhibits" / "exhibit-a.pcap").write_bytes(b"")
    (evidence / "capture.pcap").write_bytes(b"")

    write_case_sheet(lab, evidence, cohort="demo", trainee="ana", language=Language.EN)

    case = open_case(evidence)
    assert case.sheet.evidence == ("capture.pcap", "exhibits/exhibit-a.pcap")
    assert case.path("exhibits/exhibit-a.pcap").is_file()


def test_a_case_sheet_holds_neither_facts_nor_tolerances(lab: Lab, tmp_path: Path) -> None:
    write_case_sheet(lab, tmp_path, cohort="demo", trainee="ana", language=Language.EN)

    sheet = json.loads((tmp_path / "case.json").read_text(encoding="utf-8"))
    assert set(sheet["questions"][0]) == {
        "id", "kind", "form", "items", "columns", "choices", "points", "unit", "language", "material", "fields",
    }  # fmt: skip
    assert "infected_host" not in json.dumps(sheet)


@pytest.mark.slow
def test_nbgrader_generates_the_release_with_every_language(lab: Lab, tmp_path: Path) -> None:
    course = tmp_path / "course"
    assemble_source(lab, course / "source" / "sample")
    # The stub that ClearSolutions would write into each answer cell is not wanted: the gap is the lab's own.
    (course / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "demo"\nc.ClearSolutions.enabled = False\n', encoding="utf-8"
    )

    # nbgrader calls alembic by its name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_assignment", "sample"],
        cwd=course, check=True, capture_output=True, env={**os.environ, "HOME": str(tmp_path), "PATH": path},
    )  # fmt: skip

    release = course / "release" / "sample"
    english = nbformat.read(release / "sample.ipynb", as_version=4)
    spanish = nbformat.read(release / "languages" / "es.json", as_version=4)
    source = nbformat.read(course / "source" / "sample" / "sample.ipynb", as_version=4)
    assert [cell.source for cell in english.cells] == [cell.source for cell in source.cells]
    for released, variant in zip(english.cells, spanish.cells, strict=True):
        grading = {key: value for key, value in released.metadata.get("nbgrader", {}).items() if key != "checksum"}
        assert grading == variant.metadata.get("nbgrader", {})
        assert released.metadata.get("deletable", True) == variant.metadata.get("deletable", True)


def test_one_lab_makes_another_source_than_its_neighbour(
    make_lab: Callable[..., Lab], markdown: str, tmp_path: Path
) -> None:
    assemble_source(make_lab(markdown.replace("The end.", "Stop.")), tmp_path / "source")

    assert "Stop." in (tmp_path / "source" / "sample.ipynb").read_text(encoding="utf-8")
