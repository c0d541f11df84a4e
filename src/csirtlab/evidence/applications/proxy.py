"""Reading the web by way of a proxy: what passes between a host and Squid, and what Squid writes down.

Source: Squid 5.7 of Debian 12 as it answers and logs (``logformat squid``, without queries); RFC 9110, 9.3.6 (CONNECT).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from random import Random
from typing import ClassVar
from urllib.parse import urlsplit

from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Record, Turn
from csirtlab.evidence.protocols.http import language_of, request_head
from csirtlab.evidence.protocols.tls import TlsSession
from csirtlab.evidence.sampling import SECOND

SQUID = 3128
LOG = "proxy.log"
_MILLISECOND = 1_000_000
_REASONS = {200: "OK", 302: "Found", 304: "Not Modified", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a site, and its answer."""

    method: str
    url: str
    status: int
    body: bytes
    kind: str  # content type; empty: none is said
    think_ns: int  # of the proxy, who has to ask the site
    pause_ns: int  # of the client, before it asks
    location: str = ""  # where the site sends the client on
    is_denied: bool = False  # the proxy does not allow it


@dataclass(frozen=True, slots=True)
class ProxiedVisits:
    """Requests of one client to one site on one connection to the proxy."""

    proxy: Host
    address: str  # the client's
    agent: str
    software: str  # of the site
    site: str  # address of the site
    visits: tuple[Visit, ...]
    closing: Closing
    keeps_records: ClassVar[bool] = True

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield each request and its answer, which the proxy writes down when it is delivered."""
        del rng  # everything was drawn when the visits were planned
        page = ""
        for visit in self.visits:
            times: list[int] = []  # when the proxy was asked
            size: list[int] = []

            def asks(at_ns: int, visit: Visit = visit, times: list[int] = times, page: str = page) -> bytes:
                times.append(at_ns)
                return self._request(visit, page)

            def answers(at_ns: int, visit: Visit = visit, size: list[int] = size) -> bytes:
                content = self._refusal(visit, at_ns) if visit.is_denied else self._answer(visit, at_ns)
                size.append(len(content))
                return content

            def writes(
                at_ns: int, _: int, visit: Visit = visit, times: list[int] = times, size: list[int] = size
            ) -> Iterator[Record]:
                result = "TCP_DENIED/403" if visit.is_denied else f"TCP_MISS/{visit.status}"
                hierarchy = "HIER_NONE/-" if visit.is_denied else f"HIER_DIRECT/{self.site}"
                kind = visit.kind.split(";", maxsplit=1)[0] or "-"
                what = f"{result} {size[-1]} {visit.method} {_without_query(visit.url)} - {hierarchy} {kind}"
                yield line(self.proxy, self.address, times[-1], at_ns, what)

            yield Turn(True, asks, visit.pause_ns)
            yield Turn(False, answers, visit.think_ns, writes)
            page = urlsplit(visit.url).path if "html" in visit.kind else page

    def _request(self, visit: Visit, page: str) -> bytes:
        if visit.method == "CONNECT":
            return _tunnel_request(visit.url, self.agent)
        host = visit.url.split("/")[2]
        if visit.method == "HEAD":
            lines = (f"HEAD {visit.url} HTTP/1.1", f"Host: {host}", f"User-Agent: {self.agent}", "Accept: */*")
            return "\r\n".join((*lines, "Proxy-Connection: keep-alive", "\r\n")).encode()
        is_part = bool(page) and visit.kind.startswith("image/")
        head = request_head(
            "picture" if is_part else "page", self.agent, visit.url, host, page, language_of(self.address)
        )
        # A program that knows of a proxy says this to it.
        return head.replace(b"\r\nConnection:", b"\r\nProxy-Connection:")

    def _answer(self, visit: Visit, at_ns: int) -> bytes:
        kind = f"Content-Type: {visit.kind}\r\n" if visit.kind else ""
        location = f"Location: {visit.location}\r\n" if visit.location else ""
        return (
            f"HTTP/1.1 {visit.status} {_REASONS[visit.status]}\r\nServer: {self.software}\r\n"
            f"Date: {_date(at_ns)}\r\n{kind}{location}Content-Length: {len(visit.body)}\r\n{self._trace('MISS')}\r\n"
        ).encode() + (b"" if visit.method == "HEAD" else visit.body)

    def _refusal(self, visit: Visit, at_ns: int) -> bytes:
        # Squid does not know what is asked for within a tunnel, and says so.
        url = f"https://{visit.url.rpartition(':')[0]}/*" if visit.method == "CONNECT" else visit.url
        page = _refusal_page(url, self.proxy.name.lower(), at_ns)
        return (
            f"HTTP/1.1 403 Forbidden\r\nServer: squid/5.7\r\nMime-Version: 1.0\r\nDate: {_date(at_ns)}\r\n"
            f"Content-Type: text/html;charset=utf-8\r\nContent-Length: {len(page)}\r\n"
            f"X-Squid-Error: ERR_ACCESS_DENIED 0\r\nVary: Accept-Language\r\nContent-Language: en\r\n"
            f"{self._trace('NONE')}\r\n"
        ).encode() + page

    def _trace(self, looked: str) -> str:
        name = self.proxy.name.lower()
        return (
            f"X-Cache: MISS from {name}\r\nX-Cache-Lookup: {looked} from {name}:{SQUID}\r\n"
            f"Via: 1.1 {name} (squid/5.7)\r\nConnection: keep-alive\r\n"
        )


@dataclass(frozen=True, slots=True)
class ProxiedSession:
    """A TLS session that the proxy passes on without looking into it."""

    proxy: Host
    address: str  # the client's
    agent: str
    site: str  # address of the site
    way_ns: int  # there and back between the proxy and the site
    session: TlsSession
    keeps_records: ClassVar[bool] = True

    @property
    def closing(self) -> Closing:
        """How the session ends."""
        return self.session.closing

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield the request for a tunnel, what passes through it, and the line that Squid writes at its end."""
        name = f"{self.session.server_name}:443"
        began: list[int] = []

        def asks(at_ns: int) -> bytes:
            began.append(at_ns)
            return _tunnel_request(name, self.agent)

        established = b"HTTP/1.1 200 Connection established\r\n\r\n"
        yield Turn(True, asks, 0)
        yield Turn(False, established, self.way_ns)
        inner = list(self.session.turns(rng))
        size = len(established) + sum(
            len(turn.payload) for turn in inner if not turn.by_client and isinstance(turn.payload, bytes)
        )

        def writes(at_ns: int, _: int) -> Iterator[Record]:
            end = at_ns + self.closing.linger_ns
            what = f"TCP_TUNNEL/200 {size} CONNECT {name} - HIER_DIRECT/{self.site} -"
            yield line(self.proxy, self.address, began[-1], end, what)

        for number, turn in enumerate(inner):
            is_last = number == len(inner) - 1
            wait = turn.think_ns + (0 if turn.by_client else self.way_ns)
            yield Turn(turn.by_client, turn.payload, wait, writes if is_last else None)


