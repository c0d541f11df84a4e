"""A public web server as a sensor sees it, and what it writes: nginx's access log, the application's own.

Source: nginx 1.22, ``log_format combined``; RFC 9110, RFC 9112.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from csirtlab.evidence.dialogues import Closing, Turn
from csirtlab.evidence.http import http_date
from csirtlab.evidence.model import Host
from csirtlab.evidence.records import Record

ACCESS_LOG, APPLICATION_LOG = "access.log", "app.log"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_REASONS = {
    200: "OK", 201: "Created", 301: "Moved Permanently", 304: "Not Modified", 403: "Forbidden", 404: "Not Found",
    500: "Internal Server Error",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """One request to the site, and its answer."""

    method: str
    target: str  # path and query, percent-encoded
    status: int
    body: bytes  # of the answer
    think_ns: int
    pause_ns: int  # of the client, before it asks
    sent: bytes = b""  # body of the request
    sent_kind: str = ""  # its content type
    kind: str = "text/html; charset=UTF-8"
    remark: str = ""  # what the application writes into its log


@dataclass(frozen=True, slots=True)
class SiteVisit:
    """Requests of one client on one connection."""

    site: str  # its name
    server: Host
    address: str  # the client's
    agent: str
    hits: tuple[Hit, ...]
    closing: Closing
    keeps_records: ClassVar[bool] = True

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield each request and its answer, which the server writes down."""
        del rng  # everything was drawn when the visit was planned
        for hit in self.hits:
            yield Turn(True, self._request(hit), hit.pause_ns)

            def answer(at_ns: int, hit: Hit = hit) -> bytes:
                return self._answer(hit, at_ns)

            def writes(at_ns: int, port: int, hit: Hit = hit) -> Iterable[Record]:
                return self._lines(hit, at_ns, port)

            yield Turn(False, answer, hit.think_ns, writes)

    def _request(self, hit: Hit) -> bytes:
        content = f"Content-Type: {hit.sent_kind}\r\nContent-Length: {len(hit.sent)}\r\n" if hit.sent else ""
        return (
            f"{hit.method} {hit.target} HTTP/1.1\r\nHost: {self.site}\r\nUser-Agent: {self.agent}\r\n"
            f"Accept: */*\r\n{content}Connection: keep-alive\r\n\r\n"
        ).encode() + hit.sent

    def _answer(self, hit: Hit, at_ns: int) -> bytes:
        powered = "X-Powered-By: PHP/8.2.29\r\n" if ".php" in hit.target and hit.status in (200, 500) else ""
        return (
            f"HTTP/1.1 {hit.status} {_REASONS[hit.status]}\r\nServer: nginx/1.22.1\r\n"
            f"Date: {http_date(at_ns + self.server.clock_ns)}\r\nContent-Type: {hit.kind}\r\n"
            f"Content-Length: {len(hit.body)}\r\nConnection: keep-alive\r\n{powered}\r\n"
        ).encode() + hit.body

    def _lines(self, hit: Hit, at_ns: int, port: int) -> Iterator[Record]:
        when = _EPOCH + dt.timedelta(microseconds=(at_ns + self.server.clock_ns) // 1000)
        request = f"{hit.method} {hit.target} HTTP/1.1"
        written = f"{when:%d/%b/%Y:%H:%M:%S} +0000"
        line = f'{self.address} - - [{written}] "{request}" {hit.status} {len(hit.body)} "-" "{self.agent}"'
        yield Record(at_ns, ACCESS_LOG, line)
        if hit.remark:
            number = hashlib.sha256(f"{self.address}:{port}:{at_ns}".encode()).hexdigest()[:8]
            stamp = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            yield Record(at_ns, APPLICATION_LOG, f"{stamp} request={number} client={self.address} {hit.remark}")
