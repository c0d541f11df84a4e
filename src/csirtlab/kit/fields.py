"""tshark's fields as columns of a DataFrame, each with the type that the field has in Wireshark."""

import re
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_WHOLE = re.compile(r"[+-]?\d+|0[xX][0-9a-fA-F]+")
_DECIMAL = re.compile(r"\d+(\.\d+)?")
_BOOLEANS = {"1": True, "0": False, "True": True, "False": False}  # tshark before and since 4.2

EPOCH = "epoch"  # not a type of Wireshark's: an absolute time that labs calculate with, as seconds

COMMON = {
    "frame.number": "FT_UINT32", "frame.len": "FT_UINT32", "frame.cap_len": "FT_UINT32",
    "frame.time_epoch": EPOCH, "frame.time": "FT_ABSOLUTE_TIME",
    "frame.time_relative": "FT_RELATIVE_TIME", "frame.time_delta": "FT_RELATIVE_TIME",
    "frame.time_delta_displayed": "FT_RELATIVE_TIME", "frame.protocols": "FT_STRING",
    "eth.src": "FT_ETHER", "eth.dst": "FT_ETHER",
    "ip.src": "FT_IPv4", "ip.dst": "FT_IPv4", "ip.addr": "FT_IPv4", "ip.proto": "FT_UINT8", "ip.ttl": "FT_UINT8",
    "ip.len": "FT_UINT16", "ip.id": "FT_UINT16", "ipv6.src": "FT_IPv6", "ipv6.dst": "FT_IPv6",
    "tcp.srcport": "FT_UINT16", "tcp.dstport": "FT_UINT16", "tcp.port": "FT_UINT16", "tcp.stream": "FT_UINT32",
    "tcp.len": "FT_UINT32", "tcp.seq": "FT_UINT32", "tcp.ack": "FT_UINT32", "tcp.flags": "FT_UINT16",
    "tcp.flags.syn": "FT_BOOLEAN", "tcp.flags.ack": "FT_BOOLEAN", "tcp.flags.fin": "FT_BOOLEAN",
    "tcp.flags.reset": "FT_BOOLEAN", "udp.srcport": "FT_UINT16", "udp.dstport": "FT_UINT16", "udp.port": "FT_UINT16",
    "udp.length": "FT_UINT16", "udp.stream": "FT_UINT32",
    "dns.qry.name": "FT_STRING", "dns.qry.type": "FT_UINT16", "dns.a": "FT_IPv4", "dns.aaaa": "FT_IPv6",
    "dns.flags.response": "FT_BOOLEAN", "dns.flags.rcode": "FT_UINT16", "dns.id": "FT_UINT16",
    "tls.handshake.type": "FT_UINT8", "tls.handshake.extensions_server_name": "FT_STRING",
    "tls.record.length": "FT_UINT16", "tls.handshake.ja3": "FT_STRING",
    "http.host": "FT_STRING", "http.request.uri": "FT_STRING", "http.request.method": "FT_STRING",
    "http.user_agent": "FT_STRING", "http.response.code": "FT_UINT16",
    "http.date": "FT_STRING", "http.file_data": "FT_STRING", "http.response_for.uri": "FT_STRING",
    "tcp.window_size_value": "FT_UINT16", "ssh.protocol": "FT_STRING", "ntp.flags.mode": "FT_UINT8",
    "dhcp.option.hostname": "FT_STRINGZ", "dhcp.option.vendor_class_id": "FT_STRINGZ",
    "arp.opcode": "FT_UINT16", "arp.src.proto_ipv4": "FT_IPv4", "arp.src.hw_mac": "FT_ETHER",
    "_ws.col.Protocol": "FT_STRING", "_ws.col.Info": "FT_STRING",
}  # fmt: skip
"""The types of the fields that labs use most: asking tshark for all of its 230,000 takes 0.4 s."""


def field_types(fields: Sequence[str]) -> dict[str, str]:
    """Return the Wireshark type (``FT_...``) of each field; text for those tshark does not list."""
    unknown = [field for field in fields if field not in COMMON and field not in _asked]
    if unknown:
        _asked.update(_listed(unknown))
    return {field: COMMON.get(field) or _asked.get(field) or "FT_STRING" for field in fields}


_asked: dict[str, str | None] = {}


def _listed(wanted: Sequence[str]) -> dict[str, str | None]:
    """Return the types that tshark lists. Its list of 20 MB is searched, not kept: all of it as a dict is 60 MB."""
    listing = subprocess.run(["tshark", "-G", "fields"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    found: dict[str, str | None] = dict.fromkeys(wanted)
    # Lines: F, name, abbreviation, type, ...  (tshark(1), -G fields)
    names = b"|".join(re.escape(field.encode()) for field in wanted)
    for name, field_type in re.findall(rb"(?m)^F\t[^\t\n]*\t(%b)\t([^\t\n]*)\t" % names, listing.stdout):
        found[name.decode()] = field_type.decode()
    return found


def column(texts: Sequence[str], field_type: str) -> "pd.Series[Any]":
    """Return texts of one field as a column; an empty text is a missing value.

    Whole numbers are int64, or Int64 where values are missing; booleans likewise; durations are float
    seconds; ``frame.time_epoch`` is float seconds since 1970, other absolute times are aware UTC times;
    all else stays text.
    """
    import pandas as pd

    values = [text or None for text in texts]
    if field_type == "FT_BOOLEAN" and all(value is None or value in _BOOLEANS for value in values):
        booleans = [None if value is None else _BOOLEANS[value] for value in values]
        return pd.Series(booleans, dtype="boolean" if None in values else "bool")
    if re.fullmatch(r"FT_U?INT\d+|FT_FRAMENUM|FT_CHAR", field_type) and _all_match(_WHOLE, values):
        numbers = [None if value is None else int(value, 16 if value[:2].lower() == "0x" else 10) for value in values]
        if any(number is not None and number >= 2**63 for number in numbers):
            return pd.Series(numbers, dtype="UInt64")
        return pd.Series(numbers, dtype="Int64" if None in values else "int64")
    if field_type in ("FT_RELATIVE_TIME", "FT_FLOAT", "FT_DOUBLE"):
        return pd.Series(pd.to_numeric(pd.Series(values, dtype="object"), errors="coerce"), dtype="float64")
    if field_type in (EPOCH, "FT_ABSOLUTE_TIME"):
        return _times(values, field_type == EPOCH)
    # With one text at the end, a column without any value is a column of texts too.
    return pd.Series([*values, ""]).iloc[:-1]


def _all_match(pattern: re.Pattern[str], values: Sequence[str | None]) -> bool:
    return all(value is None or pattern.fullmatch(value) for value in values)


def _times(values: Sequence[str | None], as_epoch: bool) -> "pd.Series[Any]":
    import pandas as pd

    if _all_match(_DECIMAL, values):
        seconds = pd.Series([None if value is None else float(value) for value in values], dtype="float64")
        return seconds if as_epoch else pd.to_datetime(seconds, unit="s", utc=True)
    # Some versions of tshark write ISO 8601 in place of the epoch; certificates' times are texts in all.
    cleaned = pd.Series([value and value.removesuffix(" (UTC)").removesuffix(" UTC") for value in values])
    times: pd.Series[Any] = pd.to_datetime(cleaned, utc=True, format="mixed", errors="coerce")
    return (times - pd.Timestamp(0, tz="UTC")).dt.total_seconds() if as_epoch else times
