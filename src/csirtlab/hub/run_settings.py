"""How this hub is run: address, certificate; written by ``up``, read by the configuration."""

import json
import socket
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from csirtlab.cohorts.folders import Home, write_private


@dataclass(frozen=True)
class RunSettings:
    """What ``csirtlab up`` was told."""

    bind: str = "127.0.0.1"
    port: int = 8000
    certificate: str | None = None  # PEM files; both or neither
    key: str | None = None
    is_unsafe: bool = False
    trusted: tuple[str, ...] = ()  # reverse proxies that stand before
    origin: str = ""  # of a wildcard name, under which each server has a host of its own

    @property
    def url(self) -> str:
        """Where people's browsers go."""
        scheme = "https" if self.certificate else "http"
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        return f"{scheme}://{host}:{self.port}"

    @property
    def public_url(self) -> str:
        """Where people's browsers go, by this machine's name where it listens on every network."""
        if self.origin:
            return self.origin
        is_every_network = self.bind in ("0.0.0.0", "::")  # noqa: S104  # read, not bound
        return replace(self, bind=socket.getfqdn()).url if is_every_network else self.url

    @property
    def local_url(self) -> str:
        """The same, as this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104  # read, not bound
        return replace(self, bind=host).url


def settings_path(home: Home) -> Path:
    """Return the file that holds them."""
    return home.hub / "run.json"


def read_settings(home: Home) -> RunSettings:
    """Return what the last ``up`` wrote, be it an older one; defaults before the first."""
    path = settings_path(home)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known = {name: kept[name] for name in (field.name for field in fields(RunSettings)) if name in kept}
    return RunSettings(**{**known, "trusted": tuple(known.get("trusted", ()))})


def write_settings(home: Home, settings: RunSettings) -> None:
    """Keep the settings for the hub's configuration."""
    write_private(settings_path(home), json.dumps(asdict(settings), indent=1) + "\n")


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
