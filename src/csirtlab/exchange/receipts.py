"""Receipts: signed proof that a submission is kept, checked without the server."""

import base64
import binascii
import hashlib
import json
import stat
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from csirtlab.exchange.durable import write_durably
from csirtlab.exchange.entries import Entry, canonical_json, time_from, time_text
from csirtlab.exchange.refusals import ReceiptError

FORMAT = 1
_PURPOSE = b"csirtlab receipt 1\n"  # so that no other thing ever signed by this key can pass as a receipt


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the exchange acknowledges: whose work, for which lab, when, its content, its place in the log."""

    cohort: str
    lab: str
    trainee: str
    time: datetime  # aware, UTC: what deadlines are compared with
    content: str  # SHA-256 of the submitted zip file, hexadecimal
    position: int  # of its entry in the log
    entry: str  # the entry's hash
    key: str  # which key signed: the first 16 hexadecimal digits of the public key's SHA-256
    signature: str  # Ed25519 (RFC 8032), base64

    def plain(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {"format": FORMAT, **asdict(self), "time": time_text(self.time)}

    def to_json(self) -> str:
        """Return it as the text of a file."""
        return json.dumps(self.plain(), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_plain(cls, plain: object) -> Self:
        """Read what ``plain`` gave; ReceiptError for anything else."""
        names = {field.name for field in fields(cls)}
        if not isinstance(plain, dict) or set(plain) != names | {"format"} or plain["format"] != FORMAT:
            raise ReceiptError("This is not a receipt of the exchange. Use the file that was given when submitting.")
        for name in names:
            expected = int if name == "position" else str
            if type(plain[name]) is not expected:
                raise ReceiptError(
                    f'The receipt is damaged: "{name}" is {plain[name]!r}. Use the file as it was given.'
                )
        try:
            time = time_from(plain["time"])
        except ValueError as error:
            raise ReceiptError(f"The receipt is damaged: {error}. Use the file as it was given.") from error
        return cls(**{name: plain[name] for name in names - {"time"}}, time=time)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a receipt's file; ReceiptError when it is none."""
        try:
            return cls.from_plain(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise ReceiptError(f"This is not a receipt of the exchange: it is not JSON ({error}).") from error

    def signed_bytes(self) -> bytes:
        """Return what the signature covers: everything but itself."""
        return _PURPOSE + canonical_json({key: value for key, value in self.plain().items() if key != "signature"})


def key_name(public_key: Ed25519PublicKey) -> str:
    """Return the short name by which receipts refer to a key."""
    return hashlib.sha256(public_key.public_bytes_raw()).hexdigest()[:16]


def sign_receipt(entry: Entry, private_key: Ed25519PrivateKey) -> Receipt:
    """Return the receipt for a submission's entry; the same entry and key give the same receipt."""
    assert entry.trainee is not None and entry.content is not None, "only submissions have receipts"
    unsigned = Receipt(
        cohort=entry.cohort,
        lab=entry.lab,
        trainee=entry.trainee,
        time=entry.time,
        content=entry.content,
        position=entry.position,
        entry=entry.hash,
        key=key_name(private_key.public_key()),
        signature="",
    )
    signature = base64.b64encode(private_key.sign(unsigned.signed_bytes())).decode()
    return Receipt(**{**_values(unsigned), "signature": signature})


def _values(receipt: Receipt) -> dict[str, Any]:
    return {field.name: getattr(receipt, field.name) for field in fields(receipt)}


def verify_receipt(receipt: Receipt, public_key: Ed25519PublicKey) -> None:
    """Return if the exchange that holds ``public_key``'s other half signed exactly this receipt.

    Raises:
        ReceiptError: It did not.
    """
    if receipt.key != key_name(public_key):
        raise ReceiptError(
            f"The receipt names the key {receipt.key}, this is the key {key_name(public_key)}. Use the public key of "
            "the exchange that gave the receipt (its /key address, or key.pub.pem in its folder)."
        )
    try:
        public_key.verify(base64.b64decode(receipt.signature, validate=True), receipt.signed_bytes())
    except (InvalidSignature, binascii.Error) as error:
        raise ReceiptError(
            "The signature does not fit: the receipt was changed after it was given. "
            "Ask the exchange for it again: it lists every submission with its receipt."
        ) from error


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Read a public key's PEM text; ReceiptError when it is another kind of thing."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ReceiptError(
            "This is not a public key. Use the exchange's key.pub.pem, or what its /key says."
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ReceiptError("This public key is not an Ed25519 key. Use the exchange's key.pub.pem.")
    return key


def public_pem(public_key: Ed25519PublicKey) -> str:
    """Return a public key as PEM text."""
    return public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def ensure_key(folder: Path, *, may_create: bool) -> Ed25519PrivateKey:
    """Return the key in ``folder``, made on the first start, with the public half beside it.

    Raises:
        ReceiptError: It is missing although receipts were signed with it, readable by others, or damaged.
    """
    path = folder / "key.pem"
    if not path.exists():
        if not may_create:
            raise ReceiptError(
                f"The key {path} is missing, and receipts were signed with it. Put it back from a backup; without "
                "one, move the whole folder aside: a new key cannot vouch for old receipts."
            )
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_durably(path, pem, mode=0o600)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ReceiptError(f"The key {path} can be read by others (mode {mode:04o}). Run: chmod 600 {path}")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise ReceiptError(f"The key {path} is damaged ({error}). Put it back from a backup.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ReceiptError(f"The key {path} is not an Ed25519 key. Put the exchange's own back from a backup.")
    public = folder / "key.pub.pem"
    if not public.exists() or public.read_text() != public_pem(key.public_key()):
        write_durably(public, public_pem(key.public_key()).encode(), mode=0o644)
    return key