def line(proxy: Host, address: str, began_ns: int, ended_ns: int, what: str) -> Record:
    """Return a line of Squid's log: when the answer was delivered, how many milliseconds it took, and what it was."""
    ended, began = ((at_ns + proxy.clock_ns) // _MILLISECOND for at_ns in (ended_ns, began_ns))
    return Record(ended_ns, LOG, f"{ended // 1000}.{ended % 1000:03} {ended - began:6} {address} {what}")


def _tunnel_request(name: str, agent: str) -> bytes:
    """Return the request for a tunnel to ``name``: host and port."""
    lines = (f"CONNECT {name} HTTP/1.1", f"Host: {name}", "Proxy-Connection: keep-alive", f"User-Agent: {agent}")
    return "\r\n".join((*lines, "\r\n")).encode()


def _refusal_page(url: str, name: str, at_ns: int) -> bytes:
    return (
        "<!DOCTYPE html>\n<html><head><title>ERROR: The requested URL could not be retrieved</title></head>\n"
        f"<body id=ERR_ACCESS_DENIED><h1>ERROR</h1><p>The following error was encountered: "
        f'<a href="{url}">{url}</a></p>\n'
        "<p><b>Access Denied.</b></p><p>Access control configuration prevents your request from being allowed at this "
        f"time.</p>\n<p>Generated {_date(at_ns)} by {name} (squid/5.7)</p><!-- ERR_ACCESS_DENIED --></body></html>\n"
    ).encode()


def _without_query(url: str) -> str:
    before, mark, _ = url.partition("?")
    return before + mark


def _date(at_ns: int) -> str:
    return formatdate(at_ns // SECOND, usegmt=True)
