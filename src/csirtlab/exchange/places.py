"""How much one person may ask the exchange to look at: so much at once, and so much in vain."""

import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from csirtlab.exchange.refusals import Refusal

MOST_AT_ONCE = 4
"""Of one person, being received or waiting to be looked at: each is a file of up to 20 MiB."""

MOST_REFUSED = 10
WITHIN_S = 300.0
MOST_PEOPLE = 10_000


class Places:
    """Counts what each person has under way, and what of theirs was refused. ``clock`` gives seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken: Counter[str] = Counter()
        self._refused: OrderedDict[str, deque[float]] = OrderedDict()

    @contextmanager
    def place(self, person: str) -> Iterator[None]:
        """Hold a place while the block receives something and looks at it; a Refusal that leaves it counts.

        Raises:
            Refusal: They have too many under way, or were refused too often lately (429); it says when to try again.
        """
        if wait_s := self.pause_s(person):
            raise Refusal(
                f"{MOST_REFUSED} of your uploads could not be taken within {WITHIN_S / 60:.0f} minutes. Each answer "
                f"said why: put that right, then try again in {math.ceil(wait_s)} s. What was acknowledged is kept.",
                429,
            )
        if self._taken[person] >= MOST_AT_ONCE:
            raise Refusal(
                f"{MOST_AT_ONCE} of your uploads are being looked at already. Wait for their answers, then try again.",
                429,
            )
        self._taken[person] += 1
        try:
            yield
        except Refusal as refusal:
            if refusal.status < 500:
                self._note(person)
            raise
        finally:
            self._taken[person] -= 1
            if not self._taken[person]:
                del self._taken[person]

    def pause_s(self, person: str) -> float:
        """Return for how many seconds more nothing of theirs is looked at; 0 when it is."""
        times = self._refused.get(person, deque())
        if len(times) < MOST_REFUSED:
            return 0.0
        return max(0.0, times[0] + WITHIN_S - self._clock())

    def _note(self, person: str) -> None:
        times = self._refused.pop(person, deque(maxlen=MOST_REFUSED))
        times.append(self._clock())
        self._refused[person] = times
        while len(self._refused) > MOST_PEOPLE:
            self._refused.popitem(last=False)
