"""Personal passphrases: made to be typed on any keyboard, kept as salted slow hashes."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

CONSONANTS = "bdfgklmnprstvz"  # without c, h, j, q, w, x, y: they sound or sit differently in our languages
VOWELS = "aeiou"


def make_passphrase() -> str:
    """Return a new passphrase such as ``bafo-timu-rake-polu``: 49 random bits (14·5·14·5 to the 4th)."""

    def word() -> str:
        return "".join(secrets.choice(letters) for letters in (CONSONANTS, VOWELS, CONSONANTS, VOWELS))

    return "-".join(word() for _ in range(4))


@cache
def _hasher() -> PasswordHasher:
    # OWASP's smallest argon2id setting: two cores must hash a workshop's roster in seconds, and
    # 49 bits that nobody chose cannot be guessed at this price either.
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_passphrase(passphrase: str) -> str:
    """Return the argon2id hash (PHC string) of a passphrase, salted anew each time."""
    return _hasher().hash(passphrase)


def is_passphrase(passphrase: str, hashed: str) -> bool:
    """Return whether ``passphrase`` is the one behind ``hashed``.

    Blanks around it, capitals, and blanks instead of hyphens do not matter: it is read off a card.
    """
    typed = "-".join(passphrase.strip().lower().replace("-", " ").split())
    try:
        return _hasher().verify(hashed, typed)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


@cache
def unknown_person_hash() -> str:
    """Return a hash to check against when nobody has that name, so that both cases take as long."""
    return hash_passphrase(make_passphrase())
