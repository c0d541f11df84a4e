"""A real lab and its scenario, from the content of this checkout."""

from pathlib import Path

import pytest

from csirtlab.content.labs import Lab, read_lab
from csirtlab.content.scenarios import Scenario, read_scenario
from csirtlab.settings import content_root


@pytest.fixture
def content() -> Path:
    return content_root()


@pytest.fixture
def lab(content: Path) -> Lab:
    return read_lab(content, "c2-beacon")


@pytest.fixture
def scenario(content: Path, lab: Lab) -> Scenario:
    return read_scenario(content, lab.scenario)
