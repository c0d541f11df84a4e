"""Plain HTTP/1.1 (RFC 9112), with dates that agree with the time at which they are sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from random import Random
from typing import ClassVar

from csirtlab.evidence.dialogues import Closing, Turn
from csirtlab.evidence.dice import SECOND, noise, pick, whole
from csirtlab.evidence.seeds import stream

_SOFTWARE = ("nginx", "nginx/1.22.1", "Apache", "nginx/1.26.3")

AGENTS = {
    "windows": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
    "linux": ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",),
    "macos": (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Safari/605.1.15",
    ),
}
"""Browsers on each family of systems."""

UPDATERS = {
    "windows": "Microsoft-Delivery-Optimization/10.1",
    "linux": "Debian APT-HTTP/1.3 (2.6.1)",
    "macos": "com.apple.appstored/1.0 macOS/15.5",
}
"""What fetches updates on each family of systems."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request and its answer."""

    path: str
    response_bytes: int  # of the body
    kind: str  # content type
    think_ns: int
    pause_ns: int  # of the client, before it asks


@dataclass(frozen=True, slots=True)
class HttpSession:
    """Requests and answers on one connection."""

    host: str
    agent: str
    fetches: tuple[Fetch, ...]
    server_clock_ns: int  # the server's clock minus true time
    server_way_ns: int  # from the server to the sensor
    closing: Closing
    keeps_records: ClassVar[bool] = False

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield each request and its answer."""
        software = pick(stream(self.host.encode(), "http server"), _SOFTWARE)
        for fetch in self.fetches:
            yield Turn(True, self._request(fetch), fetch.pause_ns)
            body = body_of(rng, fetch)
            tag = f'"{whole(rng, 0x60000000, 0x68FFFFFF):x}-{len(body):x}"'

            def answer(at_ns: int, fetch: Fetch = fetch, body: bytes = body, tag: str = tag) -> bytes:
                date = http_date(at_ns - self.server_way_ns + self.server_clock_ns)
                return (
                    f"HTTP/1.1 200 OK\r\nServer: {software}\r\nDate: {date}\r\nContent-Type: {fetch.kind}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\nETag: {tag}\r\n\r\n"
                ).encode() + body

            yield Turn(False, answer, fetch.think_ns)

    def _request(self, fetch: Fetch) -> bytes:
        accepted = "text/html,application/xhtml+xml,*/*;q=0.8" if "html" in fetch.kind else "*/*"
        return (
            f"GET {fetch.path} HTTP/1.1\r\nHost: {self.host}\r\nUser-Agent: {self.agent}\r\n"
            f"Accept: {accepted}\r\nConnection: keep-alive\r\n\r\n"
        ).encode()


def http_date(at_ns: int) -> str:
    """Return a time as RFC 9110 writes it."""
    return formatdate(at_ns // SECOND, usegmt=True)


def body_of(rng: Random, fetch: Fetch) -> bytes:
    """Return what a server answers: text of about the wanted length, or that many random bytes."""
    if not fetch.kind.startswith("text/"):
        return noise(rng, fetch.response_bytes)
    words = []
    length = 0
    while length < fetch.response_bytes:
        word = pick(rng, _WORDS)
        words.append(word)
        length += len(word) + 1
    if "html" not in fetch.kind:
        return "".join(f".{word} {{ order: {number} }}\n" for number, word in enumerate(words[::3])).encode()
    text = " ".join(words)[: max(0, fetch.response_bytes - 120)]
    return (
        f'<!doctype html>\n<html lang="es"><head><meta charset="utf-8"><title>Intranet</title></head>\n'
        f"<body><main><p>{text}</p></main></body></html>\n"
    ).encode()


_WORDS = tuple(
    """
    acta agenda anexo archivo aviso boletin calendario circular compras contrato correo cuadro cuenta decreto
    direccion documento equipo expediente fecha firma formulario gestion informe jornada licencia memorando mesa
    nota oficina orden pago partida permiso personal plan plazo presupuesto proceso proveedor registro reglamento
    resolucion reunion sala servicio solicitud sueldo tabla turno unidad vacaciones viaje
    """.split()  # noqa: SIM905 - sixty quoted words would hide the list
)
