"""A public web server as a sensor sees it, and what it writes: nginx's access log, the application's own.

Browsers ask as Chromium was recorded to; robots and scanners with the few lines that their libraries send.
Source: nginx 1.22, ``log_format combined``; RFC 9110, RFC 9112.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from csirtlab.evidence.applications.site_files import SiteFile
from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Record, Turn
from csirtlab.evidence.protocols.http import file_head, http_date, language_of, request_lines

ACCESS_LOG, APPLICATION_LOG = "access.log", "app.log"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SOFTWARE = "nginx/1.22.1"
_NOT_MODIFIED = 304
_REASONS = {
    200: "OK", 201: "Created", 301: "Moved Permanently", 304: "Not Modified", 403: "Forbidden", 404: "Not Found",
    500: "Internal Server Error",
}  # fmt: skip

_FEW = {
    "gobuster/": ("Host: {host}", "User-Agent: {agent}", "Accept-Encoding: gzip"),  # Go
    "Fuzz Faster U Fool": ("Host: {host}", "User-Agent: {agent}", "Accept-Encoding: gzip"),  # Go
    "feroxbuster/": ("accept: */*", "user-agent: {agent}", "host: {host}"),  # Rust's reqwest
    "Wfuzz/": ("Host: {host}", "Accept: */*", "Content-Type: application/x-www-form-urlencoded", "User-Agent: {agent}"),
    "(Nikto/": ("User-Agent: {agent}", "Host: {host}", "Connection: Keep-Alive"),  # Perl
    "DirBuster": ("User-Agent: {agent}", "Host: {host}"),  # Java
    "": (
        "Host: {host}",
        "User-Agent: {agent}",
        "Accept: */*",
        "Accept-Encoding: gzip, deflate",
        "Connection: keep-alive",
    ),
}
"""The lines of each program that is no browser, by what its name holds."""


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
    referrer: str = ""  # path and query of the page from which a browser asks
    part: str = "page"  # what a browser wants it for: "page", "part" (a style) or "picture"
    file: SiteFile | None = None  # what lies on the server's disk; the client has it if the status is 304


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

    @property
    def _is_browser(self) -> bool:
        return " Chrome/" in self.agent

    def _request(self, hit: Hit) -> bytes:
        lines = self._browser_lines(hit) if self._is_browser else self._few_lines(hit)
        return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + hit.sent

    def _few_lines(self, hit: Hit) -> list[str]:
        lines = next(lines for name, lines in _FEW.items() if name in self.agent)
        worded = (line.format(host=self.site, agent=self.agent) for line in lines)
        return [f"{hit.method} {hit.target} HTTP/1.1", *worded]

    def _browser_lines(self, hit: Hit) -> list[str]:
        language = language_of(self.address)
        lines = request_lines(hit.part, self.agent, hit.target, self.site, hit.referrer, language)
        if hit.referrer and hit.part == "page":
            accepts = next(number for number, line in enumerate(lines) if line.startswith("Accept: "))
            lines.insert(accepts + 1, f"Referer: {self._referrer(hit)}")
        if hit.sent:
            lines[0] = f"{hit.method} {hit.target} HTTP/1.1"
            place = next(number for number, line in enumerate(lines) if line.startswith("User-Agent: "))
            lines[place:place] = [f"Origin: http://{self.site}", f"Content-Type: {hit.sent_kind}"]
            place = next(number for number, line in enumerate(lines) if line.startswith("Connection: "))
            lines[place + 1 : place + 1] = [f"Content-Length: {len(hit.sent)}", "Cache-Control: max-age=0"]
        if hit.file and hit.status == _NOT_MODIFIED:
            lines += [f"If-None-Match: {hit.file.tag}", f"If-Modified-Since: {hit.file.modified}"]
        return lines

    def _referrer(self, hit: Hit) -> str:
        return f"http://{self.site}{hit.referrer}" if hit.referrer and self._is_browser else ""

    def _answer(self, hit: Hit, at_ns: int) -> bytes:
        date = http_date(at_ns + self.server.clock_ns)
        if hit.file:
            values = {
                "server": _SOFTWARE, "date": date, "kind": hit.file.kind, "length": str(len(hit.file.body)),
                "modified": hit.file.modified, "tag": hit.file.tag,
            }  # fmt: skip
            return _not_modified(values) if hit.status == _NOT_MODIFIED else file_head("nginx", values) + hit.file.body
        powered = "X-Powered-By: PHP/8.2.29\r\n" if ".php" in hit.target and hit.status in (200, 500) else ""
        return (
            f"HTTP/1.1 {hit.status} {_REASONS[hit.status]}\r\nServer: {_SOFTWARE}\r\n"
            f"Date: {date}\r\nContent-Type: {hit.kind}\r\n"
            f"Content-Length: {len(hit.body)}\r\nConnection: keep-alive\r\n{powered}\r\n"
        ).encode() + hit.body

    def _lines(self, hit: Hit, at_ns: int, port: int) -> Iterator[Record]:
        when = _EPOCH + dt.timedelta(microseconds=(at_ns + self.server.clock_ns) // 1000)
        request = f"{hit.method} {hit.target} HTTP/1.1"
        referrer = self._referrer(hit) or "-"
        written = f"{when:%d/%b/%Y:%H:%M:%S} +0000"
        line = f'{self.address} - - [{written}] "{request}" {hit.status} {len(hit.body)} "{referrer}" "{self.agent}"'
        yield Record(at_ns, ACCESS_LOG, line)
        if hit.remark:
            number = hashlib.sha256(f"{self.address}:{port}:{at_ns}".encode()).hexdigest()[:8]
            stamp = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            yield Record(at_ns, APPLICATION_LOG, f"{stamp} request={number} client={self.address} {hit.remark}")


def _not_modified(values: Mapping[str, str]) -> bytes:
    """Return the head with which nginx answers who has the file: without its kind and length."""
    return "".join(
        f"{line}\r\n"
        for line in (
            "HTTP/1.1 304 Not Modified", f"Server: {values['server']}", f"Date: {values['date']}",
            f"Last-Modified: {values['modified']}", "Connection: keep-alive", f"ETag: {values['tag']}", "",
        )
    ).encode()  # fmt: skip


def refusal_page(status: int) -> bytes:
    """Return the page of nginx itself for ``status``."""
    title = f"{status} {_REASONS[status]}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        f"<hr><center>{_SOFTWARE}</center>\r\n</body>\r\n</html>\r\n"
    ).encode()
