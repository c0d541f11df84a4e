"""Draws that give the same value on every machine and in every Python version.

``random()`` is the one method of ``Random`` whose sequence Python promises to keep, and IEEE 754
fixes + - * /; logarithms and the like come from the C library and differ in the last bit, so no
distribution here uses them.
"""

import hashlib
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

SECOND = 1_000_000_000
"""Times are whole nanoseconds everywhere in a plan."""


def between(rng: Random, low: float, high: float) -> float:
    """Return a number, uniform in [low, high)."""
    return low + (high - low) * rng.random()


def whole(rng: Random, low: int, high: int) -> int:
    """Return a whole number, uniform in low..high, both included."""
    return low + int((high - low + 1) * rng.random())


def chance(rng: Random, share: float) -> bool:
    """Return True in ``share`` of the draws."""
    return rng.random() < share


def normal(rng: Random, low: float, high: float) -> float:
    """Return a number in [low, high), mostly near the middle (the mean of three uniform draws)."""
    return low + (high - low) * (rng.random() + rng.random() + rng.random()) / 3


def bounded_pareto(rng: Random, low: float, high: float) -> float:
    """Return a number in [low, high), mostly small, now and then large (bounded Pareto, shape 1)."""
    return low / (1 - rng.random() * (1 - low / high))


def pick(rng: Random, choices: Sequence[T]) -> T:
    """Return one of ``choices``."""
    return choices[int(len(choices) * rng.random())]


def shuffled(rng: Random, items: Sequence[T]) -> list[T]:
    """Return ``items`` in a random order (Fisher-Yates)."""
    order = list(items)
    for last in range(len(order) - 1, 0, -1):
        other = whole(rng, 0, last)
        order[last], order[other] = order[other], order[last]
    return order


def noise(rng: Random, length: int) -> bytes:
    """Return ``length`` random bytes."""
    key = int(rng.random() * 2**53).to_bytes(8) + int(rng.random() * 2**53).to_bytes(8)
    return hashlib.shake_256(key).digest(length)


def bits(rng: Random, count: int) -> int:
    """Return a whole number of ``count`` random bits, at most 53."""
    return int(rng.random() * (1 << count))


def nanoseconds(seconds: float) -> int:
    """Return ``seconds`` as whole nanoseconds."""
    return int(seconds * SECOND)
