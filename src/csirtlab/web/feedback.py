"""Feedback as the exchange keeps it: the page in it, and whether it tells why a submission was not graded."""

import zipfile
from functools import lru_cache
from pathlib import Path

from csirtlab.exchange.entries import Entry
from csirtlab.exchange.store import ExchangeStore
from csirtlab.labs.refused import MARK


def feedback_page(store: ExchangeStore, feedback: Entry) -> bytes | None:
    """Return the page of a feedback; None if it holds none."""
    with zipfile.ZipFile(store.content(feedback)) as archive:
        pages = sorted(name for name in archive.namelist() if name.endswith(".html"))
        return archive.read(pages[0]) if pages else None


def tells_refusal(store: ExchangeStore, feedback: Entry) -> bool:
    """Return whether a feedback says that the submission was not graded; instructors alone can say so."""
    try:
        return MARK in _names(store.content(feedback))
    except (OSError, zipfile.BadZipFile):
        return False  # damaged, which whoever opens it is told


@lru_cache(maxsize=10_000)
def _names(path: Path) -> frozenset[str]:  # never another content: files are named by their hash
    with zipfile.ZipFile(path) as archive:
        return frozenset(archive.namelist())
