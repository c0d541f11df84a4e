"""A trainee may have lost what the pages read from their home."""

from pathlib import Path

import pytest

from csirtlab.web.lab_server import LabFolder, case_sheet


@pytest.fixture
def folder(tmp_path: Path) -> LabFolder:
    (tmp_path / "demo" / "c2-beacon" / "evidence").mkdir(parents=True)
    return LabFolder(tmp_path, "demo", "c2-beacon")


def test_the_sheet_is_read_where_the_lab_put_it(folder: LabFolder) -> None:
    (folder.path / "evidence" / "case.json").write_text('{"title": "Beacons", "questions": []}')

    assert case_sheet(folder) == {"title": "Beacons", "questions": []}


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}"])
def test_a_sheet_that_is_lost_or_damaged_is_no_crash(folder: LabFolder, text: str | None) -> None:
    if text is not None:
        (folder.path / "evidence" / "case.json").write_text(text)

    assert case_sheet(folder) is None
