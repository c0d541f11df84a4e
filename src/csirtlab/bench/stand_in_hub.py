"""What the workshop's service asks of a hub, who a token belongs to, answered without one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

_PREFIX = "token-of-"


def token_of(username: str) -> str:
    """Return the token with which somebody is known here."""
    return _PREFIX + username


class StandInHub:
    """A hub's ``/hub/api/user`` on loopback; it outlives the service that is killed. A context manager."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.api_url = f"http://127.0.0.1:{self._server.server_address[1]}/hub/api"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # http.server's name
        """Answer as JupyterHub's REST API does."""
        _, _, token = self.headers.get("Authorization", "").partition(" ")
        is_known = self.path == "/hub/api/user" and token.startswith(_PREFIX)
        model = {"kind": "user", "name": token.removeprefix(_PREFIX), "scopes": ["access:services!service=workshop"]}
        body = json.dumps(model if is_known else {"status": 403}).encode()
        self.send_response(200 if is_known else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # http.server's signature
        """Say nothing."""
