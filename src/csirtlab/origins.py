"""Which host of a wildcard name is whose: an origin of its own for each server, where an operator has such a name."""

import hashlib
import re
from urllib.parse import urlsplit

from csirtlab.errors import SetupError

_PLAIN = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")


def label_of(owner: str) -> str:
    """Return the part of the host name that stands for an account; no two have the same.

    User names may hold dots and underscores, which a label may not (RFC 1123, 2.1), nor two hyphens in a row
    as every other label here has.
    """
    if _PLAIN.fullmatch(owner):
        return owner
    return f"u--{hashlib.sha256(owner.encode()).hexdigest()[:20]}"


def host_of(owner: str, origin: str) -> str:
    """Return the host, without port, of an account's server; ``origin`` is that of the hub's own pages."""
    return f"{label_of(owner)}.{urlsplit(origin).hostname}"


def origin_of(owner: str, origin: str) -> str:
    """Return the origin of an account's server."""
    parts = urlsplit(origin)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host_of(owner, origin)}{port}"


def check_origin(text: str) -> str:
    """Return ``text`` if it names scheme and host, and perhaps a port, and nothing more.

    Raises:
        SetupError: It does not.
    """
    text = text.rstrip("/").lower()
    host = urlsplit(text).hostname or ""
    if not _ORIGIN.fullmatch(text) or "." not in host or re.fullmatch(r"[0-9.]+", host):
        raise SetupError(
            f'--subdomains "{text}" is no address of a wildcard name. Give scheme and host, and the port unless it is '
            "the usual one: https://labs.example.org, where *.labs.example.org leads to this machine too"
        )
    return text


def subdomain(name: str, domain: str, kind: str) -> str:
    """Return the host of a user's or service's server: JupyterHub's ``subdomain_hook``."""
    return f"{label_of(name)}.{domain}" if kind == "user" else f"{label_of(name)}--{kind}.{domain}"
