"""ClientHellos: the recorded program's, with another name in it."""

import struct
from random import Random

import pytest

from csirtlab.evidence.protocols.hellos import client_hello

PROGRAMS = ["browser", "library", "system"]
_GREASE = {0x0A0A + 0x1010 * step for step in range(16)}


def hello(client: str, name: str = "www.norte.example", seed: int = 1, *, resumed: bool = False) -> bytes:
    return client_hello(Random(seed), name, client, bytes(32), resumed=resumed)[0]


def extensions(record: bytes) -> list[tuple[int, bytes]]:
    """Kind and content of each extension, read as RFC 8446, 4.1.2 lays them out."""
    body = record[9:]
    at = 34 + 1 + body[34]
    at += 2 + int.from_bytes(body[at : at + 2])
    at += 1 + body[at]
    end = at + 2 + int.from_bytes(body[at : at + 2])
    at += 2
    found = []
    while at < end:
        kind, length = struct.unpack_from("!HH", body, at)
        found.append((kind, body[at + 4 : at + 4 + length]))
        at += 4 + length
    assert at == end == len(body)
    return found


@pytest.mark.parametrize("client", PROGRAMS)
def test_the_name_stands_in_it_and_every_length_adds_up(client: str) -> None:
    record = hello(client, "a-rather-long-name.transportes-del-norte.example")

    assert int.from_bytes(record[3:5]) == len(record) - 5 and int.from_bytes(record[6:9]) == len(record) - 9
    assert dict(extensions(record))[0][5:] == b"a-rather-long-name.transportes-del-norte.example"


@pytest.mark.parametrize("client", PROGRAMS)
def test_a_resumed_session_names_its_ticket_last(client: str) -> None:
    assert extensions(hello(client, resumed=True))[-1][0] == 41


@pytest.mark.parametrize("name", ["a.example", "a-rather-long-name.transportes-del-norte.example"])
def test_openssl_pads_its_hello_to_512_bytes(name: str) -> None:
    assert len(hello("library", name)) == 5 + 512


def test_a_browser_shuffles_its_extensions_and_keeps_grease_at_both_ends() -> None:
    orders = [[kind for kind, _ in extensions(hello("browser", seed=seed))] for seed in range(8)]

    assert len({tuple(kind for kind in order if kind not in _GREASE) for order in orders}) > 1
    assert all(order[0] in _GREASE and order[-1] in _GREASE and order[0] != order[-1] for order in orders)
    assert len({frozenset(order) - _GREASE for order in orders}) == 1


@pytest.mark.parametrize("client", PROGRAMS)
def test_two_hellos_share_no_random_number_and_no_key(client: str) -> None:
    first, second = hello(client, seed=1), hello(client, seed=2)

    assert first[11:43] != second[11:43]
    assert dict(extensions(first))[51][-32:] != dict(extensions(second))[51][-32:]
