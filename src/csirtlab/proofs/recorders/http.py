"""Records how real programs word HTTP/1.1: Chromium, Firefox and apt ask; nginx and Apache answer.

Only the heads are kept, line by line, with what differs each time in braces.
"""

import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from csirtlab.errors import SetupError

_HOST, _NAME, _SECONDS = "127.0.0.1", "portal.norte.example", 60
_PAGE, _STYLE, _FILE = "/noticias/1", "/static/a.css", "/pool/a.deb"
_BODIES = {
    _PAGE: ("text/html; charset=utf-8", f'<!doctype html><link rel="stylesheet" href="{_STYLE}"><p>x</p>'.encode()),
    _STYLE: ("text/css", b".a{}"),
    _FILE: ("application/octet-stream", bytes(64)),
}
_NGINX = """
daemon off; pid {folder}/pid; error_log /dev/null;
events {{}}
http {{ access_log off; types {{ text/html html; text/css css; }}
server {{ listen 127.0.0.1:{port}; root {folder}/root; }} }}
"""
_APACHE = """
ServerName localhost
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
TypesConfig /etc/mime.types
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog /dev/null
DocumentRoot {folder}/root
"""


def record() -> dict[str, dict[str, object]]:
    """Return the heads of requests by program and kind, and of answers by server.

    Raises:
        SetupError: One of the programs is not installed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "root").mkdir()
        (folder / "root" / "a.css").write_text(".a{}")
        chromium = [_program("chromium"), *["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
                    *["--no-first-run", "--disable-background-networking", "--disable-sync"],
                    f"--user-data-dir={folder}/chromium", f"--host-resolver-rules=MAP {_NAME} {_HOST}"]  # fmt: skip
        (folder / "firefox").mkdir()
        # Both ask for a name: browsers word it otherwise when they talk to the machine itself.
        (folder / "firefox" / "user.js").write_text(f'user_pref("network.dns.localDomains", "{_NAME}");\n')
        firefox = [_program("firefox-esr"), "--headless", "--no-remote", "--profile", f"{folder}/firefox"]
        apt = [_program("apt-helper", "/usr/lib/apt"), "download-file"]
        requests = {
            "Chrome": _asked(lambda url: [*chromium, url + _PAGE], (_PAGE, _STYLE)),
            "Firefox": _asked(lambda url: [*firefox, url + _PAGE], (_PAGE, _STYLE)),
            "APT": _asked(lambda url: [*apt, url.replace(_NAME, _HOST) + _FILE, str(folder / "a.deb")], (_FILE,)),
        }
        answers = {
            "nginx": _answered(folder, _NGINX, [_program("nginx", "/usr/sbin"), "-c"]),
            "Apache": _answered(folder, _APACHE, [_program("apache2", "/usr/sbin"), "-DFOREGROUND", "-f"]),
        }
    return {"http-heads": {"protocol": "HTTP", "requests": requests, "answers": answers}}


def _program(name: str, folder: str | None = None) -> str:
    found = shutil.which(name, path=folder)
    if found is None:
        raise SetupError(f"{name} is missing. Install: apt-get install chromium firefox-esr nginx-light apache2-bin")
    return found


def _asked(command: Callable[[str], Sequence[str]], paths: Sequence[str]) -> dict[str, list[str]]:
    """Return the head with which a program asks for each of ``paths``."""
    heads: dict[str, list[str]] = {}
    with socket.create_server((_HOST, 0)) as listener:
        url = f"http://{_NAME}:{listener.getsockname()[1]}"
        threading.Thread(target=_serve, args=(listener, heads), daemon=True).start()
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command(url), stdout=quiet, stderr=quiet) as program:
            deadline = time.monotonic() + _SECONDS
            while not set(paths) <= set(heads) and time.monotonic() < deadline:
                time.sleep(0.1)
            program.kill()
    kinds = {_PAGE: "page", _STYLE: "part", _FILE: "file"}
    return {kinds[path]: [_blanked(line, path) for line in heads[path]] for path in paths}


def _blanked(line: str, path: str) -> str:
    if line.startswith("GET "):
        return line.replace(path, "{path}")
    name, _, value = line.partition(": ")
    blanks = {
        "Host": "{host}", "User-Agent": "{agent}", "Referer": "http://{host}{page}", "Accept-Language": "{language}",
    }  # fmt: skip
    return f"{name}: {blanks.get(name, value)}"


def _serve(listener: socket.socket, heads: dict[str, list[str]]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # the recording has ended
            return
        threading.Thread(target=_answer, args=(client, heads), daemon=True).start()


def _answer(client: socket.socket, heads: dict[str, list[str]]) -> None:
    said = b""
    while True:
        while b"\r\n\r\n" not in said:
            more = client.recv(65_536)
            if not more:
                return
            said += more
        head, _, said = said.partition(b"\r\n\r\n")
        path = head.split()[1].decode()
        heads.setdefault(path, head.decode().split("\r\n"))
        kind, body = _BODIES.get(path, ("text/plain", b""))
        answer = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: keep-alive\r\n"
        client.sendall(f"{answer}\r\n".encode() + body)


def _answered(folder: Path, configuration: str, command: Sequence[str]) -> dict[str, object]:
    """Return the head of a server's answer, and how it calls itself."""
    with socket.create_server((_HOST, 0)) as probe:
        port = probe.getsockname()[1]
    file = folder / "server.conf"
    file.write_text(configuration.format(folder=folder, port=port))
    with _running([*command, str(file)]), _connected(port) as client:
        client.sendall(b"GET /a.css HTTP/1.1\r\nHost: portal.example\r\nConnection: keep-alive\r\n\r\n")
        lines = client.recv(65_536).partition(b"\r\n\r\n")[0].decode().split("\r\n")
    values: Mapping[str, str] = {
        "Server": "{server}", "Date": "{date}", "Content-Type": "{kind}", "Content-Length": "{length}",
        "ETag": "{tag}", "Last-Modified": "{modified}",
    }  # fmt: skip
    server = next(line.partition(": ")[2] for line in lines if line.startswith("Server: "))
    blank = [re.sub(r"^([^:]+): .*", lambda found: f"{found[1]}: {values.get(found[1], found[0].partition(': ')[2])}",
                    line) for line in lines]  # fmt: skip
    return {"software": server, "head": blank}


@contextmanager
def _running(command: Sequence[str]) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.terminate()


@contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            client = socket.create_connection((_HOST, port), timeout=_SECONDS)
            break
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    with client:
        yield client
