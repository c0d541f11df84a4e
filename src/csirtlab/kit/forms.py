"""The form of an answer: whatever a trainee has at hand becomes one canonical JSON value.

Pure, and shared by the notebook (which refuses a wrong form at once) and the grading (which compares
canonical values), so that both mean the same by "an address" or "a time". No value is judged here.
"""

import ipaddress
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from csirtlab.errors import CsirtlabError
from csirtlab.languages import Language, translator

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

MOST_ITEMS = 10_000
MOST_TEXT = 2_000
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")  # RFC 1035 2.3.1, underscores as in RFC 8552
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_EPOCH_S = 4_102_444_800  # 2100-01-01; beyond it somebody passed milliseconds

HINTS: Mapping[str, str] = {
    "address": 'an IP address, such as "192.0.2.10"',
    "port": "a port number from 0 to 65535, such as 443",
    "domain": 'a host name, such as "www.example.org"',
    "time": 'a time in UTC, such as "2026-03-04T10:11:12.345678Z", or seconds since 1970',
    "duration": "a duration in seconds, such as 12.5",
    "count": "a whole number, such as 42",
    "bytes": "a whole number of bytes, such as 1048576",
    "hash": "a hash value in hexadecimal digits",
    "choice": "one of the choices",
    "text": "a short text",
    "set": "a set or list of values; their order does not matter",
    "list": "a list of values, in order",
    "table": "a table: a DataFrame or a list of dictionaries",
}
"""What each form looks like, English; sentences of the domain ``kit``."""


class FormError(CsirtlabError, ValueError):
    """A value does not have the form that its question asks for; ``str`` is the translated message."""

    def __init__(self, sentence: str, *, language: str = "en", **values: object) -> None:
        self.sentence = sentence
        self.values = values
        self.language = language
        super().__init__(self.told(language))

    def told(self, language: str) -> str:
        """Return the message in ``language``."""
        tell = translator("kit", Language(language))
        parts = {
            name: value.told(language) if isinstance(value, FormError) else value for name, value in self.values.items()
        }
        if "expected" in parts:
            parts["expected"] = tell(str(parts["expected"]))
        text = tell(self.sentence).format(**parts)
        return text[:1].upper() + text[1:]


def canonical(
    form: str,
    value: object,
    *,
    items: str | None = None,
    columns: Mapping[str, str] | None = None,
    choices: Mapping[str, str] | None = None,
    language: str = "en",
) -> Json:
    """Return ``value`` as the canonical JSON value of ``form``.

    address, domain, hash, choice and text give a normalised text; port, count and bytes a whole number;
    duration seconds; time ISO 8601 in UTC with microseconds and ``Z``; set a sorted list without
    repetitions; list a list; table a list of objects with exactly ``columns``. What scapy, pyshark,
    numpy and pandas hand out is taken as it is. ``choices`` maps each value to its label; either is taken.

    Raises:
        FormError: The value has another form; the message is in ``language`` and says what is expected.
    """
    try:
        return _canonical(str(form), value, items and str(items), columns or {}, choices)
    except FormError as error:
        raise FormError(error.sentence, language=language, **error.values) from None


def _canonical(
    form: str,
    value: object,
    items: str | None,
    columns: Mapping[str, str],
    choices: Mapping[str, str] | None,
) -> Json:
    if form not in HINTS:
        raise ValueError(f'unknown form "{form}". Known: {", ".join(HINTS)}.')
    if value is None or value is Ellipsis:
        raise FormError("There is no value yet: {expected} is expected.", expected=HINTS[form])
    if form == "choice":
        return _choice(value, choices)
    if form in ("set", "list"):
        members = [_nested(number, items or "text", member, choices) for number, member in _members(form, value)]
        return members if form == "list" else _unique(members)
    if form == "table":
        return _table(value, columns, choices)
    return _SCALARS[form](_plain(value))


def _plain(value: object) -> object:
    """Unwrap numpy scalars; dates and durations of numpy become Python's, to the microsecond."""
    kind: Any = type(value)
    if kind.__module__.split(".")[0] != "numpy" or not hasattr(value, "item"):
        return value
    number: Any = value
    if kind.__name__ == "datetime64":
        return _EPOCH + _numpy_duration(number.astype("datetime64[ns]") - kind(0, "ns"))
    if kind.__name__ == "timedelta64":
        return _numpy_duration(value)
    return number.item() if number.size == 1 else value


def _numpy_duration(value: Any) -> timedelta:  # Any: numpy is not imported for its type's sake
    nanoseconds = value.astype("timedelta64[ns]").astype("int64").item()
    if nanoseconds == -(2**63):  # numpy's NaT
        raise FormError("There is no value yet: {expected} is expected.", expected=HINTS["time"])
    return timedelta(microseconds=nanoseconds / 1000)


