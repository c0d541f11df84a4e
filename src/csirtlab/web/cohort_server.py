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
from csirtlab.web.handed_in import ConversionHandler, SessionsHandler
from csirtlab.web.inert_files import POLICY, inert_handlers
from csirtlab.web.noticed_page import NoticedHandler
from csirtlab.web.unsafe import warn_if_unsafe

SCRIPT = "static/js/utils.js"
PLACES = ("/notebooks/", "/edit/", "/tree/")
"""Where nbgrader's links lead outside a frame: at the root of the host, where behind a hub nothing is.

Source: nbgrader 0.9.6, server_extensions/formgrader/static/js/utils.js, ``linkTo``.
"""


BESIDE = r"((?!components/)[^/]+/(?!(?:next|prev)(?:_incorrect)?/?$).+)"
"""What nbgrader serves of a submission's folder: all that is not the page itself, nor a way to the next one.

Source: nbgrader 0.9.6, server_extensions/formgrader/handlers.py, ``default_handlers``.
"""


def mended_links(script: str, base_url: str) -> str:
    """Return nbgrader's script with its links leading to JupyterLab below ``base_url``."""
    for place in PLACES:
        script = script.replace(f'"{place}"', f'"{url_path_join(base_url, "lab/tree")}/"')
    return script


class SubmissionFiles(SubmissionFilesHandler):
    """Serves what lies beside a graded notebook, none of it as a page of ours."""

    @property
    def content_security_policy(self) -> str:
        """Return the policy for all of them."""
        return POLICY


class ScriptHandler(JupyterHandler):
    """Serves the script in nbgrader's place."""

    @web.authenticated
    def get(self) -> None:
        """Serve it, as installed, with its links mended."""
        script = (Path(str(formgrader.__file__)).parent / SCRIPT).read_text(encoding="utf-8")
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.finish(mended_links(script, self.base_url))


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
            *inert_handlers(base, ConversionHandler),
            (url_path_join(base, "api/sessions"), SessionsHandler),
            (url_path_join(base, "formgrader", SCRIPT), ScriptHandler),
            (url_path_join(base, "formgrader/submissions", BESIDE), SubmissionFiles),
            (
                url_path_join(base, "csirtlab/grading"),
                NoticedHandler,
                {"folder": folder, "comparisons": Comparisons(folder)},
            ),
        ],
    )
