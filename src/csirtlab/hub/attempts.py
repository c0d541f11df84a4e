"""How often somebody may try to sign in."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

FREE_ATTEMPTS = 5
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 900.0
MOST_KEYS = 10_000

MOST_AT_ONCE_FOR_AN_ACCOUNT = 5
"""From all addresses together: whoever has more hands than one does not get more tries looked at."""

MOST_AT_ONCE_FROM_AN_ADDRESS = 100
"""A classroom behind one address, everybody signing in at the bell, is let through."""

Key = tuple[str, str]
"""The account, and the address that it is tried from."""


class TooMany(Exception):  # noqa: N818  # an answer, not a fault
    """A try that is not looked at; one may try again after ``again_s`` seconds."""

    def __init__(self, again_s: float) -> None:
        self.again_s = max(1, math.ceil(again_s))
        super().__init__(f"Too many attempts. Try again in {self.again_s} s.")


@dataclass
class _Failures:
    count: int = 0
    until: float = 0.0


@dataclass
class Try:
    """One attempt that is being looked at."""

    is_right: bool = False


@dataclass
class Attempts:
    """Counts tries per key; after five that were not right, a pause that doubles up to 15 minutes.

    The key is the account with the address that it is tried from, so that a neighbour who types
    somebody's name wrongly does not lock them out. A try counts as wrong from its beginning, and is given
    back when it was right: forty that come at once are not all looked at before the first has failed.
    ``clock`` gives seconds, monotonic.
    """

    clock: Callable[[], float]
    _failures: dict[Key, _Failures] = field(default_factory=dict)
    _accounts: Counter[str] = field(default_factory=Counter)
    _addresses: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def attempt(self, key: Key) -> Iterator[Try]:
        """Count a try; set ``is_right`` on what is given if it was right. A fault of ours costs nobody a try.

        Raises:
            TooMany: It must not be looked at.
        """
        account, address = key
        if pause := self.pause_s(key):
            raise TooMany(pause)
        if (
            self._accounts[account] >= MOST_AT_ONCE_FOR_AN_ACCOUNT
            or self._addresses[address] >= MOST_AT_ONCE_FROM_AN_ADDRESS
        ):
            raise TooMany(1)
        before = self._begin(key)
        attempt = Try()
        try:
            yield attempt
        except BaseException:
            before()
            raise
        finally:
            _take_off(self._accounts, account)
            _take_off(self._addresses, address)
        if attempt.is_right:
            self._failures.pop(key, None)

    def pause_s(self, key: Key) -> float:
        """Return for how many seconds more no attempt counts; 0 when one may try."""
        found = self._failures.get(key)
        return max(0.0, found.until - self.clock()) if found else 0.0

    def _begin(self, key: Key) -> Callable[[], None]:
        """Count a try as a failure; return what gives it back."""
        account, address = key
        self._accounts[account] += 1
        self._addresses[address] += 1
        if key not in self._failures and len(self._failures) >= MOST_KEYS:
            # Memory stays bounded when names are made up by the thousand. Whose pause ends first goes, the oldest
            # of those without one: made-up names must not push a pause out.
            del self._failures[min(self._failures, key=lambda each: self._failures[each].until)]
        found = self._failures.setdefault(key, _Failures())
        paused_before = found.until
        found.count += 1
        if found.count >= FREE_ATTEMPTS:
            found.until = self.clock() + pause_after(found.count)

        def give_back() -> None:
            found.count -= 1
            found.until = min(found.until, paused_before) if found.count < FREE_ATTEMPTS else found.until
            if found.count == 0 and self._failures.get(key) is found:
                del self._failures[key]

        return give_back


def pause_after(count: int) -> float:
    """Return how many seconds nobody may try after ``count`` failures, five or more."""
    doublings = min(count - FREE_ATTEMPTS, 10)  # a float has an end
    return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**doublings))


def _take_off(counted: Counter[str], key: str) -> None:
    counted[key] -= 1
    if counted[key] <= 0:
        del counted[key]
