"""A lab in a folder of one's own: the same seed, the same incident; one's work is never overwritten."""

import hashlib
from pathlib import Path

import nbformat
import pytest

from csirtlab.content.labs import Lab
from csirtlab.errors import SetupError
from csirtlab.kit import open_case
from csirtlab.languages import Language
from csirtlab.offline.alone import ensure_lab


def evidence_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "c2-beacon" / "evidence" / "capture.pcap").read_bytes()).hexdigest()


def test_notebook_and_evidence_lie_side_by_side_in_the_chosen_language(content: Path, lab: Lab, tmp_path: Path) -> None:
    prepared = ensure_lab(content, lab, tmp_path, Language.ES)

    assert prepared.notebook == tmp_path / "c2-beacon" / "c2-beacon.ipynb"
    assert nbformat.read(prepared.notebook, as_version=4).metadata.csirtlab.language == "es"
    case = open_case(tmp_path / "c2-beacon")
    assert case.language == "es"
    assert case.path("capture.pcap").is_file()


def test_the_same_seed_gives_the_same_incident_anywhere(content: Path, lab: Lab, tmp_path: Path) -> None:
    for place, seed in [("here", "one"), ("there", "one"), ("elsewhere", "two")]:
        ensure_lab(content, lab, tmp_path / place, Language.EN, seed)

    hashes = [evidence_hash(tmp_path / place) for place in ("here", "there", "elsewhere")]
    assert hashes[0] == hashes[1] != hashes[2]


def test_coming_back_finds_the_same_incident_and_ones_own_work(content: Path, lab: Lab, tmp_path: Path) -> None:
    first = ensure_lab(content, lab, tmp_path, Language.EN)
    before = evidence_hash(tmp_path)
    first.notebook.write_text("my work", encoding="utf-8")

    again = ensure_lab(content, lab, tmp_path, Language.EN)

    assert evidence_hash(tmp_path) == before
    assert (again.is_new, again.notebook.read_text(encoding="utf-8")) == (False, "my work")


def test_a_folder_that_cannot_be_made_is_told(content: Path, lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(SetupError, match="--folder DIR"):
        ensure_lab(content, lab, tmp_path / "file", Language.EN)
