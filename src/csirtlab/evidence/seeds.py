"""Seeds of cases, and the separate random streams that grow from one seed."""

import hashlib
import hmac
import re
from random import Random

from csirtlab.errors import EvidenceError


def case_seed(secret: bytes, lab: str, trainee: str) -> bytes:
    """Return the seed of a trainee's case: 32 bytes that nobody without the cohort's secret can tell."""
    return _derive(secret, "case", lab, trainee)


def sibling_seed(secret: bytes, lab: str, question: str, index: int) -> bytes:
    """Return the seed of the ``index``-th hidden case on which a method question is replayed."""
    return _derive(secret, "sibling", lab, question, str(index))


def seed_of_text(text: str) -> bytes:
    """Return the seed that a person means: 64 hexadecimal digits are a seed itself, any other text names one.

    Raises:
        EvidenceError: It is no text: a terminal gave bytes that are not UTF-8.
    """
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        return hashlib.sha256(text.encode()).digest()
    except UnicodeEncodeError as error:
        raise EvidenceError(f"the seed {text!a} is not UTF-8. Take letters and digits for it.") from error


def stream(seed: bytes, *names: str) -> Random:
    """Return the random stream of one component.

    Components draw from streams of their own, so that a change in one leaves the others as they were.
    Draw with ``csirtlab.evidence.sampling`` only: of ``Random``, nothing but ``random()`` is promised to
    give the same numbers in every Python version.
    """
    start = int.from_bytes(hashlib.sha256(_message(*names) + seed).digest())
    return Random(start)  # noqa: S311 - it must give the same numbers again


def _derive(secret: bytes, purpose: str, *names: str) -> bytes:
    return hmac.digest(secret, _message("csirtlab/1", purpose, *names), "sha256")


def _message(*names: str) -> bytes:
    # Lengths in front: ("a", "bc") and ("ab", "c") must not give the same seed.
    encoded = [name.encode() for name in names]
    return b"".join(len(part).to_bytes(4) + part for part in encoded)
