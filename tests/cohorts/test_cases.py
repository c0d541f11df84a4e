"""A trainee's lab folder holds the released notebook and every file of their evidence."""

import io
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from csirtlab.cohorts.cases import CaseFolders
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import Cohort, Membership, Store, add_account
from csirtlab.content.labs import read_lab
from csirtlab.exchange.app import LabFolder
from csirtlab.exchange.archives import pack
from csirtlab.labs.kept_scenario import SCENARIO, pack_scenario
from csirtlab.languages import Language
from csirtlab.settings import content_root

LAB = """
title = "Copies"
summary = "Three copies of a capture."
scenario = "custody"
minutes = 10
level = "beginner"

[[question]]
id = "copy"
kind = "finding"
points = 10
form = "text"
fact = "true_copy"
prompt = "Which copy is the true one?"
feedback = "Compare their hashes."
"""


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A lab on the scenario ``custody``, whose evidence has a folder of its own for the copies."""
    (tmp_path / "labs" / "copies").mkdir(parents=True)
    (tmp_path / "labs" / "copies" / "lab.toml").write_text(LAB, encoding="utf-8")
    shutil.copytree(content_root() / "datasets" / "custody", tmp_path / "datasets" / "custody")
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(f"sqlite:///{tmp_path / 'csirtlab.sqlite'}")
    with store.session() as session:
        session.add(Cohort(name="quito", course="network", title="Network", language="en", secret="00" * 32))
        add_account(session, "ana", "Ana", Language.EN, None)
        session.flush()
        session.add(Membership(cohort_name="quito", username="ana", role=Role.TRAINEE.value))
    return store


def test_evidence_in_folders_of_its_own_comes_along(content: Path, store: Store, tmp_path: Path) -> None:
    release = tmp_path / "release.zip"
    release.write_bytes(pack([("copies.ipynb", b"{}")]))

    folder = CaseFolders(store, content).lab_folder("quito", "copies", "ana", release)

    names = set(zipfile.ZipFile(io.BytesIO(folder.content)).namelist())
    assert {"copies.ipynb", "evidence/case.json", "evidence/exhibits/exhibit-a.pcap"} <= names


def released(content: Path, folder: Path) -> Path:
    """Return a release that keeps its scenario, as every new one does."""
    kept = pack_scenario(read_lab(content, "copies"))
    assert kept is not None
    release = folder / "release.zip"
    release.write_bytes(pack([("copies.ipynb", b"{}"), (SCENARIO, kept)]))
    return release


def evidence_in(folder: LabFolder) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(folder.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.startswith("evidence/")}


def test_an_update_of_the_scenario_leaves_a_released_case_as_it_was(
    content: Path, store: Store, tmp_path: Path
) -> None:
    release = released(content, tmp_path)
    before = CaseFolders(store, content).lab_folder("quito", "copies", "ana", release)
    scenario = content / "datasets" / "custody" / "scenario.toml"
    change_every_capture(scenario)

    after = CaseFolders(store, content).lab_folder("quito", "copies", "ana", release)

    assert after.case == before.case
    assert evidence_in(after) == evidence_in(before)


def test_without_its_scenario_a_release_follows_what_is_installed(content: Path, store: Store, tmp_path: Path) -> None:
    release = tmp_path / "old.zip"
    release.write_bytes(pack([("copies.ipynb", b"{}")]))
    before = CaseFolders(store, content).lab_folder("quito", "copies", "ana", release)
    change_every_capture(content / "datasets" / "custody" / "scenario.toml")

    after = CaseFolders(store, content).lab_folder("quito", "copies", "ana", release)

    assert after.case != before.case


def change_every_capture(scenario: Path) -> None:
    text = scenario.read_text()
    changed = re.sub(r"^days = .*$", "days = [2027-03-01, 2027-03-05]", text, flags=re.MULTILINE)
    assert changed != text
    scenario.write_text(changed)
