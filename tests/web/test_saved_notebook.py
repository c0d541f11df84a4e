"""What is submitted is a whole notebook, though Jupyter writes into the file itself."""

import json
from pathlib import Path

import pytest

from csirtlab.errors import ExchangeError
from csirtlab.web.saved_notebook import PATIENCE_S, read_settled


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "lab.ipynb"
    path.write_text(json.dumps({"cells": [], "nbformat": 4}))
    return path


class Waiting:
    """A clock that goes on when somebody sleeps, and does something at a given time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.at_two = lambda: None

    def sleep(self, seconds: float) -> None:
        before, self.now = self.now, self.now + seconds
        if before < 2 <= self.now:
            self.at_two()


def test_a_saved_notebook_is_returned_at_once(notebook: Path) -> None:
    assert read_settled(notebook)["nbformat"] == 4


def test_a_save_under_way_is_waited_for(notebook: Path) -> None:
    waiting = Waiting()
    whole = notebook.read_text()
    mark = notebook.with_name(".~lab.ipynb")
    mark.write_text(whole)
    notebook.write_text(whole[:10])

    def finish() -> None:
        notebook.write_text(whole.replace("4", "5"))
        mark.unlink()

    waiting.at_two = finish

    assert read_settled(notebook, clock=lambda: waiting.now, sleep=waiting.sleep)["nbformat"] == 5


@pytest.mark.parametrize("content", ["", "[]", '{"cells": 3}', '{"cells": ['])
def test_what_stays_no_notebook_is_refused_with_the_way_out(notebook: Path, content: str) -> None:
    waiting = Waiting()
    notebook.write_text(content)

    with pytest.raises(ExchangeError, match="Save it again"):
        read_settled(notebook, clock=lambda: waiting.now, sleep=waiting.sleep)

    assert waiting.now > PATIENCE_S
