"""A cohort's own server: the formgrader at its own address, with links that lead into JupyterLab, and our pages."""

from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from nbgrader.server_extensions import formgrader
from nbgrader.server_extensions.formgrader.handlers import SubmissionFilesHandler
from tornado import web  # type: ignore[attr-defined]  # tornado does not list it

from csirtlab.grading.cohort_folder import find_cohort_folder
from csirtlab.web.comparing import Comparisons
from csirtlab.web.noticed_page import NoticedHandler
from csirtlab.web.unsafe import warn_if_unsafe

SCRIPT = "static/js/utils.js"
HANDED_IN = r"formgrader/submissions/((?!components/)[^/]+/(?!(?:next|prev|next_incorrect|prev_incorrect)/?$).+)"
"""Files beside a submission, not its page nor the ways to the next one (nbgrader 0.9.6, formgrader/handlers.py)."""

HANDED_IN_POLICY = "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"

PLACES = ("/notebooks/", "/edit/", "/tree/")
"""Where nbgrader's links lead outside a frame: at the root of the host, where behind a hub nothing is.

Source: nbgrader 0.9.6, server_extensions/formgrader/static/js/utils.js, ``linkTo``.
"""


def mended_links(script: str, base_url: str) -> str:
    """Return nbgrader's script with its links leading to JupyterLab below ``base_url``."""
    for place in PLACES:
        script = script.replace(f'"{place}"', f'"{url_path_join(base_url, "lab/tree")}/"')
    return script


class ScriptHandler(JupyterHandler):
    """Serves the script in nbgrader's place."""

    @web.authenticated
    def get(self) -> None:
        """Serve it, as installed, with its links mended."""
        script = (Path(str(formgrader.__file__)).parent / SCRIPT).read_text(encoding="utf-8")
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.finish(mended_links(script, self.base_url))


class HandedInHandler(SubmissionFilesHandler):
    """Serves what was handed in beside a notebook, in nbgrader's place: as of no origin, and without scripts.

    It is a trainee's page; nbgrader's own handler would let it act with the instructor's rights.
    """

    @property
    def content_security_policy(self) -> str:
        """The policy that other pages here have, and a sandbox."""
        return f"{super().content_security_policy}; {HANDED_IN_POLICY}"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "csirtlab.web.cohort_server"}]


def _load_jupyter_server_extension(server: Any) -> None:
    warn_if_unsafe(server.web_app)
    folder = find_cohort_folder(Path.home())
    # Extensions are loaded in the order of their names: these handlers stand before nbgrader's own.
    base = server.web_app.settings["base_url"]
    server.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "formgrader", SCRIPT), ScriptHandler),
            (f"{url_path_join(base, '/')}{HANDED_IN}", HandedInHandler),
            (
                url_path_join(base, "csirtlab/grading"),
                NoticedHandler,
                {"folder": folder, "comparisons": Comparisons(folder)},
            ),
        ],
    )
