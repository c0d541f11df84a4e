"""Pages in the look of the workshop's, served by a single-user server."""

from typing import Any

from jupyter_server.base.handlers import JupyterHandler

from csirtlab.languages import Language
from csirtlab.web.pages import POLICY, page
from csirtlab.web.unsafe import is_unsafe

WORKSHOP = "/services/workshop/"


class PageHandler(JupyterHandler):
    """Shows templates; who asks was let in by the hub."""

    def language(self) -> Language:
        """Return the language of whoever looks."""
        raise NotImplementedError

    def show(self, template: str, **values: Any) -> None:
        """Answer with one of the pages."""
        shared = {"prefix": WORKSHOP, "labs": WORKSHOP, "is_unsafe": is_unsafe()}
        self.set_header("Content-Security-Policy", POLICY)
        self.finish(page(template, self.language(), {**shared, **values}))
