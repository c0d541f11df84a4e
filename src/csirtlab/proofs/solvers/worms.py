"""A worm among devices, found by what is typed over telnet and by what the devices then fetch."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.tshark import at_ns, instant, is_syn

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


def _sessions(view: CaptureView) -> list[_Session]:
    return view.once("telnet sessions", lambda: _listen(view))


def _listen(view: CaptureView) -> list[_Session]:
    """Return all telnet sessions in which something is typed, in the order of their first lines."""
    sessions: dict[str, _Session] = {}
    for frame in (frame for frame in view.machine_frames if frame["tcp.dstport"] in _TELNET):
        typed = bytes.fromhex(frame["tcp.payload"].replace(":", ""))
        if not typed.startswith(_ESCAPE):
            session = sessions.setdefault(frame["tcp.stream"], _Session(frame["ip.src"], frame["ip.dst"], []))
            session.lines.append(typed)
    return list(sessions.values())


def _orders(view: CaptureView) -> list[_Order]:
    """Return the orders to fetch a file that were followed, in the order in which they were."""
    return view.once("orders to fetch", lambda: _followed(view))


def _followed(view: CaptureView) -> list[_Order]:
    fetched: dict[tuple[str, str, str], int] = {}
    for frame in (frame for frame in view.machine_frames if frame["http.request.uri"]):
        fetched.setdefault((frame["ip.src"], frame["ip.dst"], frame["http.request.uri"]), at_ns(frame))
    given = []
    for session in _sessions(view):
        for typed in filter(None, map(_ORDER.match, session.lines)):
            loader, path = typed["loader"].decode(), f"/{typed['file'].decode()}"
            if at := fetched.get((session.device, loader, path)):
                given.append(_Order(session, loader, path, at))
    return sorted(given, key=lambda order: order.fetched_ns)


def _typed_pair(session: _Session) -> str:
    account, password = (line.strip().decode() for line in session.lines[:2])
    return f"{account}:{password}"


def _only(values: set[str]) -> str:
    (value,) = values
    return value


def _first_knock(view: CaptureView, field: str) -> str:
    return next(frame[field] for frame in view.frames if is_syn(frame) and frame["tcp.dstport"] in _TELNET)


def _first_download(view: CaptureView) -> str:
    cameras = {row["address"] for row in view.assets if row["role"] == "camera"}
    inside = {row["address"] for row in view.assets}
    return next(
        frame["ip.dst"]
        for frame in view.frames
        if is_syn(frame) and frame["ip.src"] in cameras and frame["ip.dst"] not in inside
    )


def infected(view: CaptureView) -> frozenset[str]:
    """Return the devices that fetched what they were told to."""
    return frozenset(order.session.device for order in _orders(view))


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "worm.devices": infected,
    "worm.pair": lambda view: _only({_typed_pair(order.session) for order in _orders(view)}),
    "worm.loader": lambda view: _only({order.loader for order in _orders(view)}),
    "worm.first_device": lambda view: _orders(view)[0].session.device,
    "worm.first_fetch": lambda view: instant(_orders(view)[0].fetched_ns),
    "worm.source": lambda view: _orders(view)[0].session.client,
}

GUESSES: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "first-login.pair": lambda view: _typed_pair(_sessions(view)[0]),
    "first-telnet.server": lambda view: _first_knock(view, "ip.dst"),
    "first-telnet.client": lambda view: _first_knock(view, "ip.src"),
    "first-download.server": _first_download,
}
