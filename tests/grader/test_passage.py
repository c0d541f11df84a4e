"""What a submission brings and says passes through pages of its own, whole, in pieces and broken."""

import os
from collections.abc import Iterator

import pytest

from csirtlab_grader.frames import BrokenFrameError, packed
from csirtlab_grader.passage import Relay, Request


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Where bytes come out, and where they go in."""
    out, into = os.pipe()
    yield out, into
    for descriptor in (out, into):
        os.close(descriptor)


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as relay:
        yield relay


def passed_on(relay: Relay, pipe: tuple[int, int], octets: bytes) -> list[bytes]:
    """Return the messages that are whole once ``octets`` have come."""
    os.write(pipe[1], octets)
    assert relay.take(pipe[0]) == len(octets)
    return [bytes(message) for message in relay.whole()]


def test_a_message_in_pieces_comes_out_whole_with_its_length(relay: Relay, pipe: tuple[int, int]) -> None:
    octets = packed(b"one") + packed(b"") + packed(b"three")

    found = [message for octet in octets for message in passed_on(relay, pipe, bytes([octet]))]

    assert found == [packed(b"one"), packed(b""), packed(b"three")]


def test_messages_that_come_together_come_out_in_order_and_the_rest_waits(relay: Relay, pipe: tuple[int, int]) -> None:
    assert passed_on(relay, pipe, packed(b"one") + packed(b"two") + packed(b"three")[:5]) == [
        packed(b"one"), packed(b"two"),
    ]  # fmt: skip
    assert passed_on(relay, pipe, packed(b"three")[5:]) == [packed(b"three")]


def test_a_message_larger_than_one_reading_comes_out_whole(relay: Relay, pipe: tuple[int, int]) -> None:
    octets = packed(os.urandom(2**20))

    found = [message for start in range(0, len(octets), 2**15)
             for message in passed_on(relay, pipe, octets[start : start + 2**15])]  # fmt: skip

    assert found == [octets]


def test_what_was_said_before_a_broken_message_counts_even_when_both_arrive_at_once(
    relay: Relay, pipe: tuple[int, int]
) -> None:
    found: list[bytes] = []
    os.write(pipe[1], packed(b"the answer") + b"\xff\xff\xff\xff")
    relay.take(pipe[0])

    with pytest.raises(BrokenFrameError):
        for message in relay.whole():
            found.append(bytes(message))  # what raises must not take the list with it

    assert found == [packed(b"the answer")]


def test_a_request_is_read_where_it_is_asked_to_be_and_the_next_one_stays(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], packed(b'{"cells": []}') + packed(b"7"))

    with Request(pipe[0]) as first, Request(pipe[0]) as second:
        assert (first.read(), second.read()) == ({"cells": []}, 7)


def test_half_a_request_is_none(pipe: tuple[int, int]) -> None:
    out, into = os.pipe()
    os.write(into, packed(b"[1, 2]")[:-1])
    os.close(into)

    with pytest.raises(EOFError):
        Request(out)
    os.close(out)
