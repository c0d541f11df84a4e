"""A bounded memory for what is costly to find out about a file, forgotten when the file changes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Protocol, TypeVar, cast


class Sized(Protocol):
    """What can be kept: it is never changed, and knows its size."""

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        ...


T = TypeVar("T", bound=Sized)
_Identity = tuple[int, int, int, int, int]


class Memory:
    """Keeps the values used last, ``most_bytes`` of them together."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[Hashable, Sized] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes kept now."""
        with self._lock:
            return sum(value.size for value in self._kept.values())

    def get(self, path: Path, question: Hashable, find_out: Callable[[], T]) -> T:
        """Return what is known of a file, finding it out where it is not known, or the file has changed.

        The same question is always asked with the same ``find_out``. Nothing is kept of a file that changes
        meanwhile.
        """
        before = _identity(path)
        key = (str(path), before, question)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast("T", self._kept[key])
        found = find_out()
        if before is not None and found.size <= self._most and before == _identity(path):
            self._keep(key, found)
        return found

    def _keep(self, key: Hashable, value: Sized) -> None:
        with self._lock:
            self._kept[key] = value
            total = sum(each.size for each in self._kept.values())
            while total > self._most:
                total -= self._kept.popitem(last=False)[1].size


def _identity(path: Path) -> _Identity | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
