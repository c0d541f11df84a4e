"""Every attack of this folder, played against the grader: none succeeds, and each ends as it says it must."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from csirtlab.bench.attacks.ours import Ground, Way, broken_promises
from csirtlab.bench.attacks.sources import read_attack

# nbgrader's own: it adds a submission to a student before it adds it to the session.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")]
HERE = Path(__file__).parent
SOURCES = sorted(HERE.glob("*.md"))


@pytest.fixture(scope="module", params=list(Way))
def ground(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Ground]:
    with Ground(HERE, tmp_path_factory.mktemp("ground"), request.param) as ground:
        yield ground


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_what_must_happen_happens(ground: Ground, source: Path) -> None:
    attack = read_attack(source)

    outcome = ground.play(attack)

    assert broken_promises(attack, outcome) == []


def test_there_are_at_least_fifty_attacks() -> None:
    assert len(SOURCES) >= 50
