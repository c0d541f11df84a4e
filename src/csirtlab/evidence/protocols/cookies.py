"""DNS cookies between a site's resolver and its provider's (RFC 7873; RFC 9018 lays the server's part out)."""

import hashlib
import struct

from csirtlab.evidence.sampling import SECOND

_RENEWED_AFTER_S = 1800  # RFC 9018, 4.3: a server gives a new one when half an hour has passed
_FIRST_S = 1200  # so long before the recording, at most, the first one was given


class Cookies:
    """What both have given each other so far; ``secret`` makes them this case's."""

    def __init__(self, secret: bytes, begin_ns: int) -> None:
        digest = hashlib.sha256(secret).digest()
        self._secret = digest
        self._client = digest[:8]
        begin_s = begin_ns // SECOND - int.from_bytes(digest[8:10]) % _FIRST_S
        self._given = [(begin_s * SECOND, self._server(begin_s))]  # since when, in the order of time

    def asked(self, at_ns: int) -> bytes:
        """Return what a question at ``at_ns`` carries: the last that was given until then."""
        return self._client + next(server for since, server in reversed(self._given) if since <= at_ns)

    def answered(self, at_ns: int) -> bytes:
        """Return what the answer at ``at_ns`` carries."""
        since = self._given[-1][0]
        if at_ns - since > _RENEWED_AFTER_S * SECOND:
            self._given.append((at_ns, self._server(at_ns // SECOND)))
        return self._client + next(server for since, server in reversed(self._given) if since <= at_ns)

    def _server(self, at_s: int) -> bytes:
        stamp = struct.pack("!I", at_s)
        return b"\x01\x00\x00\x00" + stamp + hashlib.sha256(self._secret + stamp).digest()[:8]
