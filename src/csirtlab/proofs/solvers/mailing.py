"""A lure, found in kept letters, in the proxy's log and in the capture."""

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
from csirtlab.proofs.letters import Kept
from csirtlab.proofs.sensor import Sight, instant, see

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


def _lures(sight: Sight) -> list[Kept]:
    return [letter for letter in sight.letters if letter.is_broken]


def _sender(sight: Sight) -> str:
    (address,) = {letter.hops[letter.linked - 1].address for letter in _lures(sight)}
    return address


def _log(sight: Sight) -> list[_Line]:
    lines = []
    for found in map(_LINE.fullmatch, sight.lines("proxy.log")):
        if found:
            asked = int(found["seconds"]) * 1000 + int(found["ms"]) - int(found["took"])
            lines.append(
                _Line(
                    asked,
                    found["client"],
                    found["result"],
                    found["status"],
                    found["method"],
                    found["url"],
                    found["kind"],
                )
            )
    return lines


def _addressee(sight: Sight) -> dict[str, str]:
    """Return by link who got it."""
    return {link: letter.hops[0].to for letter in _lures(sight) for link in letter.links}


def _clicks(sight: Sight) -> list[_Line]:
    (checker,) = [row["address"] for row in sight.assets if "link checker" in row["role"]]
    links = _addressee(sight)
    return [line for line in _log(sight) if line.url in links and line.client != checker]


def _fetches(sight: Sight) -> list[_Line]:
    """Return who got something from the lure's site that was no link."""
    clicks = _clicks(sight)
    sites = {urlsplit(line.url).hostname for line in clicks}
    hosts = {line.client for line in clicks}
    links = _addressee(sight)
    return [
        line
        for line in _log(sight)
        if urlsplit(line.url).hostname in sites
        and line.url not in links
        and line.client in hosts
        and line.status == "200"
    ]


def _url(sight: Sight) -> str:
    (url,) = {line.url for line in _fetches(sight)}
    return url


def _file_hash(sight: Sight) -> str:
    name = urlsplit(_url(sight)).path.rsplit("/", 1)[1]
    with tempfile.TemporaryDirectory(prefix="csirtlab-objects-") as folder:
        command = ["tshark", "-n", "-q", "-r", str(sight.folder / "capture.pcap"), "--export-objects", f"http,{folder}"]
        subprocess.run(command, check=True, capture_output=True)
        stem = name.removesuffix(".zip")
        (digest,) = {hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).glob(f"*{stem}*")}
    return digest


def _refused(sight: Sight) -> str:
    relay = {letter.hops[0].address for letter in _lures(sight)}
    fields = ("ip.dst", "smtp.response")
    refusals = see(sight.folder / "capture.pcap", fields, "smtp.response.code == 550")
    (address,) = {
        found[1]
        for frame in refusals
        if frame["ip.dst"] in relay
        for found in re.finditer(r"<([^>]+)>", frame["smtp.response"])
    }
    return address


def _list_domain(sight: Sight) -> str:
    (domain,) = {
        letter.sender.rsplit("@", 1)[1] for letter in sight.letters if letter.fails_dmarc and not letter.is_broken
    }
    return domain


def _failed(sight: Sight) -> list[Kept]:
    return [letter for letter in sight.letters if letter.fails_dmarc]


def _zips(sight: Sight) -> list[_Line]:
    return [line for line in _log(sight) if line.kind == "application/zip" and line.method == "GET"]


def _moment(asked_ms: int) -> dt.datetime:
    return instant(asked_ms * 1_000_000)


SOLVERS: Mapping[str, Callable[[Sight], FactValue]] = {
    "lure.recipients": lambda sight: frozenset(letter.hops[0].to for letter in _lures(sight)),
    "lure.sender": _sender,
    "lure.first_delivery": lambda sight: min(letter.hops[0].date for letter in _lures(sight)),
    "lure.first_click": lambda sight: _moment(min(line.asked_ms for line in _clicks(sight))),
    "lure.clicked": lambda sight: frozenset(_addressee(sight)[line.url] for line in _clicks(sight)),
    "lure.url": _url,
    "lure.downloaders": lambda sight: frozenset(line.client for line in _fetches(sight)),
    "lure.file_hash": _file_hash,
    "lure.refused": _refused,
    "list-post.domain": _list_domain,
}


def _site(sight: Sight) -> str | None:
    return urlsplit(min(_addressee(sight))).hostname


GUESSES: Mapping[str, Callable[[Sight], FactValue]] = {
    "oldest-received.address": lambda sight: _failed(sight)[0].hops[-1].address,
    "newest-received.address": lambda sight: _lures(sight)[0].hops[0].address,
    "dmarc-failed.recipients": lambda sight: frozenset(letter.hops[0].to for letter in _failed(sight)),
    "asked-links.recipients": lambda sight: frozenset(
        to for link, to in _addressee(sight).items() if link in {line.url for line in _log(sight)}
    ),
    "first-asked-link.time": lambda sight: _moment(
        min(line.asked_ms for line in _log(sight) if line.url in _addressee(sight))
    ),
    "first-zip.url": lambda sight: _zips(sight)[0].url,
    "zip.hosts": lambda sight: frozenset(line.client for line in _zips(sight)),
    "lure-site.hosts": lambda sight: frozenset(
        line.client for line in _log(sight) if urlsplit(line.url).hostname == _site(sight)
    ),
}
