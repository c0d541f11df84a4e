"""A store, a clock that the test sets, and small labs to hand over."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from csirtlab.exchange.receipts import Receipt
from csirtlab.exchange.store import ExchangeStore

Notebook = Callable[..., bytes]
Archive = Callable[..., bytes]
Hand = Callable[..., Receipt]


class Clock:
    """A clock that goes one second on at every look, unless it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[ExchangeStore]:
    with ExchangeStore(tmp_path / "exchange", clock=clock) as opened:
        yield opened


@pytest.fixture
def notebook() -> Notebook:
    def make(text: str = "1 + 1") -> bytes:
        cell = {"cell_type": "code", "id": "c1", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
        return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()

    return make


@pytest.fixture
def archive() -> Archive:
    def make(files: dict[str, bytes]) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in files.items():
                target.writestr(name, content)
        return packed.getvalue()

    return make


@pytest.fixture
def hand_in(store: ExchangeStore) -> Hand:
    def submit(
        content: bytes = b"work", *, trainee: str = "ana", lab: str = "c2-beacon", cohort: str = "lima"
    ) -> Receipt:
        with store.receive(limit=1000, too_large="Too large.") as incoming:
            incoming.write(content)
            return store.submit(cohort, lab, trainee, incoming)

    return submit
