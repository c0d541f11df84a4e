"""What a submission brings and says, on its way through the worker without leaving anything there.

Each submission is a fork of the worker, with a copy of its memory. Bytes that went through the heap stay in pieces
after they were freed, for the next one to find. So they are kept in pages of their own, given back whole.
"""

import json
import mmap
import os
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from csirtlab_grader.frames import MOST_BYTES, BrokenFrameError, read_size

_LENGTH = struct.Struct(">I")
_AT_ONCE = 2**18


class _Pages:
    """Memory outside the heap; the system gives it a page when that is written to."""

    def __init__(self, size: int) -> None:
        # Private: a child has a copy, and none of what comes later.
        self._map = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._view = memoryview(self._map)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._view.release()
        self._map.close()


class Request(_Pages):
    """One message from the outside, unread: a child of the worker reads it."""

    def __init__(self, descriptor: int) -> None:
        """Take the next message from ``descriptor``, whole; EOFError when it ends before."""
        size = read_size(descriptor)
        if size is None:
            raise EOFError
        super().__init__(size)
        self._size, taken = size, 0
        while taken < size:
            part = os.readv(descriptor, [self._view[taken:size]])
            if not part:
                raise EOFError
            taken += part

    def read(self) -> Any:  # whatever JSON holds
        """Return what the message says; to be called in the child."""
        return json.loads(bytes(self._view[: self._size]))


class Relay(_Pages):
    """Takes a stream of bytes from a submission and hands on the messages in it, without looking into them."""

    def __init__(self) -> None:
        super().__init__(_LENGTH.size + MOST_BYTES + _AT_ONCE)
        self._end = 0

    def take(self, descriptor: int) -> int:
        """Read what is there; return how many bytes, 0 at the end."""
        part = os.readv(descriptor, [self._view[self._end : self._end + _AT_ONCE]])
        self._end += part
        return part

    def whole(self) -> Iterator[memoryview]:
        """Yield the messages that are whole by now, lengths before them, also those before a broken one.

        Raises:
            BrokenFrameError: A length is beyond what any message has.
        """
        start = 0
        try:
            while self._end - start >= _LENGTH.size:
                size = _LENGTH.unpack_from(self._view, start)[0]
                if size > MOST_BYTES:
                    raise BrokenFrameError(size)
                stop = start + _LENGTH.size + size
                if self._end < stop:
                    break
                with self._view[start:stop] as message:
                    yield message
                start = stop
        finally:
            if start:
                # Once for all of them: each cut moves the rest.
                self._map.move(0, start, self._end - start)
                self._end -= start
