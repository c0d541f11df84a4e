"""A lab's scenario, kept with its release."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.errors import ContentError
from csirtlab.labs.source import assemble_source
from csirtlab.labs.kept_scenario import SCENARIO, pack_scenario, unpack_scenario
from csirtlab.settings import content_root

LAB = "c2-beacon"


@pytest.fixture
def packed() -> bytes:
    packed = pack_scenario(read_lab(content_root(), LAB))
    assert packed is not None
    return packed


def test_the_scenario_is_read_from_it_as_from_the_content(packed: bytes, tmp_path: Path) -> None:
    name = read_lab(content_root(), LAB).scenario

    kept = read_scenario(unpack_scenario(packed, tmp_path), name)

    assert replace(kept, path=Path()) == replace(read_scenario(content_root(), name), path=Path())


def test_the_same_scenario_gives_the_same_bytes_and_is_unpacked_once(packed: bytes, tmp_path: Path) -> None:
    first = unpack_scenario(packed, tmp_path)
    (first / "mark").write_text("")

    again = pack_scenario(read_lab(content_root(), LAB))

    assert again == packed
    assert (unpack_scenario(again, tmp_path) / "mark").exists()


def test_nothing_but_the_scenario_is_in_it(packed: bytes) -> None:
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == ["datasets/c2-beacon/scenario.toml"]


def test_it_lies_beside_the_notebook_of_its_lab(packed: bytes, tmp_path: Path) -> None:
    assemble_source(read_lab(content_root(), LAB), tmp_path)

    assert (tmp_path / SCENARIO).read_bytes() == packed


def made(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return target.getvalue()


@pytest.mark.parametrize("name", ["../datasets/x", "/etc/passwd", "datasets/../../x", "labs/x", "x"])
def test_a_member_that_leads_elsewhere_is_refused_and_nothing_stays(name: str, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="release the lab again"):
        unpack_scenario(made("datasets/a/scenario.toml", name), tmp_path / "shelf")

    assert list((tmp_path / "shelf").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no zip", made(*(f"datasets/{number}" for number in range(501)))])
def test_what_is_no_kept_scenario_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="release"):
        unpack_scenario(content, tmp_path)
