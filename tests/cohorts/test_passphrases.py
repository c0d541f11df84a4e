"""Passphrases are read off a card and kept as salted slow hashes."""

import re

import pytest

from csirtlab.cohorts.passphrases import hash_passphrase, is_passphrase, make_passphrase


def test_a_passphrase_is_four_words_that_can_be_spoken() -> None:
    assert re.fullmatch(r"([b-z][aeiou][b-z][aeiou]-){3}[b-z][aeiou][b-z][aeiou]", make_passphrase())


def test_no_two_are_alike() -> None:
    assert len({make_passphrase() for _ in range(1000)}) == 1000


def test_the_hash_is_argon2id_and_salted() -> None:
    first, second = hash_passphrase("bafo-timu-rake-polu"), hash_passphrase("bafo-timu-rake-polu")

    assert first.startswith("$argon2id$") and first != second


@pytest.mark.parametrize("typed", ["bafo-timu-rake-polu", " Bafo Timu  rake-polu\n"])
def test_capitals_and_blanks_do_not_matter(typed: str) -> None:
    assert is_passphrase(typed, hash_passphrase("bafo-timu-rake-polu"))


@pytest.mark.parametrize("typed", ["", "bafo-timu-rake-pola", "bafotimurakepolu"])
def test_another_passphrase_is_refused(typed: str) -> None:
    assert not is_passphrase(typed, hash_passphrase("bafo-timu-rake-polu"))


def test_a_damaged_hash_lets_nobody_in() -> None:
    assert not is_passphrase("bafo-timu-rake-polu", "")
