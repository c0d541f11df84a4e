"""Display filters that compare fields with numbers: those can be answered from tshark's fields alone.

Everything else in Wireshark's language is left to tshark, so that there is one judge of what a filter means.
"""

import re
from collections.abc import Callable, Mapping, Sequence

SEVERAL = "\x1f"
"""What stands between the values of a field that occurs several times in a frame."""

Columns = Callable[[str], Sequence[str]]
Matches = Callable[[Columns], list[bool]]

_MOST = {"FT_BOOLEAN": 1, "FT_UINT8": 2**8 - 1, "FT_UINT16": 2**16 - 1, "FT_UINT32": 2**32 - 1}
# A number that begins with 0 is octal in Wireshark's language: it is none here.
_TOKEN = re.compile(r"&&|\|\||[=<>]=|[<>()]|[a-z][a-z0-9_.]*(?![\w.])|(?:0|[1-9][0-9]*)(?![\w.])")
_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    "==": int.__eq__, ">": int.__gt__, "<": int.__lt__, ">=": int.__ge__, "<=": int.__le__,
}  # fmt: skip
_JOINED: Mapping[str, Callable[[bool, bool], bool]] = {
    "&&": bool.__and__, "and": bool.__and__, "||": bool.__or__, "or": bool.__or__,
}  # fmt: skip


class _NotSimpleError(Exception):
    pass


def parse(text: str, types: Mapping[str, str]) -> Matches | None:
    """Return what tells for each frame whether it matches, or None if the filter is not of this kind.

    ``types`` are Wireshark's types of the fields that may be compared. What is returned asks for columns of
    texts, as ``tshark -E occurrence=a`` writes them. A comparison holds if it holds for any occurrence of the
    field, as in Wireshark. ``and`` and ``or`` are not mixed without brackets, and nothing is negated.

    Source: wireshark-filter(4).
    """
    tokens = _tokens(text)
    if tokens is None:
        return None
    try:
        matches = _chain(tokens, types)
    except (_NotSimpleError, IndexError):
        return None
    return None if tokens else matches


def _tokens(text: str) -> list[str] | None:
    """Return the tokens, the last first; None if there is anything else."""
    found = _TOKEN.findall(text)
    return found[::-1] if "".join(found) == re.sub(r"\s+", "", text) else None


def _chain(tokens: list[str], types: Mapping[str, str]) -> Matches:
    found = _term(tokens, types)
    join = None
    while tokens and tokens[-1] in _JOINED:
        next_join = _JOINED[tokens.pop()]
        if join not in (None, next_join):
            raise _NotSimpleError
        join = next_join
        found = _both(found, _term(tokens, types), join)
    return found


def _both(left: Matches, right: Matches, join: Callable[[bool, bool], bool]) -> Matches:
    return lambda columns: list(map(join, left(columns), right(columns)))


def _term(tokens: list[str], types: Mapping[str, str]) -> Matches:
    first = tokens.pop()
    if first == "(":
        inner = _chain(tokens, types)
        if tokens.pop() != ")":
            raise _NotSimpleError
        return inner
    sign, number = tokens.pop(), tokens.pop()
    most = _MOST.get(types.get(first, ""))
    # Beyond what the field can hold, tshark refuses the filter, and says so.
    if most is None or sign not in _COMPARED or not number.isdigit() or int(number) > most:
        raise _NotSimpleError
    return _comparison(first, _COMPARED[sign], int(number))


def _comparison(field: str, compare: Callable[[int, int], bool], number: int) -> Matches:
    def matches(columns: Columns) -> list[bool]:
        texts = columns(field)
        right = {text for text in set(texts) if any(compare(value, number) for value in _values(text))}
        return [text in right for text in texts]

    return matches


_BOOLEANS: Mapping[str, int] = {"True": 1, "False": 0}  # tshark since 4.2


def _values(text: str) -> list[int]:
    return [
        _BOOLEANS[value] if value in _BOOLEANS else int(value, 16 if value.startswith("0x") else 10)
        for value in text.split(SEVERAL)
        if value
    ]
