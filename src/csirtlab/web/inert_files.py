"""Files as a Jupyter server gives them out: none is a page of ours, whatever it is.

Jupyter confines what it serves from a folder to an origin of its own, unless the server has a Content-Security-Policy
for everything, as JupyterHub gives it: then ``files/x.html`` would be a page of the hub's origin.

Source: jupyter_server 2.21, base/handlers.py, ``content_security_policy``; jupyterhub 6.1, singleuser/extension.py.
"""

from typing import Any

from jupyter_server.base.handlers import AuthenticatedFileHandler, FilesRedirectHandler, JupyterHandler, path_regex
from jupyter_server.nbconvert.handlers import NbconvertFileHandler, NbconvertPostHandler
from jupyter_server.utils import url_path_join
from tornado import web  # type: ignore[attr-defined]  # tornado does not list it

POLICY = (
    "default-src 'none'; img-src 'self' data:; media-src 'self' data:; style-src 'unsafe-inline'; font-src data:; "
    "frame-ancestors 'none'; form-action 'none'; base-uri 'none'; sandbox"
)
"""Shown, with its own styles and pictures; no scripts, no forms, of no origin."""


class InertFiles(AuthenticatedFileHandler):
    """Gives out files of the server's folder."""

    @property
    def content_security_policy(self) -> str:
        """Return the policy for all of them."""
        return POLICY

    def set_extra_headers(self, path: str) -> None:
        """Let no browser guess what a file is, nor tell others where it was."""
        super().set_extra_headers(path)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")


class InertNotebook(NbconvertFileHandler):
    """Gives out a notebook in another format."""

    @property
    def content_security_policy(self) -> str:
        """Return the policy for all of them."""
        return POLICY


class InertConversion(NbconvertPostHandler):
    """Gives out a notebook that was sent, in another format."""

    @property
    def content_security_policy(self) -> str:
        """Return the policy for all of them."""
        return POLICY


class ViewHandler(JupyterHandler):
    """Gives out the file itself, where Jupyter's own frames it in a page of the server."""

    @web.authenticated
    async def get(self, path: str) -> None:
        """Lead to the file."""
        await FilesRedirectHandler.redirect_to_files(self, path)


def inert_handlers(base_url: str, conversion: type[InertNotebook] = InertNotebook) -> list[tuple[Any, ...]]:
    """Return handlers to stand before Jupyter's; ``InertFiles`` is named in the server's configuration."""
    return [
        (url_path_join(base_url, rf"/nbconvert/(?P<format>\w+){path_regex}"), conversion),
        (url_path_join(base_url, r"/nbconvert/(?P<format>\w+)"), InertConversion),
        (url_path_join(base_url, rf"/view{path_regex}"), ViewHandler),
    ]
