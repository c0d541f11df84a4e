"""Links in what was handed in: none can pass for one of ours, because each is its own address.

Pure. What comes in is HTML as a cleaner writes it: every attribute in double quotes, no anchor inside another.
"""

import re
from html import escape, unescape
from urllib.parse import quote, urlsplit

MOST_ADDRESS = 300
_ATTRIBUTES = r'((?: [a-z-]+="[^"]*")*)'
_ANCHOR = re.compile(rf"<a{_ATTRIBUTES}>(.*?)</a>", re.DOTALL)
_HREF = re.compile(r' href="([^"]*)"')
_TAG = re.compile(rf"</?[a-z0-9]+{_ATTRIBUTES}>")
# Unreserved and reserved characters and the per cent sign (RFC 3986, 2.2 and 2.3), without quotation marks.
_SAFE = "!#$%&()*+,/:;=?@[]~-._"


def plain_address(address: str) -> str | None:
    """Return an address as it may be shown and followed: in ASCII, its host for all to see; None if it is none.

    Only ``http``, ``https`` and ``mailto``; no user name before a host, which could pass for the host itself,
    and no letters from other scripts that look like Latin ones.
    """
    if len(address) > MOST_ADDRESS or not address.isprintable() or "\\" in address:
        return None
    try:
        parts = urlsplit(address.strip())
        host, port = _host(parts.hostname or ""), parts.port
    except (ValueError, UnicodeError):
        return None
    if parts.scheme == "mailto" and parts.path:
        return "mailto:" + quote(parts.path, safe="@.+-_")
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    end = quote(parts.path, safe=_SAFE) or "/"
    end += f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    end += f"#{quote(parts.fragment, safe=_SAFE)}" if parts.fragment else ""
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{end}"


def _host(name: str) -> str:
    """Return a host in ASCII, with brackets where an address of IPv6 needs them; nothing if it is none."""
    host = name if name.isascii() else name.encode("idna").decode("ascii")
    if re.fullmatch(r"[0-9a-f:.]*:[0-9a-f:.]*", host):
        return f"[{host}]"
    return host if re.fullmatch(r"[a-z0-9._-]+", host) else ""


def shown_links(html: str) -> str:
    """Return cleaned HTML in which what was linked is text, with the address after it as the link."""
    return _ANCHOR.sub(_shown, html)


def _shown(anchor: re.Match[str]) -> str:
    text = anchor[2]
    href = _HREF.search(anchor[1])
    address = plain_address(unescape(href[1])) if href else None
    if address is None:
        return f"{text} [{escape(unescape(href[1])[:MOST_ADDRESS])}]" if href and href[1] else text
    link = (
        f'<a href="{escape(address)}" rel="noopener noreferrer nofollow" referrerpolicy="no-referrer" '
        f'target="_blank">{escape(address)}</a>'
    )
    words = unescape(_TAG.sub("", text)).strip()
    return link if words == address else f"{text} [{link}]"
