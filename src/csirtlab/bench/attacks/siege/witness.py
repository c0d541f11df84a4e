"""A port of the attacker's: pages that lure, and a note of everybody who came."""

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Visit:
    """Somebody who came: to where, and with what."""

    path: str
    headers: Mapping[str, str]


@dataclass
class Witness:
    """A server on loopback, on another port than the hub; a context manager.

    ``near`` is the hub's host with another port: another origin of the same site. ``far`` is another site.
    """

    visits: list[Visit] = field(default_factory=list)
    _pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
        self._server.witness = self  # type: ignore[attr-defined]  # what the handler finds it by
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def near(self) -> str:
        """The address by the hub's own host."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def far(self) -> str:
        """The address by another host."""
        return f"http://localhost:{self.port}"

    def page(self, html: str, *, status: int = 200, **headers: str) -> str:
        """Keep a page; returns its path."""
        path = f"/page-{len(self._pages)}"
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self._pages[path] = (status, {"Content-Type": "text/html; charset=utf-8", **told}, html.encode())
        return path

    def answer(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Return what is at a path."""
        return self._pages.get(path, (200, {"Content-Type": "text/plain"}, b"noted"))

    def came(self, path: str) -> list[Visit]:
        """Return the visits to addresses that begin so."""
        return [visit for visit in self.visits if visit.path.startswith(path)]


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        witness: Witness = self.server.witness  # type: ignore[attr-defined]  # put there by it
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        witness.visits.append(Visit(self.path, dict(self.headers.items())))
        status, headers, body = witness.answer(self.path.partition("?")[0])
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        with contextlib.suppress(ConnectionError):  # the browser has gone elsewhere meanwhile
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer  # noqa: N815  # http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # http.server's signature
        """Say nothing."""
