"""Signs people in by the personal passphrase that their cohort's roster gave them."""

import asyncio
import time
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from jupyterhub.auth import Authenticator
from tornado.web import HTTPError

from csirtlab.cohorts.passphrases import is_passphrase, unknown_person_hash
from csirtlab.cohorts.roster import USERNAME
from csirtlab.cohorts.store import Store
from csirtlab.hub.attempts import Attempts, TooMany


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
        address = sent_from(handler.request.headers, handler.request.remote_ip, trusted)
        key = (username[:64], counted_as(address))
        try:
            with self.attempts.attempt(key) as attempt:
                attempt.is_right = await self._belong_together(username, data.get("password", "")[:200])
        except TooMany as error:
            raise HTTPError(429, str(error)) from None
        return username if attempt.is_right else None

    async def _belong_together(self, username: str, passphrase: str) -> bool:
        hashed = await asyncio.to_thread(hash_of_member, self.store, username)
        # A name that nobody has takes as long as a wrong passphrase.
        is_right = await asyncio.to_thread(is_passphrase, passphrase, hashed or unknown_person_hash())
        if hashed is None or not is_right:
            return False
        # Checking takes a while: a passphrase that was renewed meanwhile, or a cohort that was left, counts.
        return await asyncio.to_thread(hash_of_member, self.store, username) == hashed


def hash_of_member(store: Store, username: str) -> str | None:
    """Return the hash of somebody's passphrase; None for a name that is unknown, or in no cohort (any more)."""
    # What no roster can hold does not get as far as a database, each of which refuses other letters.
    account = store.account(username) if USERNAME.fullmatch(username) else None
    return account.passphrase_hash if account and store.cohorts_of(username) else None


def sent_from(headers: Mapping[str, str], remote_ip: str, trusted: Collection[str] = ()) -> str:
    """Return the address that counts for attempts: the last one that our proxy, or a trusted one, saw itself.

    tornado's ``remote_ip`` believes X-Real-Ip, which our proxy hands on as anybody sends it: each
    guess would come from another address. ``trusted`` are proxies that stand before ours.
    """
    if "X-Real-Ip" not in headers:
        return remote_ip
    seen = [address.strip() for address in headers.get("X-Forwarded-For", "").split(",")]
    return next((address for address in reversed(seen) if address not in trusted), seen[-1])


def counted_as(address: str) -> str:
    """Return what an address counts as: of IPv6 the first 64 bits, since whoever has one has all below them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed.packed[:8] + bytes(8), 64)))
