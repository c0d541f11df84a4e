"""Inside the walls: settle JupyterLab for the trainee the first time, then be the server."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from csirtlab.slow_modules import leave_out_slow_modules

USER_SETTINGS = Path("lab/user-settings/@jupyterlab")
SECONDS_BETWEEN_SAVES = 10  # what is submitted is what is saved


def ensure_setting(config_folder: Path, plugin: str, values: Mapping[str, object]) -> None:
    """Write a JupyterLab plug-in's settings, unless its user has something there already."""
    path = config_folder / USER_SETTINGS / plugin
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values) + "\n", encoding="utf-8")
    except OSError:
        # Something of theirs is in the way. A comfort is no reason not to start.
        return


def ensure_folder(folder: Path) -> None:
    """Make a folder that the server cannot start without; what stands in its way is kept beside it.

    A trainee who has put a file or a link there would be locked out of their own server, and of
    the one place from which they could mend it.
    """
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return
    if os.path.lexists(folder):
        number = 1
        while os.path.lexists(aside := folder.with_name(f"{folder.name}.mine-{number}")):
            number += 1
        folder.rename(aside)
    folder.mkdir(mode=0o700)


def main() -> None:
    """Become the single-user server."""
    for name in (".jupyter", ".local", ".local/share", ".local/share/jupyter", ".local/share/jupyter/runtime"):
        ensure_folder(Path.home() / name)
    config_folder = Path(os.environ["JUPYTER_CONFIG_DIR"])
    locale = os.environ.get("CSIRTLAB_LOCALE", "en")
    ensure_setting(config_folder, "translation-extension/plugin.jupyterlab-settings", {"locale": locale})
    ensure_setting(
        config_folder, "docmanager-extension/plugin.jupyterlab-settings", {"autosaveInterval": SECONDS_BETWEEN_SAVES}
    )
    leave_out_slow_modules()
    from jupyterhub.singleuser import main as serve

    sys.argv[0] = "jupyterhub-singleuser"
    serve()


if __name__ == "__main__":
    main()
