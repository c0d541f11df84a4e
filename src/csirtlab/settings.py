"""Where things lie on this machine."""

import os
import sys
from pathlib import Path


def content_root() -> Path:
    """Return the folder that holds ``courses/``, ``labs/``, ``datasets/`` and ``hub_config/``.

    ``CSIRTLAB_CONTENT`` names it; else it is the checkout that this code runs from, else what the
    installed package brought along (``PREFIX/share/csirtlab``).
    """
    if named := os.environ.get("CSIRTLAB_CONTENT"):
        return Path(named)
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / "labs").is_dir():
        return checkout
    return Path(sys.prefix) / "share" / "csirtlab"


def default_home() -> Path:
    """Return the folder for all state when nobody names one (``--home``, ``CSIRTLAB_HOME``)."""
    if named := os.environ.get("CSIRTLAB_HOME"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/csirtlab")
    return Path.home() / ".local" / "share" / "csirtlab"
