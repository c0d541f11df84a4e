"""Who is looked at when: one of each person's at a time, and nobody's heap stands before a neighbour."""

import asyncio

import pytest

from csirtlab.exchange.turns import Turns


class Counter:
    """Where people wait; what has begun and what is under way can be read."""

    def __init__(self, hands: int) -> None:
        self.turns = Turns(hands)
        self.began: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def comes(self, *names: str) -> None:
        """Let each come, ``ana1`` being ana's first."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._have_turn(name))
            await self._settle()

    async def _have_turn(self, name: str) -> None:
        async with self.turns.turn(name.rstrip("0123456789")):
            self.began.append(name)
            await self._ends[name].wait()

    async def ends(self, name: str) -> None:
        self._ends[name].set()
        await self.tasks[name]
        await self._settle()

    async def leaves(self, name: str) -> None:
        self.tasks[name].cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.tasks[name]
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


async def test_each_person_has_one_turn_at_a_time() -> None:
    counter = Counter(hands=2)

    await counter.comes("bob1", "bob2", "bob3")

    assert counter.began == ["bob1"]


async def test_a_neighbour_does_not_wait_behind_somebodys_heap() -> None:
    counter = Counter(hands=1)
    await counter.comes("bob1", "bob2", "bob3", "bob4", "ana1")

    for name in ("bob1", "bob2", "ana1", "bob3"):
        await counter.ends(name)

    assert counter.began == ["bob1", "bob2", "ana1", "bob3", "bob4"]


async def test_people_take_turns_in_the_order_in_which_they_came() -> None:
    counter = Counter(hands=1)
    await counter.comes("ana1", "bob1", "eva1", "bob2", "ana2")

    for name in ("ana1", "bob1", "eva1", "ana2"):
        await counter.ends(name)

    assert counter.began == ["ana1", "bob1", "eva1", "ana2", "bob2"]


async def test_a_free_hand_goes_to_the_next_who_has_no_turn() -> None:
    counter = Counter(hands=2)

    await counter.comes("bob1", "bob2", "ana1", "eva1")

    assert counter.began == ["bob1", "ana1"]


async def test_who_goes_away_while_waiting_holds_nobody_up_and_leaves_nothing() -> None:
    counter = Counter(hands=1)
    await counter.comes("bob1", "ana1", "eva1")

    await counter.leaves("ana1")
    await counter.ends("bob1")
    await counter.ends("eva1")

    assert counter.began == ["bob1", "eva1"]
    assert not counter.turns._waiting and not counter.turns._busy


async def test_who_goes_away_in_their_turn_gives_it_back() -> None:
    counter = Counter(hands=1)
    await counter.comes("bob1", "ana1")

    await counter.leaves("bob1")

    assert counter.began == ["bob1", "ana1"]


async def test_who_goes_away_in_the_moment_of_their_turn_gives_it_back() -> None:
    turns = Turns(1)
    first = turns.turn("bob")
    await first.__aenter__()
    second = asyncio.create_task(turns.turn("ana").__aenter__())
    await asyncio.sleep(0)

    await first.__aexit__(None, None, None)  # ana's turn is given, but she has not been told yet
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second

    async with asyncio.timeout(5), turns.turn("eva"):
        assert turns._busy == {"eva"}
