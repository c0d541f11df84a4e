"""Where the hub, its services and everybody's servers listen: sockets in a folder, none of them on the network."""

import hashlib
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from csirtlab.errors import SetupError

LONGEST_PATH_B = 107  # sockaddr_un.sun_path is 108 bytes, with the closing zero (unix(7))
LONGEST_NAME = len("servers/") + 32 + len(".sock")


@dataclass(frozen=True)
class Sockets:
    """The sockets of one home.

    ``root`` is short and in small letters: a socket's path is bounded, and JupyterHub keeps it as a host name.
    """

    root: Path

    @property
    def hub(self) -> Path:
        """JupyterHub."""
        return self.root / "gate" / "hub.sock"

    @property
    def workshop(self) -> Path:
        """The workshop's pages and the exchange."""
        return self.root / "gate" / "workshop.sock"

    @property
    def gate(self) -> Path:
        """The gate: whether a request may pass, and new sessions from the workshop's service."""
        return self.root / "gate" / "gate.sock"

    @property
    def relay(self) -> Path:
        """Where requests go that become sockets themselves (WebSocket)."""
        return self.root / "gate" / "relay.sock"

    def server(self, username: str) -> Path:
        """The single-user server of an account."""
        return self.root / "gate" / "servers" / f"{username}.sock"

    @property
    def inner_folder(self) -> Path:
        """What servers see: a folder, since the socket in it is another one after a restart."""
        return self.root / "inner"

    @property
    def inner(self) -> Path:
        """The way from a server to the hub and to the exchange, and to nothing else."""
        return self.inner_folder / "hub.sock"

    def ensure(self, gate_uid: int) -> None:
        """Make the folders; as root, what is for the gate alone can be entered by the group ``gate_uid`` too."""
        is_root = os.geteuid() == 0
        self.root.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        for folder, mode in (
            (self.root, 0o711),
            (self.root / "gate", 0o2770 if is_root else 0o700),
            (self.root / "gate" / "servers", 0o2750 if is_root else 0o700),
            (self.inner_folder, 0o755),
        ):
            folder.mkdir(exist_ok=True)
            if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), gate_uid if is_root else -1):
                raise SetupError(f"{folder} is somebody else's. Remove it, then start again.")
            if is_root:
                is_inner = folder == self.inner_folder
                os.chown(folder, gate_uid if is_inner else 0, 0 if folder == self.root else gate_uid)
            folder.chmod(mode)


def sockets_of(home: Path) -> Sockets:
    """Return the sockets of a home; the same each time, since servers outlive the hub that started them.

    Raises:
        SetupError: The folder's path is too long for a socket.
    """
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    root = _runtime_folder() / name
    if len(os.fsencode(root / "gate")) + 1 + LONGEST_NAME > LONGEST_PATH_B:
        raise SetupError(f"{root} is too long a path for sockets. Set XDG_RUNTIME_DIR to a shorter one.")
    return Sockets(root)


def _runtime_folder() -> Path:
    if os.geteuid() == 0:
        return Path("/run/csirtlab")
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and given == given.lower() and Path(given).is_dir():
        return Path(given) / "csirtlab"
    own = Path(f"/tmp/csirtlab-{os.geteuid()}")  # noqa: S108  # looked at below
    own.mkdir(mode=0o700, exist_ok=True)
    found = own.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SetupError(f"{own} is somebody else's, or open to others. Remove it, or set XDG_RUNTIME_DIR.")
    return own


def listen(path: Path) -> socket.socket:
    """Return a socket that listens at ``path``, in the place of one that a killed process left there.

    The folder says who may connect, not the socket.
    """
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(0o666)
    listening.listen(512)
    listening.setblocking(False)
    return listening


def unix_url(path: Path) -> str:
    """Return a socket's address as JupyterHub writes it: ``http+unix://%2Frun%2F...``."""
    return f"http+unix://{quote(str(path), safe='')}"


def path_of(url: str) -> Path | None:
    """Return the socket of such an address; None for one of another kind."""
    parts = urlsplit(url)
    return Path(unquote(parts.netloc)) if parts.scheme == "http+unix" else None


def httpx_address(url: str) -> tuple[str, str | None]:
    """Return an address for httpx, and the path of the socket to reach it by, None where it is TCP."""
    path = path_of(url)
    return (f"http://localhost{urlsplit(url).path}", str(path)) if path else (url, None)
