"""How often somebody may try to sign in."""

from collections.abc import Callable
from dataclasses import dataclass, field

FREE_ATTEMPTS = 5
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 900.0
MOST_KEYS = 10_000


@dataclass
class _Failures:
    count: int = 0
    until: float = 0.0


@dataclass
class Attempts:
    """Counts failures per key; after five, a pause that doubles up to 15 minutes.

    The key is the account with the address that it is tried from, so that a neighbour who types
    somebody's name wrongly does not lock them out. ``clock`` gives seconds, monotonic.
    """

    clock: Callable[[], float]
    _failures: dict[tuple[str, str], _Failures] = field(default_factory=dict)

    def pause_s(self, key: tuple[str, str]) -> float:
        """Return for how many seconds more no attempt counts; 0 when one may try."""
        found = self._failures.get(key)
        return max(0.0, found.until - self.clock()) if found else 0.0

    def failed(self, key: tuple[str, str]) -> None:
        """Note a failure."""
        if len(self._failures) >= MOST_KEYS:
            # The oldest key goes: memory stays bounded when names are made up by the thousand.
            self._failures.pop(next(iter(self._failures)))
        found = self._failures.setdefault(key, _Failures())
        found.count += 1
        if found.count >= FREE_ATTEMPTS:
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (found.count - FREE_ATTEMPTS))
            found.until = self.clock() + pause

    def succeeded(self, key: tuple[str, str]) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)
