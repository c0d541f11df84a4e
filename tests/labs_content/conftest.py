"""The labs that are there, each with its scenario."""

import pytest

from csirtlab.content.labs import Lab, lab_names, read_lab
from csirtlab.content.scenarios import Scenario, read_scenario
from csirtlab.settings import content_root

LABS = lab_names(content_root())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test once for every lab."""
    if "lab_name" in metafunc.fixturenames:
        metafunc.parametrize("lab_name", LABS, scope="session")


@pytest.fixture(scope="session")
def lab(lab_name: str) -> Lab:
    return read_lab(content_root(), lab_name)


@pytest.fixture(scope="session")
def scenario(lab: Lab) -> Scenario:
    return read_scenario(content_root(), lab.scenario)
