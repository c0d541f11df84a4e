"""Mail as text: a message with its headers (RFC 5322, RFC 2045 to 2047), as it is sent and as a server keeps it."""

import base64
import datetime as dt
import quopri
import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from csirtlab.evidence.sampling import SECOND, noise, whole

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    kind: str  # content type
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """How a mail program puts the parts of a message together."""

    outer: str  # boundary of the whole message
    inner: str  # boundary of what has parts within it
    preamble: str  # for programs that know of no parts
    text_type: str  # with places for kind and charset


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody wrote, before any server of the addressee has seen it."""

    headers: tuple[tuple[str, str], ...]  # traces of the way first, as it leaves the last server
    text: str
    form: Form
    html: str = ""
    attachment: Attachment | None = None

    @property
    def signature_start(self) -> str:
        """Return the first characters of its signature: they say which one is meant (RFC 6008)."""
        return dict(self.headers).get("DKIM-Signature", "").rpartition("\tb=")[2][:8]

    def as_bytes(self) -> bytes:
        """Return the message with LF, as a server keeps it."""
        return _lines([*(f"{name}: {value}" for name, value in self.headers), *self._body()])

    def _body(self) -> Iterable[str]:
        form = self.form
        words = [_part("text/plain", self.text, form)]
        if self.html:
            words.append(_part("text/html", self.html, form))
        boundary = form.inner if self.attachment else form.outer
        inner = words[0] if len(words) == 1 else _joined("alternative", words, boundary, form.preamble)
        if self.attachment:
            parts = [inner, _attached(self.attachment)]
            inner = _joined("mixed", parts, form.outer, form.preamble)
        return inner


def _part(kind: str, text: str, form: Form) -> list[str]:
    is_plain = text.isascii() and all(len(line) < 78 for line in text.split("\n"))
    coding = "7bit" if is_plain else "quoted-printable"
    body = text if is_plain else quopri.encodestring(text.encode()).decode()
    charset = "us-ascii" if text.isascii() else "UTF-8"
    flowing = form.text_type if kind == "text/plain" else re.sub(r";\s*format=flowed", "", form.text_type)
    written = flowing.format(kind=kind, charset=charset)
    return [f"Content-Type: {written}", f"Content-Transfer-Encoding: {coding}", "", *body.split("\n")]


def _joined(kind: str, parts: list[list[str]], boundary: str, preamble: str) -> list[str]:
    lines = [f'Content-Type: multipart/{kind};\n boundary="{boundary}"', "", *([preamble] if preamble else [])]
    for part in parts:
        lines += [f"--{boundary}", *part, ""]
    return [*lines, f"--{boundary}--"]


def _attached(attachment: Attachment) -> list[str]:
    return [
        f'Content-Type: {attachment.kind}; name="{attachment.name}"',
        "Content-Transfer-Encoding: base64",
        f'Content-Disposition: attachment; filename="{attachment.name}"',
        "",
        *base64.encodebytes(attachment.content).decode().splitlines(),
    ]


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def as_sent(message: Message) -> bytes:
    """Return the message with CRLF, as it goes over the wire."""
    return message.as_bytes().replace(b"\n", b"\r\n")


def encoded(text: str) -> str:
    """Return a text as headers carry it (RFC 2047)."""
    if text.isascii():
        return text
    words, word = [], ""
    for character in text:
        if len((word + character).encode()) > 42:  # an encoded word has 75 characters at most
            words.append(word)
            word = ""
        word += character
    return "\n ".join(f"=?UTF-8?B?{base64.b64encode(word.encode()).decode()}?=" for word in [*words, word])


def person(name: str, address: str) -> str:
    """Return somebody as ``From`` and ``To`` name them."""
    return f"{encoded(name)} <{address}>" if name else address


def mail_date(at_ns: int, hours: int = 0, *, name: bool = False) -> str:
    """Return a time as mail writes it, in a zone ``hours`` from UTC; with the zone's name as Postfix does in UTC."""
    when = _EPOCH + dt.timedelta(seconds=at_ns // SECOND + hours * 3600)
    day, month = _DAYS[when.weekday()], _MONTHS[when.month - 1]
    # Postfix pads the day with a blank, as strftime's %e does; others write it bare.
    written = f"{when.day:>2}" if name else f"{when.day}"
    zone = f"{'-' if hours < 0 else '+'}{abs(hours):02}00"
    return f"{day}, {written} {month} {when.year} {when:%H:%M:%S} {zone}{' (UTC)' if name else ''}"


def received(
    helo: str, client: str, address: str, server: str, how: str, queue_id: str, date: str, to: str = ""
) -> str:
    """Return a ``Received`` header of Postfix; ``client`` is the name that the address has in DNS, or "unknown"."""
    last = f"\n\tfor <{to}>; {date}" if to else f";\n\t{date}"
    return f"from {helo} ({client} [{address}])\n\tby {server} (Postfix) with {how} id {queue_id}{last}"


def queue_id(rng: Random) -> str:
    """Return a queue id of Postfix: microseconds and the number of a file, in hexadecimal digits."""
    return f"{whole(rng, 0x10000, 999_999):05X}{whole(rng, 0x20000, 0xFFFFF):05X}"


def signature(rng: Random, domain: str, selector: str, at_ns: int) -> str:
    """Return a ``DKIM-Signature`` (RFC 6376) that nobody made: its hashes are random."""
    lines = base64.encodebytes(noise(rng, 256)).decode().split()
    return (
        f"v=1; a=rsa-sha256; c=relaxed/simple; d={domain};\n\ts={selector}; t={at_ns // SECOND};\n"
        f"\tbh={base64.b64encode(noise(rng, 32)).decode()};\n\th=Date:From:To:Subject:From;\n\tb=" + "\n\t ".join(lines)
    )
