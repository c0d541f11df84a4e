"""Inside the walls: settle JupyterLab for the trainee the first time, then be the server."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

USER_SETTINGS = Path("lab/user-settings/@jupyterlab")
SECONDS_BETWEEN_SAVES = 10  # what is submitted is what is saved


def ensure_setting(config_folder: Path, plugin: str, values: Mapping[str, object]) -> None:
    """Write a JupyterLab plug-in's settings, unless its user has chosen some already."""
    path = config_folder / USER_SETTINGS / plugin
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values) + "\n", encoding="utf-8")


def main() -> None:
    """Become the single-user server."""
    config_folder = Path(os.environ["JUPYTER_CONFIG_DIR"])
    locale = os.environ.get("CSIRTLAB_LOCALE", "en")
    ensure_setting(config_folder, "translation-extension/plugin.jupyterlab-settings", {"locale": locale})
    ensure_setting(
        config_folder, "docmanager-extension/plugin.jupyterlab-settings", {"autosaveInterval": SECONDS_BETWEEN_SAVES}
    )
    from jupyterhub.singleuser import main as serve

    sys.argv[0] = "jupyterhub-singleuser"
    serve()


if __name__ == "__main__":
    main()
