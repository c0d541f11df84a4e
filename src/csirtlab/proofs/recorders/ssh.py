"""Records logins over SSH: OpenSSH's client and paramiko against OpenSSH's server.

Source: RFC 4253 (binary packets, key exchange), RFC 5656 (elliptic curves).
"""

import importlib.util
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from csirtlab.errors import SetupError
from csirtlab.proofs.recorders.relay import Relay, Said
from csirtlab.proofs.recorders.stage import Part, ensure_own_namespaces, ensure_programs, invent_user

_KEXINIT, _NEWKEYS, _ECDH_INIT, _ECDH_REPLY = 20, 21, 30, 31
_USER, _PASSWORD, _WRONG = "maria", "palta-con-sal", "Verano2026"
_SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/client_key.pub
StrictModes no
UsePAM no
PrintMotd no
PermitRootLogin no
"""


def record() -> dict[str, dict[str, object]]:
    """Return the recordings by name. To be run as root in a network and mount namespace of its own.

    Raises:
        SetupError: A program is missing; the message names its package.
    """
    ensure_own_namespaces("ssh")
    if importlib.util.find_spec("paramiko") is None:
        raise SetupError("paramiko is not installed. Install it: pip install paramiko")
    ensure_programs(("sshd", "ssh", "sshpass", "ssh-keygen"), "openssh-server, openssh-client and sshpass")
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside)
        folder.chmod(0o755)
        invent_user(folder, _USER, _PASSWORD)
        relay = _serve(folder)
        clients = dict(_clients(folder, relay.port))
        for command in clients.values():
            done = len(relay.conversations)
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
            while len(relay.conversations) == done:
                time.sleep(0.05)
        conversations = dict(zip(clients, relay.conversations, strict=True))
    return {
        f"ssh-{name}": {
            "protocol": "SSH",
            "software": _software(conversation),
            "turns": _marked(list(_turns(conversation))),
        }
        for name, conversation in conversations.items()
    }


def _marked(turns: list[dict[str, object]]) -> list[dict[str, object]]:
    """Mark the turn with which the server says yes or no.

    Yes is its shortest packet (one byte, RFC 4252, 5.1); where it says no, that is the last that it says.
    """
    from_server = [turn for turn in turns if turn["by"] == "server"]
    lengths = [length for turn in from_server if (length := _sealed_length(turn))]
    accepted = _sealed_length(from_server[-1]) > min(lengths) and lengths.index(min(lengths)) > 0
    says = next(turn for turn in from_server if _sealed_length(turn) == min(lengths)) if accepted else from_server[-1]
    says["mark"] = "verdict"
    return turns


def _sealed_length(turn: dict[str, object]) -> int:
    parts = turn["parts"]
    assert isinstance(parts, list)
    return int(parts[0].get("length", 0)) if len(parts) == 1 and parts[0].get("field") == "sealed" else 0


def _serve(folder: Path) -> Relay:
    for name in ("host_key", "client_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    port = 22022
    (folder / "sshd_config").write_text(_SSHD.format(port=port, folder=folder))
    subprocess.run(
        [shutil.which("sshd", path="/usr/sbin") or "sshd", "-f", str(folder / "sshd_config"), "-E", "/dev/null"],
        check=True,
    )
    relay = Relay(port)
    relay.start()
    time.sleep(0.5)
    return relay


def _clients(folder: Path, port: int) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what each recording is called, and the command that has the conversation."""
    quiet = ["-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-p", str(port)]
    password = [*quiet, "-o", "PubkeyAuthentication=no"]
    target = f"{_USER}@127.0.0.1"
    work = "for i in 1 2 3 4 5 6; do ls -la /etc | head -$((i * 9)); sleep 0.7; done"
    wrong = ["sshpass", "-p", _WRONG, "ssh", *password, "-o", "NumberOfPasswordPrompts=1", target, "true"]
    right = ["sshpass", "-p", _PASSWORD, "ssh", *password, target]
    key = ["ssh", *quiet, "-o", "IdentitiesOnly=yes", "-i", str(folder / "client_key"), target]
    yield "mistyped", wrong
    yield "password-session", [*right, work]
    yield "key-session", [*key, work]
    yield "guess-wrong", [sys.executable, "-c", _PARAMIKO.format(port=port, user=_USER, password=_WRONG)]
    yield "guess-right", [sys.executable, "-c", _PARAMIKO.format(port=port, user=_USER, password=_PASSWORD)]


_PARAMIKO = """
import paramiko
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
try:
    client.connect("127.0.0.1", {port}, "{user}", "{password}", look_for_keys=False, allow_agent=False)
    client.exec_command("id; uname -a; cat /proc/cpuinfo | head -20")[1].read()
finally:
    client.close()
"""


def _software(conversation: list[Said]) -> str:
    banners = {said.by_client: said.content.split(b"\r\n")[0].decode() for said in conversation[1::-1]}
    return f"{banners[True]} to {banners[False]}"


def _turns(conversation: list[Said]) -> Iterator[dict[str, object]]:
    sealed = {True: False, False: False}
    before = conversation[0].began_s
    for said in conversation:
        parts: list[Part] = []
        rest = said.content
        if rest.startswith(b"SSH-"):
            banner, _, rest = rest.partition(b"\r\n")
            parts.append({"text": f"{banner.decode()}\r\n"})
        while rest and not sealed[said.by_client]:
            length = struct.unpack("!I", rest[:4])[0] + 4
            parts += _plain_packet(rest[:length])
            sealed[said.by_client] = rest[5] == _NEWKEYS
            rest = rest[length:]
        if rest:
            parts.append({"field": "sealed", "length": len(rest)})
        yield {
            "by": "client" if said.by_client else "server",
            "wait_ms": round(1000 * (said.began_s - before), 3),
            "parts": parts,
        }
        before = said.ended_s


def _plain_packet(packet: bytes) -> list[Part]:
    """Return the parts of a packet before encryption: what differs each time is a field."""
    kind, body = packet[5], packet[6:]
    head = packet[:6]
    if kind == _KEXINIT:
        return [{"hex": head.hex()}, {"field": "cookie", "length": 16}, {"hex": body[16:].hex()}]
    if kind == _ECDH_INIT:
        share, rest = _string(body)
        return [
            {"hex": (head + body[:4]).hex()}, {"field": "client_share", "length": len(share)}, {"hex": rest.hex()},
        ]  # fmt: skip
    if kind == _ECDH_REPLY:
        host_key, rest = _string(body)
        algorithm, key = _string(host_key)
        share, after = _string(rest)
        signature, padding = _string(after)
        signed_with, blob = _string(signature)
        return [
            {"hex": (head + body[:4] + host_key[: 4 + len(algorithm)] + key[:4]).hex()},
            {"field": "host_key", "length": len(key) - 4},
            {"hex": rest[:4].hex()},
            {"field": "server_share", "length": len(share)},
            {"hex": (after[:4] + signature[: 4 + len(signed_with)] + blob[:4]).hex()},
            {"field": "signature", "length": len(blob) - 4},
            {"hex": padding.hex()},
        ]
    return [{"hex": packet.hex()}]


def _string(content: bytes) -> tuple[bytes, bytes]:
    length = struct.unpack("!I", content[:4])[0]
    return content[4 : 4 + length], content[4 + length :]
