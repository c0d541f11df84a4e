"""Requests as bytes, for what no client would send."""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MOST_ANSWER_B = 8 << 20
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Line:
    """Where to connect, and from which of loopback's addresses."""

    port: int
    source: str = "127.0.0.1"
    tls: bool = False

    def connect(self) -> socket.socket:
        """Return a connection."""
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S, source_address=(self.source, 0))
        if not self.tls:
            return plain
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # our own, drawn for this run
        context.set_alpn_protocols(["h2"])
        return context.wrap_socket(plain)

    def send(self, octets: bytes, *, patience_s: float = PATIENCE_S, until: bytes | None = None) -> bytes:
        """Send bytes and return all that comes until ``until``, the other side closes, or says nothing for so long."""
        with self.connect() as connection:
            connection.settimeout(patience_s)
            with contextlib.suppress(OSError):  # who is refused may be cut off before all is sent
                connection.sendall(octets)
            return receive(connection, until=until)


def receive(connection: socket.socket, *, until: bytes | None = None) -> bytes:
    """Return what comes until the end, ``until``, or silence."""
    got = bytearray()
    with contextlib.suppress(OSError):
        while len(got) < MOST_ANSWER_B and (piece := connection.recv(65536)):
            got += piece
            if until is not None and until in got:
                break
    return bytes(got)


def request(
    target: str | bytes,
    headers: Mapping[str, str] | None = None,
    *,
    host: str,
    method: str = "GET",
    version: str = "HTTP/1.1",
    body: bytes = b"",
) -> bytes:
    """Return the bytes of a request after whose answer the connection ends."""
    path = target.encode("latin-1") if isinstance(target, str) else target
    lines = [f"Host: {host}", "Connection: close"]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    given = {name.lower() for name in headers or {}}
    lines = [line for line in lines if line.partition(":")[0].lower() not in given]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items() if value != ""]
    head = method.encode() + b" " + path + b" " + version.encode() + b"\r\n"
    return head + "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


def status(answer: bytes) -> int:
    """Return the status of an answer; 0 when there was none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() else 0


def header(answer: bytes, name: str) -> str:
    """Return a header of an answer; empty when it has none."""
    for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        if line.partition(b":")[0].strip().lower() == name.lower().encode():
            return line.partition(b":")[2].strip().decode("latin-1")
    return ""


def wait_until(holds: Callable[[], object], *, patience_s: float) -> bool:
    """Wait until a function returns something true; return whether it did."""
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def upgrade(key: str = "dGhlIHNhbXBsZSBub25jZQ==") -> dict[str, str]:
    """Return the headers that ask for a WebSocket (RFC 6455, 4.1)."""
    return {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
    }  # fmt: skip
