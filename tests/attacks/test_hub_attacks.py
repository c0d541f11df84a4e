"""Every attack on hub, gate, exchange and pages, played on a real hub and in a real browser: none succeeds."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.integration.hubs import Hub

from csirtlab.bench.attacks.siege.attacks import HubAttack, find_attacks
from csirtlab.bench.attacks.siege.ground import Siege

# nbgrader's own: it adds a submission to a student before it adds it to the session.
pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")]
ATTACKS = find_attacks()


@pytest.fixture(scope="module")
def siege(browser: Browser, shared_hub: Hub) -> Iterator[Siege]:
    with Siege(shared_hub.home, shared_hub.url, browser) as siege:
        yield siege


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.family}-{attack.name}")
def test_nothing_comes_of_it(siege: Siege, attack: HubAttack) -> None:
    assert list(attack.play(siege)) == []


def test_there_are_at_least_fifty_five_attacks_each_with_a_name_of_its_own() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 55
