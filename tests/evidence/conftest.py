import pytest
from tests.evidence.made import Case

from csirtlab.content.scenarios import Scenario, read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import case_seed
from csirtlab.settings import content_root


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return read_scenario(content_root(), "c2-beacon")


@pytest.fixture(scope="session")
def cases(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    made = []
    for trainee in ("ana", "bruno", "carmen"):
        case = Case(scenario, case_seed(bytes(range(32)), "c2-beacon", trainee), tmp_path_factory.mktemp(trainee))
        make_evidence(case.scenario, case.seed, case.folder)
        made.append(case)
    return made


@pytest.fixture(scope="session")
def case(cases: list[Case]) -> Case:
    return cases[0]
