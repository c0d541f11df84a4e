"""Plain HTTP/1.1 (RFC 9112), worded as real programs word it, with dates that agree with the time of sending.

``recorded/http-heads.json`` has the heads of Chromium, Firefox, apt, nginx and Apache (``csirtlab evidence record
http``). Every browser is a Chromium here, as the hello of every browser is Chromium's. What cannot be recorded on Linux
(Windows' and macOS' updates) asks with the lines that all share.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import cache
from importlib.resources import files
from random import Random
from typing import ClassVar

from csirtlab.evidence.model import Host
from csirtlab.evidence.protocols.dialogues import Closing, Turn
from csirtlab.evidence.sampling import SECOND, noise, pick, whole
from csirtlab.evidence.seeds import stream

_SERVERS = (
    ("nginx", "nginx"), ("nginx", "nginx/1.22.1"), ("Apache", "Apache/2.4.71 (Debian)"), ("nginx", "nginx/1.26.3"),
)  # fmt: skip
"""Whose answer, and how it calls itself."""
LANGUAGES = (
    "es-419,es;q=0.9,en;q=0.8", "es-ES,es;q=0.9,en;q=0.8", "pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7", "en-US,en;q=0.9",
)  # fmt: skip
"""What browsers say that their people read."""

_CHROMIUM = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
AGENTS = {
    "windows": (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROMIUM}",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROMIUM} Edg/156.0.0.0",
    ),
    "linux": (f"Mozilla/5.0 (X11; Linux x86_64) {_CHROMIUM}",),
    "macos": (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_CHROMIUM}",),
}
"""Browsers on each family of systems: Chrome, and Windows' Edge. All send Chromium's TLS hello."""

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
    language: str = LANGUAGES[-1]  # that a browser says
    keeps_records: ClassVar[bool] = False

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield each request and its answer."""
        habits = stream(self.host.encode(), "http server")
        server, software = pick(habits, _SERVERS)
        page = ""
        for fetch in self.fetches:
            yield Turn(True, self._request(fetch, page), fetch.pause_ns)
            page = fetch.path if "html" in fetch.kind else page
            body = body_of(rng, fetch)
            changed_s = whole(rng, 0x60000000, 0x68FFFFFF)  # 2021 to 2025
            tag = f'"{changed_s:x}-{len(body):x}"'
            if server == "Apache":
                tag = f'"{len(body):x}-{changed_s * 1_000_000:x}"'

            values = {
                "server": software,
                "modified": http_date(changed_s * SECOND),
                "kind": fetch.kind,
                "length": str(len(body)),
                "tag": tag,
            }

            def answer(at_ns: int, values: dict[str, str] = values, body: bytes = body) -> bytes:
                date = http_date(at_ns - self.server_way_ns + self.server_clock_ns)
                return file_head(server, values | {"date": date}) + body

            yield Turn(False, answer, fetch.think_ns)

    def _request(self, fetch: Fetch, page: str) -> bytes:
        kind = "page" if "html" in fetch.kind else "part" if page else "file"
        return request_head(kind, self.agent, fetch.path, self.host, page, self.language)


def browser_of(host: Host) -> str:
    """Return how the browser of ``host`` calls itself: a person has one, on the system that the host has."""
    own = host.mac if host.inside else host.address.encode()  # outside, the Ethernet address is the router's
    return pick(stream(own, "browser"), AGENTS[host.stack.family])


def language_of(address: str) -> str:
    """Return what the browser at ``address`` says that its person reads."""
    return pick(stream(address.encode(), "browser's language"), LANGUAGES)


def request_head(kind: str, agent: str, target: str, host: str, page: str, language: str) -> bytes:
    """Return what ``agent`` sends to get ``target``.

    ``kind`` is "page", "part" (a style) or "picture" of the page with path ``page``, or "file".
    """
    return (
        "".join(f"{line}\r\n" for line in request_lines(kind, agent, target, host, page, language)).encode() + b"\r\n"
    )


def request_lines(kind: str, agent: str, target: str, host: str, page: str, language: str) -> list[str]:
    """Return the lines of ``request_head``; in their order."""
    values = {"path": target, "host": host, "agent": agent, "page": page, "language": language}
    asked = _heads()["requests"]
    program = next((name for name in asked if f"{name}/" in agent or f"{name}-HTTP" in agent), "")
    lines = asked.get(program, {}).get("part" if kind == "picture" else kind)
    if lines is None:
        accepted = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" if kind == "page" else "*/*"
        lines = ["GET {path} HTTP/1.1", "Host: {host}", f"Accept: {accepted}", "User-Agent: {agent}",
                 "Connection: keep-alive"]  # fmt: skip
    worded = [line.format(**values) for line in lines]
    if kind == "picture":
        return [f"Accept: {_PICTURES}" if line.startswith("Accept: ") else line for line in worded]
    return worded


_PICTURES = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


def file_head(server: str, values: Mapping[str, str]) -> bytes:
    """Return the head with which ``server``, "nginx" or "Apache", answers a file, ``values`` filled in."""
    lines = _heads()["answers"][server]["head"]
    return "".join(f"{line.format(**values)}\r\n" for line in lines).encode() + b"\r\n"


@cache
def _heads() -> dict[str, dict[str, dict[str, list[str]]]]:
    found: dict[str, dict[str, dict[str, list[str]]]] = json.loads(
        (files("csirtlab.evidence") / "recorded" / "http-heads.json").read_text(encoding="utf-8")
    )
    return found


def http_date(at_ns: int) -> str:
    """Return a time as RFC 9110 writes it."""
    return formatdate(at_ns // SECOND, usegmt=True)


def body_of(rng: Random, fetch: Fetch, title: str = "Intranet") -> bytes:
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
        f'<!doctype html>\n<html lang="es"><head><meta charset="utf-8"><title>{title}</title></head>\n'
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
