"""Files that a web site hands out as they lie on its disk: the same URL has the same bytes, whoever asks.

What a file holds is drawn from a stream of its URL alone, never from the action that asks for it.
Source: RFC 9309 (robots.txt), RFC 9649 (WebP), RFC 6386 (VP8); nginx 1.22 (ETag).
"""

import struct
from dataclasses import dataclass
from random import Random

from csirtlab.evidence.protocols.http import http_date
from csirtlab.evidence.sampling import SECOND, bounded_pareto, noise, pick, whole
from csirtlab.evidence.seeds import stream

_RULES = ("header", "nav", "nav ul", "nav li", "nav a", "main", "main h1", "main h2", "main p", "main ul", "main img",
          ".aviso", ".tramite", ".noticia", ".noticia time", ".agenda", ".contacto", ".boton", ".boton:hover",
          "form label", "form input", "table", "th", "td", "footer", "footer a")  # fmt: skip
_FONTS = (
    '"Source Sans 3", Arial, sans-serif',
    "Verdana, Geneva, sans-serif",
    "Georgia, serif",
    "system-ui, sans-serif",
)
_PICTURES = 48  # of one site


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file, and when it was changed."""

    kind: str  # content type
    body: bytes
    changed_s: int

    @property
    def modified(self) -> str:
        """The time of its last change, as HTTP writes it."""
        return http_date(self.changed_s * SECOND)

    @property
    def tag(self) -> str:
        """The entity tag that nginx makes of time and size."""
        return f'"{self.changed_s:x}-{len(self.body):x}"'


def style_sheet(url: str) -> SiteFile:
    """Return the style sheet at ``url``."""
    rng = _stream(url)
    text = f"html {{ font-family: {pick(rng, _FONTS)}; font-size: {whole(rng, 15, 19)}px }}\n"
    for width in ("", *(f"@media (max-width: {whole(rng, 40, 70)}rem)" for _ in range(2))):
        rules = "".join(_rule(rng, selector) for selector in _RULES)
        text += f"{width} {{\n{rules}}}\n" if width else rules
    return SiteFile("text/css", text.encode(), _changed_s(rng))


def _rule(rng: Random, selector: str) -> str:
    return (
        f"{selector} {{ color: #{whole(rng, 0, 0xFFFFFF):06x}; margin: {whole(rng, 0, 24)}px; "
        f"padding: {whole(rng, 0, 18)}px {whole(rng, 0, 18)}px; line-height: 1.{whole(rng, 1, 7)} }}\n"
    )


def robots_file(url: str) -> SiteFile:
    """Return the site's word to robots at ``url``."""
    rng, site = _stream(url), url.rsplit("/", 1)[0]
    text = (
        "User-agent: *\nDisallow: /buscar.php\nDisallow: /static/\n"
        f"Crawl-delay: {whole(rng, 2, 10)}\n\nSitemap: {site}/sitemap.xml\n"
    )
    return SiteFile("text/plain", text.encode(), _changed_s(rng))


def picture(url: str) -> SiteFile:
    """Return the WebP picture at ``url``: a real head, then noise."""
    rng = _stream(url)
    content = noise(rng, 2 * int(bounded_pareto(rng, 800, 15_000)))
    width, height = whole(rng, 120, 1600), whole(rng, 90, 900)
    # A key frame: tag, start code, width and height (RFC 6386, 9.1).
    frame = bytes((0x50, content[0], content[1])) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height) + content
    body = b"WEBPVP8 " + struct.pack("<I", len(frame)) + frame
    return SiteFile("image/webp", b"RIFF" + struct.pack("<I", len(body)) + body, _changed_s(rng))


def pick_picture(rng: Random, site: str) -> str:
    """Return the path of one of the pictures of ``site``."""
    name = whole(stream(site.encode(), "picture", str(whole(rng, 1, _PICTURES))), 0, 0xFFFFFFF)
    return f"/static/{name:07x}.webp"


def _changed_s(rng: Random) -> int:
    return whole(rng, 0x60000000, 0x68FFFFFF)  # 2021 to 2025


def _stream(url: str) -> Random:
    return stream(url.encode(), "site file")
