"""Kept mail as Python's email package, which shares no code with the generator, reads them."""

import datetime as dt
import email
import re
from dataclasses import dataclass
from email.policy import default
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path

_HOP = re.compile(
    r"from \S+ \((?P<client>\S+) \[(?P<address>[\d.]+)\]\)\s+by (?P<server>\S+) \(Postfix\) with \S+ id \w+"
    r"(?:\s+for <(?P<to>[^>]+)>)?;\s+(?P<date>\S.*)"
)
_LINK = re.compile(r"https?://[^\s\"<>]+")


@dataclass(frozen=True)
class Hop:
    """A ``Received`` line."""

    client: str  # the name that the address had in DNS
    address: str
    server: str
    to: str  # empty where it names no recipient
    date: dt.datetime


@dataclass(frozen=True)
class KeptMessage:
    """A message as the server keeps it."""

    hops: tuple[Hop, ...]  # newest first
    sender: str  # in ``From``
    fails_dmarc: bool
    links: frozenset[str]

    @property
    def linked(self) -> int:
        """Return how many hops, from the newest down, follow from each other."""
        count = 1
        while count < len(self.hops) and self.hops[count].server == self.hops[count - 1].client:
            count += 1
        return count

    @property
    def is_broken(self) -> bool:
        """Say whether a line below claims what the one above it contradicts."""
        return self.linked < len(self.hops)


def read_message(path: Path) -> KeptMessage:
    """Return what a kept message says."""
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    body = message.get_body(("plain",))
    received = [_HOP.search(str(value)) for value in message.get_all("Received", [])]
    return KeptMessage(
        hops=tuple(
            Hop(hop["client"], hop["address"], hop["server"], hop["to"] or "", parsedate_to_datetime(hop["date"]))
            for hop in received
            if hop
        ),
        sender=parseaddr(str(message["From"]))[1],
        fails_dmarc="dmarc=fail" in str(message.get("Authentication-Results", "")),
        links=frozenset(_LINK.findall(body.get_content())) if body else frozenset(),
    )
