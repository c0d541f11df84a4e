"""Messages on a pipe, whole, in pieces and broken."""

import pytest

from csirtlab_grader.frames import BrokenFrameError, Splitter, packed


def test_a_message_in_pieces_comes_out_whole() -> None:
    octets = packed(b"one") + packed(b"") + packed(b"three")
    splitter = Splitter()

    found = [message for octet in octets for message in splitter.feed(bytes([octet]))]

    assert found == [b"one", b"", b"three"]


def test_what_was_said_before_a_broken_message_counts_even_when_both_arrive_at_once() -> None:
    found: list[bytes] = []

    with pytest.raises(BrokenFrameError):
        for message in Splitter().feed(packed(b"the answer") + b"Wrubbish"):
            found.append(message)  # what raises must not take the list with it

    assert found == [b"the answer"]
