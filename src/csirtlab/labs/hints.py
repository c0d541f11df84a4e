"""A ladder of hints: climbed one step at a time, and what was seen of it noted beside a submission."""

import json
from collections.abc import Mapping, Sequence

HINTS_FILE = "hints.json"
"""In a submission's folder: the exchange writes it when the submission is collected, grading reads it."""


def next_seen(seen: int, number: int, count: int) -> int:
    """Return how many hints have been seen after somebody who saw ``seen`` of ``count`` asks for ``number``.

    At most one more is opened. Asking again for what was seen opens nothing, so that a request whose
    answer was lost can be made again.
    """
    return max(seen, min(number, seen + 1, count))


def hints_text(prices: Mapping[str, Sequence[int]]) -> str:
    """Return the text of ``hints.json``: question -> the price of each hint seen, in per cent of its points."""
    return json.dumps({question: list(each) for question, each in prices.items()}, indent=1) + "\n"


def read_hints(text: str) -> dict[str, tuple[int, ...]]:
    """Read what ``hints_text`` wrote; ValueError for anything else."""
    parsed = json.loads(text)
    if not isinstance(parsed, dict) or not all(
        isinstance(prices, list) and all(isinstance(price, int) and 0 <= price <= 100 for price in prices)
        for prices in parsed.values()
    ):
        raise ValueError("it is not a table of prices")
    return {str(question): tuple(prices) for question, prices in parsed.items()}