def _wrong(form: str, value: object) -> FormError:
    return FormError("{expected} is expected, got {value}.", expected=HINTS[form], value=_shown(value))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text_of(form: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(form, value)
    return str(value).strip()


def _address(value: object) -> Json:
    if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return str(value)
    try:
        return str(ipaddress.ip_address(_text_of("address", value)))
    except ValueError as error:
        if isinstance(error, FormError):
            raise
        raise _wrong("address", value) from None


def _decimal(form: str, value: object) -> Decimal:
    """Return a number exactly as written: epoch seconds with nanoseconds do not fit a float."""
    if isinstance(value, bool):
        raise _wrong(form, value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise _wrong(form, value)
    if not isinstance(value, int | float | Decimal | str):
        raise _wrong(form, value)
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise _wrong(form, value) from None
    if not number.is_finite():
        raise _wrong(form, value)
    return number


def _whole(form: str, value: object, most: int = 2**63 - 1) -> int:
    number = _decimal(form, value)
    if number != number.to_integral_value() or not 0 <= number <= most:
        raise _wrong(form, value)
    return int(number)


def _duration(value: object) -> Json:
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(_decimal("duration", value))
    if not math.isfinite(seconds) or seconds < 0:  # pandas' NaT counts NaN seconds
        raise _wrong("duration", value)
    return seconds


def _time(value: object) -> Json:
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise _wrong("time", value) from None
    if value != value:  # noqa: PLR0124  # pandas' NaT is a datetime that equals nothing
        raise _wrong("time", value)
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise FormError(
                "The time {value} does not say its time zone. Add it: a text ends with Z for UTC, "
                "a datetime has tzinfo=UTC, a pandas time has .tz_localize('UTC').",
                value=_shown(str(value)),
            )
        instant = value.astimezone(UTC)
    else:
        seconds = _decimal("time", value)
        if not 0 <= seconds < _LATEST_EPOCH_S:
            raise FormError(
                "A time as a number is seconds since 1970, UTC, got {value}. Divide milliseconds by 1000.",
                value=_shown(value),
            )
        instant = _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
    return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _domain(value: object) -> Json:
    text = unicodedata.normalize("NFC", _text_of("domain", value)).lower().rstrip(".")
    if "/" in text or "@" in text or ":" in text:
        raise FormError(
            "The host name alone is expected, without scheme, path or port, got {value}.", value=_shown(value)
        )
    if re.fullmatch(r"[\d.]+", text):
        raise _wrong("domain", value)
    try:
        name = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        raise _wrong("domain", value) from None
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _wrong("domain", value)
    return name


def _hash(value: object) -> Json:
    text = value.hex() if isinstance(value, bytes) else _text_of("hash", value).lower()
    if not re.fullmatch(r"(?:[0-9a-f]{2}){4,64}", text):
        raise _wrong("hash", value)
    return text


def _text(value: object) -> Json:
    text = unicodedata.normalize("NFC", " ".join(_text_of("text", value).split())).casefold()
    if len(text) > MOST_TEXT:
        raise FormError("The text is too long: at most {most} characters are read.", most=MOST_TEXT)
    return text


def _choice(value: object, choices: Mapping[str, str] | None) -> Json:
    wanted = str(value).strip().casefold() if isinstance(value, str) else None
    if choices is None and wanted:
        return str(value).strip()
    for name, label in (choices or {}).items():
        if wanted in (name.casefold(), label.strip().casefold()):
            return name
    names = ", ".join(f'"{name}"' for name in choices or {})
    raise FormError("One of {choices} is expected, got {value}.", choices=names, value=_shown(value))


def _members(form: str, value: object) -> Iterable[tuple[int, object]]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise FormError(
            "{expected} is expected, got {value}. Put the values into square brackets: [first, second].",
            expected=HINTS[form],
            value=_shown(value),
        )
    members = list(value)
    if len(members) > MOST_ITEMS:
        raise FormError("At most {most} values are read, got {count}.", most=MOST_ITEMS, count=len(members))
    return enumerate(members, 1)


def _nested(number: int, form: str, value: object, choices: Mapping[str, str] | None) -> Json:
    try:
        return _canonical(form, value, None, {}, choices)
    except FormError as error:
        raise FormError("Value {number}: {problem}", number=number, problem=error) from None


def _unique(members: Sequence[Json]) -> list[Json]:
    return [json.loads(text) for text in _sorted_texts(members)]


def _sorted_texts(members: Sequence[Json]) -> list[str]:
    distinct = {json.dumps(member): member for member in members}
    # The members of a set share one form, so they compare with each other.
    return sorted(distinct, key=lambda text: distinct[text])  # type: ignore[arg-type, return-value]  # scalars only


def _table(value: Any, columns: Mapping[str, str], choices: Mapping[str, str] | None) -> Json:
    rows = value.to_dict("records") if hasattr(value, "to_dict") and hasattr(value, "columns") else value
    table: list[Json] = []
    for number, row in _members("table", rows):
        if isinstance(row, Mapping):
            missing = [name for name in columns if name not in row]
            cells = row
        elif isinstance(row, list | tuple) and len(row) == len(columns):
            missing, cells = [], dict(zip(columns, row, strict=True))
        else:
            raise FormError("Row {number}: the columns {columns} are expected, got {value}.",
                            number=number, columns=", ".join(columns), value=_shown(row))  # fmt: skip
        if missing:
            raise FormError("Row {number}: the column {column} is missing.", number=number, column=missing[0])
        table.append({name: _nested(number, form, cells[name], choices) for name, form in columns.items()})
    return table


_SCALARS: Mapping[str, Callable[[object], Json]] = {
    "address": _address,
    "port": lambda value: _whole("port", value, 65535),
    "domain": _domain,
    "time": _time,
    "duration": _duration,
    "count": lambda value: _whole("count", value),
    "bytes": lambda value: _whole("bytes", value),
    "hash": _hash,
    "text": _text,
}
