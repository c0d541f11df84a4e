"""DNS messages: built anew with the recorded names and numbers they are the recorded bytes; and cookies."""

import json
from importlib.resources import files
from typing import Any

import pytest

from csirtlab.evidence.protocols import dns
from csirtlab.evidence.protocols.dns import Cookies
from csirtlab.evidence.sampling import SECOND

EXCHANGES: list[dict[str, Any]] = json.loads(
    (files("csirtlab.evidence") / "recorded" / "dns-messages.json").read_text()
)["exchanges"]
RECORDS: dict[tuple[str, int], dns.Record] = {
    ("www.mundo.example", dns.A): dns.address_record("198.51.100.80"),
    ("www.oficina.test", dns.A): dns.address_record("198.51.100.80"),
    ("nota.mundo.example", dns.TXT): dns.text_record(b"v=1 palta con sal"),
    ("mundo.example", dns.MX): dns.Name("correo.mundo.example", b"\x00\x0a"),
    ("portal.mundo.example", dns.CNAME): dns.Name("www.mundo.example"),
    ("bruto.mundo.example", dns.NULL): b"zorz",
}
TTL_S = 900
COOKIE_OPTION = bytes.fromhex("000a")


def zone(name: str) -> dns.Zone:
    domain = ".".join(name.split(".")[-2:])
    return dns.Zone(domain, f"ns1.{domain}", 2026010101, (7200, 3600, 1_209_600), TTL_S)


def cookie(message: bytes) -> bytes:
    """The recorded cookie: the last option, its length before it."""
    at = message.rindex(COOKIE_OPTION, len(message) - 30)
    return message[at + 4 :] if int.from_bytes(message[at + 2 : at + 4]) == len(message) - at - 4 else b""


def name_of(exchange: dict[str, Any]) -> str:
    return f"{exchange['asks'].split()[0]} {exchange['kind']} {exchange['name']}"


@pytest.mark.parametrize("exchange", EXCHANGES, ids=name_of)
def test_a_message_built_anew_is_the_recorded_one(exchange: dict[str, Any]) -> None:
    name, kind, own = exchange["name"], exchange["kind"], exchange["own"]
    question, answer = bytes.fromhex(exchange["question"]), bytes.fromhex(exchange["answer"])
    by_bind = exchange["asks"] == "BIND"
    manner = dns.BIND if by_bind else dns.STUB
    asked, answered = (cookie(question), cookie(answer)) if by_bind else (b"", b"")
    ident = int.from_bytes(question[:2])

    assert dns.query(ident, name, kind, manner, asked) == question
    if record := RECORDS.get((name, kind)):
        assert dns.answer(ident, name, kind, (record,), TTL_S, manner, answered, own=own) == answer
    else:
        code = dns.NO_SUCH_NAME if name.startswith("nadie.") else dns.NO_ERROR
        assert dns.empty_answer(ident, name, kind, code, zone(name), manner, answered, own=own) == answer


def test_what_was_recorded_has_every_kind_of_record_that_scenarios_may_name() -> None:
    assert {exchange["kind"] for exchange in EXCHANGES} == set(dns.KINDS.values())
    assert {exchange["own"] for exchange in EXCHANGES} == {True, False}


def test_zones_of_the_world_differ_and_stay_what_they_are() -> None:
    zones = [dns.zone_of(f"www.{name}.example") for name in ("luna", "roca", "rio", "palta", "mar", "sal")]

    assert dns.zone_of("cdn.luna.example") == zones[0]
    assert len({zone.serial for zone in zones}) == len(zones)
    assert all(2024_01_01_01 <= zone.serial <= 2026_12_28_09 for zone in zones)


def test_a_cookie_is_renewed_after_half_an_hour_and_nobody_sends_one_before_it_was_given() -> None:
    begin = 1_780_000_000 * SECOND
    cookies = Cookies(b"a case", begin)
    given = {cookies.asked(begin)[8:]}
    for minute in range(0, 66, 3):
        at = begin + minute * 60 * SECOND
        asked, answered = cookies.asked(at), cookies.answered(at + SECOND)
        assert asked[:8] == answered[:8] and len(asked) == len(answered) == 24
        assert asked[8:] in given
        given.add(answered[8:])
        assert int.from_bytes(answered[12:16]) <= (at + SECOND) // SECOND < int.from_bytes(answered[12:16]) + 1800 + 2

    assert len(given) in (3, 4)
