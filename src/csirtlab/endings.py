"""How a command ends that is told to stop: what it has open is put in order first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def ends_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, by way of what cleans up; the exit code is 128 + number.

    Only for the main thread, and for a block that starts no child that has to know these signals.
    """
    kept = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def leave_stopping_to_parent() -> None:
    """Let this process, which works for another one, go on when a terminal's Ctrl-C or SIGTERM reaches both.

    The parent then lets it finish what it has begun. Handlers, not ``SIG_IGN``: programs that it starts would
    inherit that.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _go_on)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    # Only the first counts: the cleaning up that it starts must not be cut off by the next.
    signal.signal(number, _go_on)
    raise SystemExit(128 + number)


def _go_on(_number: int, _frame: FrameType | None) -> None:
    pass
