"""TLS 1.3 as a sensor sees it (RFC 8446): real hellos, then records that nobody can read."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from csirtlab.evidence.protocols.dialogues import Closing, Ending, Turn
from csirtlab.evidence.protocols.hellos import client_hello
from csirtlab.evidence.sampling import SECOND, between, bounded_pareto, chance, nanoseconds, noise, normal, pick, whole
from csirtlab.evidence.seeds import stream

_TAG = 16  # bytes of authentication that AEAD ciphers add to a record
_RECORD = 16_384  # plaintext bytes in one record, at most
_X25519, _X25519MLKEM768 = 0x001D, 0x11EC


@dataclass(frozen=True, slots=True)
class Request:
    """One request and its answer inside the session; bytes before encryption."""

    request_bytes: int
    response_bytes: int
    think_ns: int  # of the server, before it answers
    pause_ns: int  # of the client, before it asks


@dataclass(frozen=True, slots=True)
class TlsSession:
    """A TLS 1.3 session with HTTP/2 inside."""

    server_name: str
    client: str  # whose TLS: browser, system, library
    resumed: bool
    requests: tuple[Request, ...]
    closing: Closing
    keeps_records: ClassVar[bool] = False

    def turns(self, rng: Random) -> Iterator[Turn]:
        """Yield the handshake, then the requests and answers."""
        server = stream(self.server_name.encode(), "tls server")  # a server has its habits
        suite = pick(server, (0x1301, 0x1302, 0x1302))
        digest = 48 if suite == 0x1302 else 32
        session = noise(rng, 32)
        hello, offers_mlkem = client_hello(rng, self.server_name, self.client, session, resumed=self.resumed)
        yield Turn(True, hello, 0)

        # Habits are drawn in the same order whatever the client offers: a certificate has one length.
        knows_mlkem, full_chain = chance(server, 0.5), whole(server, 1900, 3900)
        mlkem = offers_mlkem and knows_mlkem
        chain = 0 if self.resumed else full_chain
        flight = [server_hello(rng, suite, session, mlkem=mlkem, resumed=self.resumed), _CHANGE_CIPHER_SPEC]
        # EncryptedExtensions, Certificate, CertificateVerify, Finished: together or one by one.
        parts = [whole(server, 6, 30), chain, pick(server, (79, 104, 264)), digest + 4]
        if self.resumed:
            parts[1:3] = []
        sizes = [sum(parts)] if chance(server, 0.3) else parts
        flight += [sealed(rng, size) for size in sizes]
        yield Turn(False, b"".join(flight), int(between(rng, 0.0006, 0.004) * SECOND))

        finished = _CHANGE_CIPHER_SPEC + sealed(rng, digest + 4)
        settings = sealed(rng, 24 + 33) + sealed(rng, 13)
        tickets = b"".join(sealed(rng, whole(server, 180, 260)) for _ in range(whole(server, 1, 2)))
        for number, request in enumerate(self.requests):
            asked, answered = sealed(rng, request.request_bytes), sealed(rng, request.response_bytes)
            if number == 0:
                yield Turn(True, finished + settings, int(normal(rng, 0.0003, 0.004) * SECOND))
                yield Turn(True, asked, int(normal(rng, 0.00004, 0.0009) * SECOND))
                yield Turn(False, tickets + sealed(rng, 9), int(between(rng, 0.0001, 0.0009) * SECOND))
                yield Turn(False, answered, request.think_ns)
            else:
                yield Turn(True, asked, request.pause_ns)
                yield Turn(False, answered, request.think_ns)


def farewell(rng: Random) -> bytes:
    """Return the encrypted close_notify alert."""
    return sealed(rng, 2)


def sealed(rng: Random, length: int) -> bytes:
    """Return application-data records that carry ``length`` bytes of plaintext."""
    records = []
    while length > 0:
        part = min(length, _RECORD)
        records.append(struct.pack("!BHH", 23, 0x0303, part + 1 + _TAG) + noise(rng, part + 1 + _TAG))
        length -= part
    return b"".join(records)


_CHANGE_CIPHER_SPEC = struct.pack("!BHHB", 20, 0x0303, 1, 1)  # RFC 8446 appendix D.4


def server_hello(rng: Random, suite: int, session: bytes, *, mlkem: bool, resumed: bool) -> bytes:
    """Return a ServerHello record that answers with ``suite``."""
    # The answer to X25519MLKEM768 is a ciphertext of 1088 bytes and an X25519 key.
    share = _share(_X25519MLKEM768, noise(rng, 1088 + 32)) if mlkem else _share(_X25519, noise(rng, 32))
    extensions = _extension(43, struct.pack("!H", 0x0304)) + _extension(51, share)
    if resumed:
        extensions += _extension(41, b"\x00\x00")
    body = (
        struct.pack("!H", 0x0303)
        + noise(rng, 32)
        + bytes([len(session)])
        + session
        + struct.pack("!HB", suite, 0)
        + _sized(extensions)
    )
    return struct.pack("!BHH", 22, 0x0303, len(body) + 4) + _handshake(2, body)


def _handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3) + body


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack("!HH", kind, len(body)) + body


def _sized(body: bytes) -> bytes:
    return struct.pack("!H", len(body)) + body


def _share(group: int, key: bytes) -> bytes:
    return struct.pack("!HH", group, len(key)) + key


_BROWSER_PROBES = 45 * SECOND  # Chrome's TCP keep-alive


def short_closing(rng: Random, *, server_closes: bool) -> Closing:
    """Return how a program ends a connection that has served its purpose."""
    ending = Ending.SERVER_FIN if server_closes else Ending.CLIENT_FIN
    return Closing(ending, nanoseconds(bounded_pareto(rng, 0.0008, 0.6)), 0, farewell(rng))


def browser_closing(rng: Random) -> Closing:
    """Return how a browser ends a connection, sooner or later."""
    bye = farewell(rng)
    share = rng.random()
    if share < 0.3:
        return Closing(Ending.SERVER_FIN, pick(rng, (60, 65, 75)) * SECOND, _BROWSER_PROBES, bye)
    if share < 0.4:
        return Closing(Ending.SERVER_FIN_CLIENT_RESET, nanoseconds(bounded_pareto(rng, 3, 30)), 0, bye)
    if share < 0.52:
        return Closing(Ending.CLIENT_RESET, nanoseconds(bounded_pareto(rng, 0.05, 40)))
    if share < 0.62:
        return Closing(Ending.OPEN, nanoseconds(bounded_pareto(rng, 60, 700)), _BROWSER_PROBES)
    return Closing(Ending.CLIENT_FIN, nanoseconds(bounded_pareto(rng, 0.3, 115)), _BROWSER_PROBES, bye)
