"""How a ladder of hints is climbed: one step at a time, and never twice for one request."""


def next_seen(seen: int, number: int, count: int) -> int:
    """Return how many hints have been seen after somebody who saw ``seen`` of ``count`` asks for ``number``.

    At most one more is opened. Asking again for what was seen opens nothing, so that a request whose
    answer was lost can be made again.
    """
    return max(seen, min(number, seen + 1, count))
