"""What recordings stand on: namespaces of their own, a user who exists in them alone, turns with named fields."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from csirtlab.errors import SetupError
from csirtlab.proofs.recorders.relay import Said

Part = dict[str, object]


def ensure_own_namespaces(name: str) -> None:
    """Bring loopback up in the network namespace that the recording has to itself.

    Raises:
        SetupError: This is not root, or the namespace has other interfaces.
    """
    if os.geteuid() != 0 or [interface for _, interface in socket.if_nameindex()] != ["lo"]:
        raise SetupError(
            "recording needs a network and a mount namespace of its own: "
            f"sudo unshare --net --mount csirtlab evidence record {name}"
        )
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def ensure_programs(programs: Sequence[str], packages: str) -> None:
    """Raise SetupError when one of ``programs`` is missing; ``packages`` has them."""
    for program in programs:
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            raise SetupError(f"{program} is not installed. Install {packages}.")


def invent_user(folder: Path, name: str, password: str, *, number: int = 4242, shell: str = "/bin/sh") -> Path:
    """Let a user exist in this mount namespace alone; return their home."""
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", password], capture_output=True, text=True, check=True
    ).stdout.strip()
    home = folder / "home"
    home.mkdir(mode=0o777)
    for file, line in (
        ("passwd", f"{name}:x:{number}:65534::{home}:{shell}"),
        ("shadow", f"{name}:{hashed}:20000:0:99999:7:::"),
    ):
        mine = folder / file
        mine.write_text(Path("/etc", file).read_text() + line + "\n")
        subprocess.run(["mount", "--bind", str(mine), f"/etc/{file}"], check=True)
    return home


def turns_of(conversation: Sequence[Said], parts_of: Mapping[bytes, str]) -> Iterator[dict[str, object]]:
    """Yield the turns of a dialogue in the clear; what ``parts_of`` names becomes a field of that name."""
    before = conversation[0].began_s
    for said in conversation:
        yield {
            "by": "client" if said.by_client else "server",
            "wait_ms": round(1000 * (said.began_s - before), 3),
            "parts": list(_parts(said.content, parts_of)),
        }
        before = said.ended_s


def _parts(content: bytes, fields: Mapping[bytes, str]) -> Iterator[Part]:
    known = b"|".join(re.escape(value) for value in sorted(fields, key=len, reverse=True))
    for piece in re.split(b"(" + known + b")", content):
        if piece in fields:
            yield {"field": fields[piece], "length": len(piece)}
        elif piece:
            yield {"text": piece.decode()} if piece.isascii() and b"\x00" not in piece else {"hex": piece.hex()}
