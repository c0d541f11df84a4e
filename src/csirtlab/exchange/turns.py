"""Turns at something that takes a while: one a person at a time, people in a fair order."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Gives turns in one event loop: at most ``hands`` at a time, and each person one.

    Who has had a turn and wants another goes behind everybody who waits, however many tries they sent.
    """

    def __init__(self, hands: int) -> None:
        self._free = hands
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._busy: set[str] = set()

    @asynccontextmanager
    async def turn(self, person: str) -> AsyncIterator[None]:
        """Wait for this person's turn, and have it until the block ends."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(person, deque()).append(mine)
        self._give()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # given in the same moment
                self._take_back(person)
            else:
                self._forget(person, mine)
            raise
        try:
            yield
        finally:
            self._take_back(person)

    def _give(self) -> None:
        while self._free and (person := next((each for each in self._waiting if each not in self._busy), None)):
            turns = self._waiting.pop(person)
            turn = turns.popleft()
            if turns:
                self._waiting[person] = turns  # behind the others
            if not turn.done():
                self._free -= 1
                self._busy.add(person)
                turn.set_result(None)

    def _take_back(self, person: str) -> None:
        self._free += 1
        self._busy.discard(person)
        self._give()

    def _forget(self, person: str, turn: "asyncio.Future[None]") -> None:
        turns = self._waiting.get(person, deque())
        if turn in turns:
            turns.remove(turn)
        if not turns:
            self._waiting.pop(person, None)
