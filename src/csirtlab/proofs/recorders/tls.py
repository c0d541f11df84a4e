"""Records the ClientHellos of real programs: Chromium, and Python with OpenSSL.

What a program says in its first message depends on nobody: it is taken from a listener on loopback that answers
nothing. Source: RFC 8446 (TLS 1.3), RFC 8701 (GREASE), RFC 7685 (padding).
"""

import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence

from csirtlab.errors import SetupError

_NAME = "www.norte.example"
_SECONDS = 60
_GREASE = frozenset(0x0A0A + 0x1010 * step for step in range(16))
_SERVER_NAME, _PADDING, _KEY_SHARE, _ECH = 0, 21, 51, 0xFE0D
_LISTS = {10: ("grease_group", 2), 13: ("grease_signature", 2), 43: ("grease_version", 1)}
"""Extensions that are lists of numbers: the field of their GREASE, and how long the list's length is."""
_ECH_HEAD = 5  # its kind, KDF and AEAD; then comes the configuration's id
Part = dict[str, object]


def record() -> dict[str, dict[str, object]]:
    """Return the recorded hellos by name.

    Raises:
        SetupError: Chromium is not installed.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SetupError("Chromium is not installed. Install it: apt-get install chromium")
    version = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True).stdout.split()
    with tempfile.TemporaryDirectory() as profile:
        browser = _first_record(lambda port: _browser_command(chromium, profile, port))
    python = f"Python {sys.version.split()[0]} with {' '.join(ssl.OPENSSL_VERSION.split()[:2])}"
    return {
        "hello-browser": _template(browser, " ".join(version[:2]), shuffles=True),
        "hello-library": _template(_first_record(_library_command), python, shuffles=False),
    }


def _browser_command(chromium: str, profile: str, port: int) -> Sequence[str]:
    quiet = "--disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
    return [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", *quiet.split(), f"--user-data-dir={profile}",
        f"--host-resolver-rules=MAP {_NAME} 127.0.0.1", f"https://{_NAME}:{port}/",
    ]  # fmt: skip


def _library_command(port: int) -> Sequence[str]:
    connect = f"socket.create_connection(('127.0.0.1', {port}))"
    return [
        sys.executable, "-c",
        "import socket, ssl; c = ssl.create_default_context(); c.set_alpn_protocols(['h2', 'http/1.1']); "
        f"c.wrap_socket({connect}, server_hostname='{_NAME}')",
    ]  # fmt: skip


def _first_record(command: Callable[[int], Sequence[str]]) -> bytes:
    """Return the first record that a program sends to a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_SECONDS)
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command(listener.getsockname()[1]), stdout=quiet, stderr=quiet) as program:
            try:
                client, _ = listener.accept()
                with client:
                    client.settimeout(_SECONDS)
                    said = b""
                    while len(said) < 5 or len(said) < 5 + struct.unpack("!H", said[3:5])[0]:
                        said += client.recv(65_536)
            finally:
                program.kill()
    return said


def _template(hello: bytes, software: str, *, shuffles: bool) -> dict[str, object]:
    """Return what a hello is made of; what differs each time is a field."""
    body = hello[9:]
    at = 34 + 1 + body[34]
    length = struct.unpack_from("!H", body, at)[0]
    suites = struct.unpack_from(f"!{length // 2}H", body, at + 2)
    at += 2 + length
    at += 1 + body[at] + 2
    extensions: list[dict[str, object]] = []
    while at < len(body):
        kind, length = struct.unpack_from("!HH", body, at)
        content = body[at + 4 : at + 4 + length]
        place = "grease_last" if extensions else "grease_first"
        name = place if kind in _GREASE else kind
        extensions.append({"kind": name, "parts": list(_parts(kind, content))})
        at += 4 + length
    return {
        "protocol": "TLS",
        "software": software,
        "shuffles": shuffles,
        "suites": ["grease_suite" if suite in _GREASE else suite for suite in suites],
        "extensions": extensions,
    }


def _parts(kind: int, content: bytes) -> Iterator[Part]:
    if kind == _SERVER_NAME:
        yield {"field": "server_name", "length": 0}
    elif kind == _PADDING:
        yield {"field": "padding", "length": 0}
    elif kind in _LISTS:
        field, head = _LISTS[kind]
        yield {"hex": content[:head].hex()}
        for at in range(head, len(content), 2):
            is_grease = int.from_bytes(content[at : at + 2]) in _GREASE
            yield {"field": field, "length": 2} if is_grease else {"hex": content[at : at + 2].hex()}
    elif kind == _KEY_SHARE:
        yield {"hex": content[:2].hex()}
        at = 2
        while at < len(content):
            group, length = struct.unpack_from("!HH", content, at)
            if group in _GREASE:
                yield {"field": "grease_group", "length": 2}
                yield {"hex": content[at + 2 : at + 4 + length].hex()}
            else:
                yield {"hex": content[at : at + 4].hex()}
                yield {"field": "key_share", "length": length}
            at += 4 + length
    elif kind == _ECH:
        # A browser without a configuration sends noise of the same shape (GREASE ECH).
        length = struct.unpack_from("!H", content, _ECH_HEAD + 1)[0]
        yield {"hex": content[:_ECH_HEAD].hex()}
        yield {"field": "ech_configuration", "length": 1}
        yield {"hex": content[_ECH_HEAD + 1 : _ECH_HEAD + 3].hex()}
        yield {"field": "ech_key", "length": length}
        yield {"field": "ech_payload", "length": 0}
    elif content:
        yield {"hex": content.hex()}
