"""How much one person may have looked at: few at once, and few in vain."""

from contextlib import ExitStack

import pytest

from csirtlab.exchange import places as module
from csirtlab.exchange.places import MOST_AT_ONCE, MOST_REFUSED, WITHIN_S, Places
from csirtlab.exchange.refusals import Refusal, StorageError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def places(clock: Clock) -> Places:
    return Places(clock)


def refuse(places: Places, times: int, person: str = "bob", status: int = 400) -> None:
    for _ in range(times):
        with pytest.raises(Refusal, match="not a notebook"), places.place(person):
            raise Refusal("This is not a notebook.", status)


def test_what_is_refused_again_and_again_is_paused_and_told_until_when(places: Places, clock: Clock) -> None:
    refuse(places, MOST_REFUSED)
    clock.now = 100

    with pytest.raises(Refusal, match=r"try again in 200 s.*acknowledged is kept") as told, places.place("bob"):
        pass

    assert told.value.status == 429
    with places.place("ana"):
        pass


def test_the_pause_ends_and_trying_during_it_makes_it_no_longer(places: Places, clock: Clock) -> None:
    refuse(places, MOST_REFUSED)
    for clock.now in (1.0, WITHIN_S - 1):
        with pytest.raises(Refusal, match="try again in"), places.place("bob"):
            pass

    clock.now = WITHIN_S

    with places.place("bob"):
        pass


def test_what_was_taken_in_between_does_not_wash_the_refused_away(places: Places) -> None:
    for _ in range(MOST_REFUSED):
        refuse(places, 1)
        if not places.pause_s("bob"):
            with places.place("bob"):
                pass

    assert places.pause_s("bob") > 0


def test_a_fault_of_the_servers_counts_against_nobody(places: Places) -> None:
    refuse(places, MOST_REFUSED, status=503)
    for _ in range(MOST_REFUSED):
        with pytest.raises(StorageError), places.place("bob"):
            raise StorageError("The disk is full.")

    assert places.pause_s("bob") == 0


def test_more_than_a_few_at_once_are_not_even_received(places: Places) -> None:
    with ExitStack() as taken:
        for _ in range(MOST_AT_ONCE):
            taken.enter_context(places.place("bob"))

        with pytest.raises(Refusal, match="Wait for their answers"), places.place("bob"):
            pass
        with places.place("ana"):
            pass

    assert not places._taken


def test_the_memory_is_bounded(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PEOPLE", 3)

    for number in range(9):
        refuse(places, 1, f"person{number}")

    assert len(places._refused) == 3
