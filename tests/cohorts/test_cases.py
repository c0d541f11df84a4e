"""A trainee's lab folder holds the released notebook and every file of their evidence."""

import io
import zipfile
from pathlib import Path

import pytest

from csirtlab.cohorts.cases import CaseFolders
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import Cohort, Membership, Store, add_account
from csirtlab.exchange.archives import pack
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
    (tmp_path / "datasets").symlink_to(content_root() / "datasets")
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

    names = set(zipfile.ZipFile(io.BytesIO(folder)).namelist())
    assert {"copies.ipynb", "evidence/case.json", "evidence/exhibits/exhibit-a.pcap"} <= names
