"""Guessing a passphrase is slowed down, without locking anybody out from elsewhere."""

from csirtlab.hub.attempts import FREE_ATTEMPTS, LONGEST_PAUSE_S, MOST_KEYS, Attempts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def failed(attempts: Attempts, times: int, key: tuple[str, str] = ("ana", "192.0.2.1")) -> None:
    for _ in range(times):
        attempts.failed(key)


def test_the_first_mistakes_cost_nothing() -> None:
    attempts = Attempts(Clock())

    failed(attempts, FREE_ATTEMPTS - 1)

    assert attempts.pause_s(("ana", "192.0.2.1")) == 0


def test_further_mistakes_pause_ever_longer_up_to_a_bound() -> None:
    attempts = Attempts(Clock())
    pauses = []
    failed(attempts, FREE_ATTEMPTS - 1)
    for _ in range(8):
        failed(attempts, 1)
        pauses.append(attempts.pause_s(("ana", "192.0.2.1")))

    assert pauses[:3] == [30, 60, 120] and pauses[-1] == LONGEST_PAUSE_S


def test_the_pause_ends() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    failed(attempts, FREE_ATTEMPTS)

    clock.now = 31

    assert attempts.pause_s(("ana", "192.0.2.1")) == 0


def test_a_neighbours_mistakes_do_not_lock_somebody_out() -> None:
    attempts = Attempts(Clock())

    failed(attempts, 20, ("ana", "192.0.2.66"))

    assert attempts.pause_s(("ana", "192.0.2.1")) == 0


def test_signing_in_forgets_the_mistakes() -> None:
    attempts = Attempts(Clock())
    failed(attempts, FREE_ATTEMPTS)

    attempts.succeeded(("ana", "192.0.2.1"))

    assert attempts.pause_s(("ana", "192.0.2.1")) == 0


def test_made_up_names_do_not_fill_the_memory() -> None:
    attempts = Attempts(Clock())

    for number in range(MOST_KEYS + 500):
        failed(attempts, 1, (f"user{number}", "192.0.2.1"))

    assert len(attempts._failures) == MOST_KEYS
