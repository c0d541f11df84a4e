from pathlib import Path

import pytest

from csirtlab.content.scenarios import Scenario, read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.proofs.prove import proof_seed
from csirtlab.settings import content_root


@pytest.fixture(scope="session")
def beacon() -> Scenario:
    return read_scenario(content_root(), "c2-beacon")


@pytest.fixture(scope="session")
def beacon_folder(beacon: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beacon")
    make_evidence(beacon, proof_seed(beacon, 0), folder)
    return folder
