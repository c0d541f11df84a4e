"""How this hub is run: address, ports, certificate; written by ``up``, read by the configuration."""

import json
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from csirtlab.cohorts.folders import Home, write_private


@dataclass(frozen=True)
class RunSettings:
    """What ``csirtlab up`` was told, and the inner ports it chose."""

    bind: str = "127.0.0.1"
    port: int = 8000
    certificate: str | None = None  # PEM files; both or neither
    key: str | None = None
    is_unsafe: bool = False
    hub_port: int = 0
    proxy_port: int = 0
    workshop_port: int = 0

    @property
    def url(self) -> str:
        """Where people's browsers go."""
        scheme = "https" if self.certificate else "http"
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        return f"{scheme}://{host}:{self.port}"

    @property
    def public_url(self) -> str:
        """Where people's browsers go, by this machine's name where it listens on every network."""
        is_every_network = self.bind in ("0.0.0.0", "::")  # noqa: S104  # read, not bound
        return replace(self, bind=socket.getfqdn()).url if is_every_network else self.url

    @property
    def local_url(self) -> str:
        """The same, as this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104  # read, not bound
        return replace(self, bind=host).url

    @property
    def workshop_url(self) -> str:
        """Where the workshop's service listens, on loopback only."""
        return f"http://127.0.0.1:{self.workshop_port}"


def settings_path(home: Home) -> Path:
    """Return the file that holds them."""
    return home.hub / "run.json"


def read_settings(home: Home) -> RunSettings:
    """Return what the last ``up`` wrote; defaults before the first."""
    path = settings_path(home)
    return RunSettings(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else RunSettings()


def write_settings(home: Home, settings: RunSettings) -> None:
    """Keep the settings for the hub's configuration."""
    write_private(settings_path(home), json.dumps(asdict(settings), indent=1) + "\n")


def with_inner_ports(settings: RunSettings, before: RunSettings) -> RunSettings:
    """Return ``settings`` with three free inner ports, those of ``before`` where they still are.

    Servers that outlived a killed hub know its port: it has to stay the same.
    """
    chosen: dict[str, int] = {}
    for name in ("hub_port", "proxy_port", "workshop_port"):
        kept: int = getattr(before, name)
        chosen[name] = kept if kept and is_free("127.0.0.1", kept) else free_port()
    return replace(settings, **chosen)  # type: ignore[arg-type]  # the three are all ports


def is_free(bind: str, port: int) -> bool:
    """Return whether one could listen on this port."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
