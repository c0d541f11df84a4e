"""Signs people in by the personal passphrase that their cohort's roster gave them."""

import asyncio
import math
import time
from collections.abc import Collection, Mapping
from typing import Any

from jupyterhub.auth import Authenticator
from tornado.web import HTTPError

from csirtlab.cohorts.passphrases import is_passphrase, unknown_person_hash
from csirtlab.cohorts.store import Store
from csirtlab.hub.attempts import Attempts


class RosterAuthenticator(Authenticator):
    """Checks user name and passphrase against the store; there is no signing up.

    ``store`` is set on the class by the hub's configuration.
    """

    store: Store
    attempts = Attempts(clock=time.monotonic)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> Any:
        """Return the user name, or None when name and passphrase do not belong together.

        Raises:
            HTTPError: 429, when this account was tried too often from this address.
        """
        username = data.get("username", "").strip().lower()
        trusted = self.parent.trusted_downstream_ips if self.parent else ()
        key = (username[:64], sent_from(handler.request.headers, handler.request.remote_ip, trusted))
        if pause := self.attempts.pause_s(key):
            raise HTTPError(429, f"Too many attempts. Try again in {math.ceil(pause)} s.")
        account = await asyncio.to_thread(self.store.account, username)
        hashed = account.passphrase_hash if account else None
        # A name that nobody has takes as long as a wrong passphrase.
        is_right = await asyncio.to_thread(
            is_passphrase, data.get("password", "")[:200], hashed or unknown_person_hash()
        )
        if hashed is None or not is_right:
            self.attempts.failed(key)
            return None
        self.attempts.succeeded(key)
        return username


def sent_from(headers: Mapping[str, str], remote_ip: str, trusted: Collection[str] = ()) -> str:
    """Return the address that counts for attempts: the last one that our proxy, or a trusted one, saw itself.

    tornado's ``remote_ip`` believes X-Real-Ip, which our proxy hands on as anybody sends it: each
    guess would come from another address. ``trusted`` are proxies that stand before ours.
    """
    if "X-Real-Ip" not in headers:
        return remote_ip
    seen = [address.strip() for address in headers.get("X-Forwarded-For", "").split(",")]
    return next((address for address in reversed(seen) if address not in trusted), seen[-1])
