"""A lab's release: nbgrader's release version of it, packed for the exchange."""

import os
import subprocess
import sys
from pathlib import Path

from csirtlab.errors import CohortError
from csirtlab.exchange.archives import pack


def generate(folder: Path, lab: str) -> None:
    """Make ``release/LAB`` from ``source/LAB`` with nbgrader, and note its cells in the gradebook.

    Raises:
        CohortError: nbgrader refused; its last words are in the message.
    """
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", lab, "--force"]
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder / ".jupyter"), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CohortError(
            f'nbgrader could not generate "{lab}" in {folder}. '
            f"Correct what it names, then try again:\n{done.stderr[-1500:]}"
        )


def pack_release(folder: Path) -> bytes:
    """Return the zip of a release folder for the exchange."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return pack((path.relative_to(folder).as_posix(), path.read_bytes()) for path in files)
