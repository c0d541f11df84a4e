"""A lure, found in kept messages, in the proxy's log and in the capture."""

import datetime as dt
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.messages import KeptMessage
from csirtlab.proofs.tshark import instant, see

_LINE = re.compile(
    r"(?P<seconds>\d+)\.(?P<ms>\d{3}) +(?P<took>\d+) (?P<client>\S+) (?P<result>\w+)/(?P<status>\d+) \d+ "
    r"(?P<method>\w+) (?P<url>\S+) - \S+ (?P<kind>\S+)"
)


class _Line(NamedTuple):
    asked_ms: int
    client: str
    result: str
    status: str
    method: str
    url: str
    kind: str


def _lures(view: CaptureView) -> list[KeptMessage]:
    return [message for message in view.messages if message.is_broken]


def _sender(view: CaptureView) -> str:
    (address,) = {message.hops[message.linked - 1].address for message in _lures(view)}
    return address


def _log(view: CaptureView) -> list[_Line]:
    lines = []
    for entry in map(_LINE.fullmatch, view.lines("proxy.log")):
        if entry:
            asked = int(entry["seconds"]) * 1000 + int(entry["ms"]) - int(entry["took"])
            lines.append(
                _Line(
                    asked,
                    entry["client"],
                    entry["result"],
                    entry["status"],
                    entry["method"],
                    entry["url"],
                    entry["kind"],
                )
            )
    return lines


def _addressee(view: CaptureView) -> dict[str, str]:
    """Return by link who got it."""
    return {link: message.hops[0].to for message in _lures(view) for link in message.links}


def _clicks(view: CaptureView) -> list[_Line]:
    (checker,) = [row["address"] for row in view.assets if "link checker" in row["role"]]
    links = _addressee(view)
    return [line for line in _log(view) if line.url in links and line.client != checker]


def _fetches(view: CaptureView) -> list[_Line]:
    """Return who got something from the lure's site that was no link."""
    clicks = _clicks(view)
    sites = {urlsplit(line.url).hostname for line in clicks}
    hosts = {line.client for line in clicks}
    links = _addressee(view)
    return [
        line
        for line in _log(view)
        if urlsplit(line.url).hostname in sites
        and line.url not in links
        and line.client in hosts
        and line.status == "200"
    ]


def _url(view: CaptureView) -> str:
    (url,) = {line.url for line in _fetches(view)}
    return url


def _file_hash(view: CaptureView) -> str:
    name = urlsplit(_url(view)).path.rsplit("/", 1)[1]
    with tempfile.TemporaryDirectory(prefix="csirtlab-objects-") as folder:
        command = ["tshark", "-n", "-q", "-r", str(view.folder / "capture.pcap"), "--export-objects", f"http,{folder}"]
        subprocess.run(command, check=True, capture_output=True)
        stem = name.removesuffix(".zip")
        (digest,) = {hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).glob(f"*{stem}*")}
    return digest


def _refused(view: CaptureView) -> str:
    relay = {message.hops[0].address for message in _lures(view)}
    fields = ("ip.dst", "smtp.response")
    refusals = see(view.folder / "capture.pcap", fields, "smtp.response.code == 550")
    (address,) = {
        recipient[1]
        for frame in refusals
        if frame["ip.dst"] in relay
        for recipient in re.finditer(r"<([^>]+)>", frame["smtp.response"])
    }
    return address


def _list_domain(view: CaptureView) -> str:
    (domain,) = {
        message.sender.rsplit("@", 1)[1] for message in view.messages if message.fails_dmarc and not message.is_broken
    }
    return domain


def _failed(view: CaptureView) -> list[KeptMessage]:
    return [message for message in view.messages if message.fails_dmarc]


def _zips(view: CaptureView) -> list[_Line]:
    return [line for line in _log(view) if line.kind == "application/zip" and line.method == "GET"]


def _moment(asked_ms: int) -> dt.datetime:
    return instant(asked_ms * 1_000_000)


SOLVERS: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "lure.recipients": lambda view: frozenset(message.hops[0].to for message in _lures(view)),
    "lure.sender": _sender,
    "lure.first_delivery": lambda view: min(message.hops[0].date for message in _lures(view)),
    "lure.first_click": lambda view: _moment(min(line.asked_ms for line in _clicks(view))),
    "lure.clicked": lambda view: frozenset(_addressee(view)[line.url] for line in _clicks(view)),
    "lure.url": _url,
    "lure.downloaders": lambda view: frozenset(line.client for line in _fetches(view)),
    "lure.file_hash": _file_hash,
    "lure.refused": _refused,
    "list-post.domain": _list_domain,
}


def _site(view: CaptureView) -> str | None:
    return urlsplit(min(_addressee(view))).hostname


GUESSES: Mapping[str, Callable[[CaptureView], FactValue]] = {
    "oldest-received.address": lambda view: _failed(view)[0].hops[-1].address,
    "newest-received.address": lambda view: _lures(view)[0].hops[0].address,
    "dmarc-failed.recipients": lambda view: frozenset(message.hops[0].to for message in _failed(view)),
    "asked-links.recipients": lambda view: frozenset(
        to for link, to in _addressee(view).items() if link in {line.url for line in _log(view)}
    ),
    "first-asked-link.time": lambda view: _moment(
        min(line.asked_ms for line in _log(view) if line.url in _addressee(view))
    ),
    "first-zip.url": lambda view: _zips(view)[0].url,
    "zip.hosts": lambda view: frozenset(line.client for line in _zips(view)),
    "lure-site.hosts": lambda view: frozenset(
        line.client for line in _log(view) if urlsplit(line.url).hostname == _site(view)
    ),
}
