"""Guessing a passphrase is slowed down, without locking anybody out from elsewhere."""

from contextlib import ExitStack

import pytest

from csirtlab.hub.attempts import (
    FREE_ATTEMPTS,
    LONGEST_PAUSE_S,
    MOST_AT_ONCE_FOR_AN_ACCOUNT,
    MOST_AT_ONCE_FROM_AN_ADDRESS,
    MOST_KEYS,
    Attempts,
    Key,
    TooMany,
)  # fmt: skip

ANA = ("ana", "192.0.2.1")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def fail(attempts: Attempts, times: int, key: Key = ANA) -> None:
    """Fail so often, waiting where one must."""
    for _ in range(times):
        clock = attempts.clock
        assert isinstance(clock, Clock)
        clock.now += attempts.pause_s(key)
        with attempts.attempt(key):
            pass


def test_the_first_mistakes_cost_nothing(attempts: Attempts) -> None:
    fail(attempts, FREE_ATTEMPTS - 1)

    assert attempts.pause_s(ANA) == 0


def test_further_mistakes_pause_ever_longer_up_to_a_bound(attempts: Attempts) -> None:
    pauses = []
    fail(attempts, FREE_ATTEMPTS - 1)
    for _ in range(8):
        fail(attempts, 1)
        pauses.append(attempts.pause_s(ANA))

    assert pauses[:3] == [30, 60, 120] and pauses[-1] == LONGEST_PAUSE_S


def test_the_pause_is_told_and_ends(attempts: Attempts, clock: Clock) -> None:
    fail(attempts, FREE_ATTEMPTS)
    with pytest.raises(TooMany, match="Try again in 30 s"), attempts.attempt(ANA):
        pass

    clock.now += 31

    with attempts.attempt(ANA):
        pass


def test_a_neighbours_mistakes_do_not_lock_somebody_out(attempts: Attempts) -> None:
    fail(attempts, 20, ("ana", "192.0.2.66"))

    assert attempts.pause_s(ANA) == 0


def test_signing_in_forgets_the_mistakes_and_its_own_try(attempts: Attempts) -> None:
    fail(attempts, FREE_ATTEMPTS - 1)

    with attempts.attempt(ANA) as attempt:
        attempt.is_right = True

    fail(attempts, FREE_ATTEMPTS - 1)
    assert attempts.pause_s(ANA) == 0


def test_tries_that_come_at_once_are_counted_before_any_has_failed(attempts: Attempts) -> None:
    looked_at = 0
    with ExitStack() as open_tries:
        for _ in range(40):
            try:
                open_tries.enter_context(attempts.attempt(ANA))
                looked_at += 1
            except TooMany:
                continue

    assert looked_at == FREE_ATTEMPTS
    assert attempts.pause_s(ANA) > 0


def test_more_addresses_do_not_get_more_tries_looked_at_at_once(attempts: Attempts) -> None:
    with ExitStack() as open_tries:
        for number in range(MOST_AT_ONCE_FOR_AN_ACCOUNT):
            open_tries.enter_context(attempts.attempt(("ana", f"192.0.2.{number}")))

        with pytest.raises(TooMany), attempts.attempt(("ana", "192.0.2.99")):
            pass

    with attempts.attempt(("ana", "192.0.2.99")):
        pass


def test_a_class_behind_one_address_comes_in_together_but_not_without_end(attempts: Attempts) -> None:
    with ExitStack() as open_tries:
        for number in range(MOST_AT_ONCE_FROM_AN_ADDRESS):
            open_tries.enter_context(attempts.attempt((f"user{number}", "192.0.2.1")))

        with pytest.raises(TooMany), attempts.attempt(("one.more", "192.0.2.1")):
            pass


def test_a_fault_of_the_hubs_own_costs_nobody_a_try(attempts: Attempts) -> None:
    for _ in range(FREE_ATTEMPTS + 1):
        with pytest.raises(OSError, match="the database"), attempts.attempt(ANA):
            raise OSError("the database does not answer")

    assert attempts.pause_s(ANA) == 0
    assert attempts._failures == {}


def test_made_up_names_do_not_fill_the_memory_nor_push_a_pause_out(attempts: Attempts) -> None:
    fail(attempts, FREE_ATTEMPTS)

    for number in range(MOST_KEYS + 500):
        fail(attempts, 1, (f"user{number}", "192.0.2.1"))

    assert len(attempts._failures) == MOST_KEYS
    assert attempts.pause_s(ANA) > 0
    assert not attempts._accounts and not attempts._addresses
