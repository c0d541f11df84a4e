"""What messages are written with: each program has its own names for messages and parts, and headers of its own.

Written, not recorded: in the formats of Thunderbird 115, Outlook 16, Apple Mail 16, Evolution 3.46, Roundcube 1.6,
PHPMailer 6.9, phpList 3.6, listmonk 3.0 and Python 3.11's ``email``; what they draw at random is drawn at random.
"""

import base64
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from csirtlab.evidence.applications.mail_messages import Form
from csirtlab.evidence.sampling import SECOND, bits, noise, pick, whole

Headers = tuple[tuple[str, str], ...]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LANGUAGES = {"es": "es-ES", "pt": "pt-BR", "en": "en-US"}
_WINDOWS_EPOCH = 116_444_736_000_000_000  # 1970 in units of 100 ns since 1601


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a program puts on one message."""

    message_id: str
    headers: Headers
    form: Form
    mime_version: str = "1.0"


@dataclass(frozen=True, slots=True)
class Occasion:
    """One message as its program sees it."""

    rng: Random
    sender: str  # address
    to: str  # address of the first reader
    language: str
    sent_ns: int

    @property
    def domain(self) -> str:
        """Return the sender's domain."""
        return self.sender.split("@")[1]


def _thunderbird(what: Occasion) -> Stamp:
    form = Form(
        _drawn(what.rng, "------------", 24), _drawn(what.rng, "------------", 24),
        "This is a multi-part message in MIME format.", "{kind}; charset={charset}; format=flowed",
    )  # fmt: skip
    headers = (("User-Agent", "Mozilla Thunderbird"), ("Content-Language", _LANGUAGES[what.language]))
    return Stamp(f"{_uuid(what.rng)}@{what.domain}", headers, form)


def _outlook(what: Occasion) -> Stamp:
    clock = f"{what.sent_ns // 100 + _WINDOWS_EPOCH:016X}"
    number = whole(what.rng, 0, 0x1FF)
    parts = [f"----=_NextPart_{level:03}_{number + level:04X}_{clock[:8]}.{clock[8:]}" for level in (0, 1)]
    form = Form(parts[0], parts[1], "This is a multipart message in MIME format.", '{kind};\n\tcharset="{charset}"')
    index = base64.b64encode(bytes.fromhex(f"01{clock[2:12]}") + noise(what.rng, 16)).decode()
    headers = (
        ("X-Mailer", "Microsoft Outlook 16.0"), ("Thread-Index", index),
        ("Content-Language", _LANGUAGES[what.language].lower()),
    )  # fmt: skip
    words = noise(what.rng, 8).hex()
    counted = f"{whole(what.rng, 1, 0xFFF):08x}"
    return Stamp(f"{counted}${clock[:8].lower()}${words[:8]}${words[8:]}$@{what.domain}", headers, form)


def _apple_mail(what: Occasion) -> Stamp:
    version = "3774.600.62"
    form = Form(
        f"Apple-Mail=_{_uuid(what.rng).upper()}", f"Apple-Mail=_{_uuid(what.rng).upper()}", "",
        "{kind};\n\tcharset={charset}",
    )  # fmt: skip
    mime = f"1.0 (Mac OS X Mail 16.0 \\({version}\\))"
    return Stamp(f"{_uuid(what.rng).upper()}@{what.domain}", (("X-Mailer", f"Apple Mail ({version})"),), form, mime)


def _evolution(what: Occasion) -> Stamp:
    form = Form(_drawn(what.rng, "=-", 20), _drawn(what.rng, "=-", 20), "", '{kind}; charset="{charset}"')
    headers = (("User-Agent", "Evolution 3.46.4-2"),)
    return Stamp(f"{noise(what.rng, 20).hex()}.camel@{what.domain}", headers, form)


def _roundcube(what: Occasion) -> Stamp:
    form = Form(
        f"=_{noise(what.rng, 16).hex()}", f"=_{noise(what.rng, 16).hex()}", "",
        "{kind}; charset={charset};\n format=flowed",
    )  # fmt: skip
    headers = (("User-Agent", "Roundcube Webmail/1.6.5"), ("X-Sender", what.sender))
    return Stamp(f"{noise(what.rng, 16).hex()}@{what.domain}", headers, form)


def _phpmailer(what: Occasion) -> Stamp:
    mark = _drawn(what.rng, "", 43)
    form = Form(f"b1={mark}", f"b2={mark}", "This is a multi-part message in MIME format.", "{kind}; charset={charset}")
    headers = (("X-Mailer", "PHPMailer 6.9.1 (https://github.com/PHPMailer/PHPMailer)"),)
    return Stamp(f"{mark}@{what.domain}", headers, form)


def _python(what: Occasion) -> Stamp:
    marks = [f"==============={bits(what.rng, 32):010}{bits(what.rng, 28):09}==" for _ in range(2)]
    number = f"{what.sent_ns // (SECOND // 100)}.{whole(what.rng, 400, 99_999)}.{bits(what.rng, 53)}"
    return Stamp(f"{number}@{what.domain}", (), Form(marks[0], marks[1], "", '{kind}; charset="{charset}"'))


def _phplist(what: Occasion) -> Stamp:
    mark = _drawn(what.rng, "", 43)
    form = Form(f"b1_{mark}", f"b2_{mark}", "", "{kind}; charset={charset}")
    number = whole(what.rng, 20, 400)
    headers = (("X-Mailer", "phplist v3.6.14"), ("X-MessageID", str(number)), ("X-ListMember", what.to))
    return Stamp(f"{noise(what.rng, 16).hex()}@{what.domain}", headers, form)


def _listmonk(what: Occasion) -> Stamp:
    marks = [noise(what.rng, 30).hex() for _ in range(2)]
    headers = (("X-Listmonk-Campaign", _uuid(what.rng)), ("X-Listmonk-Subscriber", _uuid(what.rng)))
    number = f"{what.sent_ns}.{whole(what.rng, 1, 40)}.{bits(what.rng, 53)}{whole(what.rng, 100, 999)}"
    return Stamp(f"{number}@{what.domain}", headers, Form(marks[0], marks[1], "", "{kind}; charset={charset}"))


Mua = Callable[[Occasion], Stamp]

OF_PEOPLE: tuple[Mua, ...] = (_thunderbird, _outlook, _outlook, _apple_mail, _roundcube, _evolution)
OF_DESKS: dict[str, tuple[Mua, ...]] = {
    "windows": (_outlook, _outlook, _thunderbird), "macos": (_apple_mail,), "linux": (_thunderbird, _evolution),
}  # fmt: skip
OF_PUBLISHERS: tuple[Mua, ...] = (_phplist, _phpmailer, _listmonk)
OF_PROGRAMS: tuple[Mua, ...] = (_python,)
OF_STRANGERS: tuple[Mua, ...] = (_thunderbird, _outlook, _roundcube, _phpmailer)


def subscription(org: str, list_id: str, leave: tuple[str, ...], *, is_bulk: bool) -> Iterator[tuple[str, str]]:
    """Yield what a list says of itself (RFC 2919, RFC 2369, RFC 8058); ``leave``: addresses to leave it by."""
    yield "List-Id", f"{org} <{list_id}>"
    yield "List-Unsubscribe", ",\n\t".join(f"<{address}>" for address in leave)
    if any(address.startswith("http") for address in leave):
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "Precedence", "bulk" if is_bulk else "list"


def _uuid(rng: Random) -> str:
    return str(uuid.UUID(bytes=noise(rng, 16), version=4))


def _drawn(rng: Random, start: str, count: int) -> str:
    return start + "".join(pick(rng, _LETTERS) for _ in range(count))
