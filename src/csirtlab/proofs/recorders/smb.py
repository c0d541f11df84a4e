"""Records a file share: Samba's client against Samba's server, SMB 3.1.1 with encryption.

Only the six messages of the sign-in can be read, and they are kept whole; of the others their lengths are.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from csirtlab.errors import SetupError
from csirtlab.evidence.protocols.smb import SEALED_HEADER
from csirtlab.proofs.recorders.relay import Relay, Said

_USER, _PASSWORD, _DOMAIN, _SERVER, _SHARE = "maria", "palta-con-sal", "OFICINA", "SRVFILES", "oficina"
_FILE_BYTES = 48_211  # below what one message carries
_FRAME, _CLEAR, _PORT = 4, 6, 44_500
_CONFIGURATION = """
[global]
server role = standalone
netbios name = {server}
workgroup = {domain}
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = {port}
private dir = {folder}/private
lock directory = {folder}/lock
state directory = {folder}/state
cache directory = {folder}/cache
pid directory = {folder}/pid
ncalrpc dir = {folder}/rpc
server min protocol = SMB3_11
server smb encrypt = required
disable spoolss = yes
load printers = no
log file = /dev/null
[{share}]
path = {folder}/share
read only = no
"""


def record() -> dict[str, dict[str, object]]:
    """Return the recording by its name. To be run as root in a network and mount namespace of its own.

    Raises:
        SetupError: Samba's server or client is not installed.
    """
    for program in ("smbd", "smbclient", "smbpasswd"):
        if shutil.which(program, path=f"/usr/sbin:{os.environ.get('PATH', '')}") is None:
            raise SetupError(f"{program} is not installed. Install it: apt-get install samba smbclient")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        configuration = _prepare(folder)
        # It ends its whole process group: it gets one of its own.
        server = subprocess.Popen(
            ["smbd", "-F", "--no-process-group", "-s", str(configuration)], start_new_session=True
        )
        try:
            return {"smb-share": _recording(configuration)}
        finally:
            server.terminate()
            server.wait(20)


def _prepare(folder: Path) -> Path:
    for part in ("private", "lock", "state", "cache", "pid", "rpc", "share"):
        (folder / part).mkdir()
        (folder / part).chmod(0o777)
    (folder / "share" / "acta.docx").write_bytes(os.urandom(_FILE_BYTES))
    (folder / "share" / "acta.docx").chmod(0o666)
    (folder / "informe.docx").write_bytes(os.urandom(_FILE_BYTES))
    configuration = folder / "smb.conf"
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, server=_SERVER, domain=_DOMAIN, port=_PORT, share=_SHARE)
    )
    users = folder / "passwd"
    users.write_text(Path("/etc/passwd").read_text() + f"{_USER}:x:4242:65534::{folder}:/bin/sh\n")
    subprocess.run(["mount", "--bind", str(users), "/etc/passwd"], check=True)
    twice = f"{_PASSWORD}\n{_PASSWORD}\n"
    subprocess.run(["smbpasswd", "-c", str(configuration), "-a", "-s", _USER], input=twice, text=True, check=True)
    return configuration


def _recording(configuration: Path) -> dict[str, object]:
    relay = Relay(_PORT)
    relay.start()
    time.sleep(3)
    informe = configuration.parent / "informe.docx"
    bare, looked, fetched, stored = (
        _talk(relay, configuration, order)
        for order in ("exit", "ls", "get acta.docx /dev/null", f"put {informe} informe.docx")
    )
    leave = 2  # the last request and its answer
    arrive = len(bare) - leave
    turns = [
        *_marked("sign-in", bare[:_CLEAR]),
        *_marked("look", looked[_CLEAR:-leave]),
        *_marked("fetch", fetched[arrive:-leave]),
        *_marked("store", stored[arrive:-leave]),
        *_marked("leave", bare[-leave:]),
    ]
    version = subprocess.run(["smbd", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return {"protocol": "SMB", "software": f"smbclient {version} to smbd {version}", "turns": turns}


def _talk(relay: Relay, configuration: Path, order: str) -> Sequence[Said]:
    done = len(relay.conversations)
    subprocess.run(
        [
            "smbclient", f"//127.0.0.1/{_SHARE}", "-s", str(configuration), "-p", str(relay.port),
            "-U", f"{_DOMAIN}/{_USER}%{_PASSWORD}", "-m", "SMB3_11", "--client-protection=encrypt", "-c", order,
        ],
        stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    while len(relay.conversations) == done:
        time.sleep(0.05)
    return relay.conversations[-1]


def _marked(stage: str, conversation: Sequence[Said]) -> list[dict[str, object]]:
    """Return the turns of a stage; what carries the file is marked "content", what goes with it "piece"."""
    turns: list[dict[str, object]] = []
    before = conversation[0].began_s
    large = [number for number, said in enumerate(conversation) if len(said.content) > _FILE_BYTES]
    for number, said in enumerate(conversation):
        name = "content" if number in large else ""
        if large and not name:
            # A read is asked for before it comes, a write is confirmed after.
            name = "piece" if number == large[0] + (1 if conversation[large[0]].by_client else -1) else ""
        length = len(said.content) - _FRAME - SEALED_HEADER - (_FILE_BYTES if name == "content" else 0)
        content: dict[str, object] = (
            {"hex": said.content.hex()} if stage == "sign-in" else {"field": "sealed", "length": length}
        )
        turns.append(
            {
                "by": "client" if said.by_client else "server",
                "wait_ms": round(1000 * (said.began_s - before), 3),
                "mark": f"{stage}/{name}",
                "parts": [content],
            }
        )
        before = said.ended_s
    return turns
