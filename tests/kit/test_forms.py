"""What a trainee may pass to ``case.answer``, and what becomes of it."""

import ipaddress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scapy.utils import EDecimal

from csirtlab.content.labs import Form
from csirtlab.kit.forms import HINTS, FormError, canonical

MOMENT = "2026-03-04T10:11:12.345678Z"
AWARE = datetime(2026, 3, 4, 10, 11, 12, 345678, UTC)


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("address", " 192.0.2.10 ", "192.0.2.10"),
        ("address", ipaddress.ip_address("2001:db8::1"), "2001:db8::1"),
        ("address", "2001:0DB8:0::1", "2001:db8::1"),
        ("port", "443", 443),
        ("port", np.int64(443), 443),
        ("count", 12.0, 12),
        ("bytes", np.uint32(7), 7),
        ("domain", "WWW.Example.ORG.", "www.example.org"),
        ("domain", "españa.example", "xn--espaa-rta.example"),
        ("hash", "DEADBEEF", "deadbeef"),
        ("hash", b"\xde\xad\xbe\xef", "deadbeef"),
        ("text", "  Two   Words ", "two words"),
        ("duration", timedelta(seconds=90), 90.0),
        ("duration", pd.Timedelta("90s"), 90.0),
        ("duration", np.timedelta64(1500, "ms"), 1.5),
        ("duration", EDecimal("2.5"), 2.5),
        ("duration", "2.5", 2.5),
        ("time", AWARE, MOMENT),
        ("time", AWARE.astimezone(timezone(timedelta(hours=-5))), MOMENT),
        ("time", pd.Timestamp(AWARE), MOMENT),
        ("time", np.datetime64("2026-03-04T10:11:12.345678"), MOMENT),
        ("time", "2026-03-04T05:11:12.345678-05:00", MOMENT),
        ("time", "2026-03-04 10:11:12.345678901Z", MOMENT),
        ("time", Decimal("1772619072.345678"), MOMENT),
        ("time", EDecimal("1772619072.345678"), MOMENT),
        ("time", "1772619072.345678", MOMENT),
        ("time", 1772619072, "2026-03-04T10:11:12.000000Z"),
    ],
)
def test_what_the_tools_hand_out_is_taken(form: str, value: object, expected: object) -> None:
    assert canonical(form, value) == expected


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("address", "ten"),
        ("address", 10),
        ("port", 65536),
        ("port", True),
        ("count", -1),
        ("count", 1.5),
        ("bytes", "12 kB"),
        ("bytes", "1,024"),
        ("duration", float("nan")),
        ("duration", pd.NaT),
        ("duration", -1),
        ("time", "yesterday"),
        ("time", pd.NaT),
        ("time", np.datetime64("NaT")),
        ("time", 1772619072345),
        ("domain", "https://example.org/"),
        ("domain", "192.0.2.1"),
        ("domain", "two words.example"),
        ("hash", "not hexadecimal"),
        ("text", ""),
        ("address", None),
        ("count", ...),
    ],
)
def test_another_form_is_refused(form: str, value: object) -> None:
    with pytest.raises(FormError):
        canonical(form, value)


def test_the_refusal_shows_what_came_and_what_is_expected() -> None:
    with pytest.raises(FormError, match=r"192\.0\.2\.10.* got 'ten'"):
        canonical("address", "ten")


def test_the_refusal_speaks_the_trainees_language() -> None:
    with pytest.raises(FormError, match="Se espera una dirección IP"):
        canonical("address", "ten", language="es")


def test_a_time_without_a_zone_is_refused_with_the_way_out() -> None:
    with pytest.raises(FormError, match="tz_localize"):
        canonical("time", datetime(2026, 3, 4))
    with pytest.raises(FormError, match="ends with Z"):
        canonical("time", "2026-03-04 10:11:12")


def test_a_choice_is_taken_by_value_or_by_label() -> None:
    choices = {"beacon": "A beacon", "update": "An update check"}

    assert canonical("choice", "Beacon", choices=choices) == "beacon"
    assert canonical("choice", "an update check", choices=choices) == "update"
    with pytest.raises(FormError, match='"beacon", "update"'):
        canonical("choice", "malware", choices=choices)


def test_a_set_is_sorted_and_has_no_repetitions() -> None:
    assert canonical("set", {443, 80}, items="port") == [80, 443]
    assert canonical("set", pd.Series(["B.example", "a.example", "b.example"]), items="domain") == [
        "a.example",
        "b.example",
    ]


def test_a_list_keeps_its_order() -> None:
    assert canonical("list", np.array([443, 80]), items="port") == [443, 80]


def test_a_wrong_member_is_named_by_its_place() -> None:
    with pytest.raises(FormError, match=r"Value 2: .*'x'"):
        canonical("set", ["192.0.2.1", "x"], items="address")


def test_a_lone_value_in_place_of_a_set_is_refused_with_the_way_out() -> None:
    with pytest.raises(FormError, match="square brackets"):
        canonical("set", "192.0.2.1", items="address")


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"host": ["192.0.2.1"], "port": [443], "more": [1]}),
        [{"host": "192.0.2.1", "port": "443"}],
        [("192.0.2.1", 443)],
    ],
)
def test_a_table_comes_as_a_frame_as_mappings_or_as_rows(rows: object) -> None:
    columns = {"host": "address", "port": "port"}

    assert canonical("table", rows, columns=columns) == [{"host": "192.0.2.1", "port": 443}]


def test_a_table_without_a_column_is_refused_by_its_name() -> None:
    with pytest.raises(FormError, match="port is missing"):
        canonical("table", [{"host": "192.0.2.1"}], columns={"host": "address", "port": "port"})


def test_canonical_values_stay_as_they_are() -> None:
    for form, value in [("time", MOMENT), ("duration", 1.5), ("domain", "a.example"), ("hash", "deadbeef")]:
        assert canonical(form, canonical(form, value)) == canonical(form, value)


def test_every_form_of_the_content_is_known() -> None:
    assert set(HINTS) == {str(form) for form in Form}
