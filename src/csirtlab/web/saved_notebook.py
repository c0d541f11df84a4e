"""A notebook as it was saved last, never as it is half written."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from csirtlab.errors import ExchangeError

PATIENCE_S = 10.0
PAUSE_S = 0.05


def read_settled(
    path: Path, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Return the notebook at ``path`` once no save of it is under way.

    Jupyter writes into the file itself, and until it is done a copy of what was there lies beside
    it as ``.~NAME``; a reader in between would see half a notebook.

    Raises:
        ExchangeError: After ten seconds it is still being written, or it is no notebook.

    Source: jupyter_server/services/contents/fileio.py, ``atomic_writing``.
    """
    under_way = path.with_name(f".~{path.name}")
    deadline = clock() + PATIENCE_S
    while True:
        if not under_way.exists():
            try:
                notebook = json.loads(path.read_bytes())
            except ValueError:
                notebook = None
            if isinstance(notebook, dict) and isinstance(notebook.get("cells"), list) and not under_way.exists():
                return notebook
        if clock() > deadline:
            raise ExchangeError(
                f"{path.name} cannot be read as a notebook: saving it did not end well. "
                "Save it again in JupyterLab (Ctrl+S), then reload this page."
            )
        sleep(PAUSE_S)
