"""Says on every page of a server that the walls are off, when they are."""

import html
import os
import re
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.web import OutputTransform

from csirtlab.languages import Language, translator

WARNING = "The walls are off (--unsafe-no-box): everybody's work can be read and changed by everybody here."
STYLE = (
    "position:fixed;left:0;right:0;bottom:0;z-index:100000;padding:.4rem 1rem;background:#8a1c1c;color:#fff;"
    "font:600 14px sans-serif;pointer-events:none"
)
BODY = re.compile(rb"<body\b[^>]*>", re.IGNORECASE)


def is_unsafe() -> bool:
    """Return whether this server runs without walls."""
    return os.environ.get("CSIRTLAB_UNSAFE_NO_BOX") == "1"


def with_warning(page: bytes, language: Language) -> bytes:
    """Return an HTML page with the warning right after its ``<body>``; other content as it is."""
    text = html.escape(translator("web", language)(WARNING))
    banner = f'<div role="alert" style="{STYLE}">{text}</div>'.encode()
    return BODY.sub(lambda found: found[0] + banner, page, count=1)


class Warned(OutputTransform):
    """Tornado's hook on every answer."""

    def transform_first_chunk(
        self,
        status_code: int,
        headers: HTTPHeaders,
        chunk: bytes,
        finishing: bool,  # noqa: ARG002  # tornado's signature
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Put the warning into HTML pages that do not have it already."""
        if headers.get("Content-Type", "").startswith("text/html") and b"--unsafe-no-box" not in chunk:
            chunk = with_warning(chunk, Language(os.environ.get("CSIRTLAB_LANGUAGE", "en")))
            if "Content-Length" in headers:
                headers["Content-Length"] = str(len(chunk))
        return status_code, headers, chunk


def warn_if_unsafe(application: Any) -> None:
    """Let a Jupyter server's pages carry the warning when it runs without walls."""
    if is_unsafe():
        application.transforms.append(Warned)
