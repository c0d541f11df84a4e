"""Inside the walls: put the trainee's language into JupyterLab's settings, then be the server."""

import json
import os
import sys
from pathlib import Path

SETTINGS = Path("lab/user-settings/@jupyterlab/translation-extension/plugin.jupyterlab-settings")


def ensure_locale(config_folder: Path, locale: str) -> None:
    """Write JupyterLab's language unless its user has chosen one already."""
    path = config_folder / SETTINGS
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"locale": locale}) + "\n", encoding="utf-8")


def main() -> None:
    """Become the single-user server."""
    ensure_locale(Path(os.environ["JUPYTER_CONFIG_DIR"]), os.environ.get("CSIRTLAB_LOCALE", "en"))
    from jupyterhub.singleuser import main as serve

    sys.argv[0] = "jupyterhub-singleuser"
    serve()


if __name__ == "__main__":
    main()
