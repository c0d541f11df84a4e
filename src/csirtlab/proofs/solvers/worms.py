"""A worm among devices, found by what is typed over telnet and by what the devices then fetch."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.sensor import Sight, at_ns, instant, is_syn

_TELNET = ("23", "2323")
_ORDER = re.compile(rb"wget -q http://(?P<loader>[\d.]+)/(?P<file>\S+)\r")
_ESCAPE = b"\xff"  # interpret as command (RFC 854)


class _Session(NamedTuple):
    client: str
    device: str
    lines: list[bytes]  # typed by the client


class _Order(NamedTuple):
    session: _Session
    loader: str
    path: str
    fetched_ns: int  # when the device asked for it


def _sessions(sight: Sight) -> list[_Session]:
    return sight.once("telnet sessions", lambda: _listen(sight))


def _listen(sight: Sight) -> list[_Session]:
    """Return all telnet sessions in which something is typed, in the order of their first lines."""
    sessions: dict[str, _Session] = {}
    for frame in (frame for frame in sight.machine_talk if frame["tcp.dstport"] in _TELNET):
        typed = bytes.fromhex(frame["tcp.payload"].replace(":", ""))
        if not typed.startswith(_ESCAPE):
            session = sessions.setdefault(frame["tcp.stream"], _Session(frame["ip.src"], frame["ip.dst"], []))
            session.lines.append(typed)
    return list(sessions.values())


def _orders(sight: Sight) -> list[_Order]:
    """Return the orders to fetch a file that were followed, in the order in which they were."""
    return sight.once("orders to fetch", lambda: _followed(sight))


def _followed(sight: Sight) -> list[_Order]:
    fetched: dict[tuple[str, str, str], int] = {}
    for frame in (frame for frame in sight.machine_talk if frame["http.request.uri"]):
        fetched.setdefault((frame["ip.src"], frame["ip.dst"], frame["http.request.uri"]), at_ns(frame))
    given = []
    for session in _sessions(sight):
        for found in filter(None, map(_ORDER.match, session.lines)):
            loader, path = found["loader"].decode(), f"/{found['file'].decode()}"
            if at := fetched.get((session.device, loader, path)):
                given.append(_Order(session, loader, path, at))
    return sorted(given, key=lambda order: order.fetched_ns)


def _typed_pair(session: _Session) -> str:
    account, password = (line.strip().decode() for line in session.lines[:2])
    return f"{account}:{password}"


def _only(values: set[str]) -> str:
    (value,) = values
    return value


def _first_knock(sight: Sight, field: str) -> str:
    return next(frame[field] for frame in sight.frames if is_syn(frame) and frame["tcp.dstport"] in _TELNET)


def _first_download(sight: Sight) -> str:
    cameras = {row["address"] for row in sight.assets if row["role"] == "camera"}
    inside = {row["address"] for row in sight.assets}
    return next(
        frame["ip.dst"]
        for frame in sight.frames
        if is_syn(frame) and frame["ip.src"] in cameras and frame["ip.dst"] not in inside
    )


def infected(sight: Sight) -> frozenset[str]:
    """Return the devices that fetched what they were told to."""
    return frozenset(order.session.device for order in _orders(sight))


SOLVERS: Mapping[str, Callable[[Sight], FactValue]] = {
    "worm.devices": infected,
    "worm.pair": lambda sight: _only({_typed_pair(order.session) for order in _orders(sight)}),
    "worm.loader": lambda sight: _only({order.loader for order in _orders(sight)}),
    "worm.first_device": lambda sight: _orders(sight)[0].session.device,
    "worm.first_fetch": lambda sight: instant(_orders(sight)[0].fetched_ns),
    "worm.source": lambda sight: _orders(sight)[0].session.client,
}

GUESSES: Mapping[str, Callable[[Sight], FactValue]] = {
    "first-login.pair": lambda sight: _typed_pair(_sessions(sight)[0]),
    "first-telnet.server": lambda sight: _first_knock(sight, "ip.dst"),
    "first-telnet.client": lambda sight: _first_knock(sight, "ip.src"),
    "first-download.server": _first_download,
}
