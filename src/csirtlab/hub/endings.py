"""Ends what people have open when they may no longer: their sign-in, tokens, shares, and their own server.

The store holds a row for each change of somebody's rights until that is done (``cohorts/people.py``), so that a
change made while no hub ran, or just before one was killed, is not forgotten.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub import orm

from csirtlab.cohorts.create import cohort_of_account
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.people import RENEWED
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.sign_ins import forget_old_passphrase
from csirtlab.cohorts.store import Ending, Store
from csirtlab.errors import CsirtlabError

SECONDS_BETWEEN = 2.0
SECONDS_TO_SETTLE = 0.5
"""A sign-in that was checked before the change has its cookie by then, and loses it with the others."""

IDLE = timedelta(minutes=10)  # servers tell every five that they are used
LONGEST_WAIT = timedelta(hours=4)
"""For a cohort's server whose token somebody may have taken along: it is stopped, and starts with a new one."""


@dataclass
class Endings:
    """Takes the endings of a hub, which runs in this process; ``hub`` is JupyterHub's application.

    JupyterHub's own objects are used in its event loop alone, the store and files in threads.
    """

    hub: Any  # JupyterHub is untyped
    store: Store
    home: Home
    _revoked: set[int] = field(default_factory=set)
    _stopping: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    _watching: "asyncio.Task[None] | None" = None

    async def before_start(self) -> None:
        """Take away the sign-ins of everybody who waits, before the hub answers anyone; servers are for later."""
        for ending in await asyncio.to_thread(self.store.endings):
            if cohort_of_account(ending.username) is None:
                self._revoke(ending)
        await self._keep_shares_in_order()

    def watch(self) -> None:
        """Look every two seconds, until the hub ends."""
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                # A database that is away comes back, and this wall must stand then.
                self.hub.log.exception("endings could not be looked at; once more in %.0f s", SECONDS_BETWEEN)
            await asyncio.sleep(SECONDS_BETWEEN)

    async def look(self) -> None:
        """Take what waits: sign-ins end at once, servers beside this."""
        waiting = await asyncio.to_thread(self.store.endings)
        self._revoked &= {ending.id for ending in waiting}  # SQLite gives a number again
        people = [ending for ending in waiting if cohort_of_account(ending.username) is None]
        fresh = [ending for ending in people if ending.id not in self._revoked]
        if fresh:
            await asyncio.sleep(SECONDS_TO_SETTLE)
        for ending in fresh:
            self._revoke(ending)
            await asyncio.sleep(0)  # a whole cohort's at once must not keep the hub from answering
        for ending in waiting:
            if ending.id not in self._stopping:
                self._stopping[ending.id] = asyncio.create_task(self._finish(ending))
        await self._keep_shares_in_order()

    def _revoke(self, ending: Ending) -> None:
        revoke(self.hub.db, ending.username)
        self._revoked.add(ending.id)
        self.hub.log.warning("%s: signed out everywhere (%s)", ending.username, ending.reason)

    async def _finish(self, ending: Ending) -> None:
        """Stop their own server, and only then forget the ending; what fails is tried again at the next look."""
        try:
            if ending.reason == RENEWED:
                await self._forget_passphrase(ending.username)
            if not self._is_due(ending):
                return
            if await self._stop_servers(ending.username):
                await asyncio.to_thread(self.store.ended, ending.id)
        except Exception:
            self.hub.log.exception("%s: the server could not be stopped; it is tried again", ending.username)
        finally:
            del self._stopping[ending.id]

    def _is_due(self, ending: Ending) -> bool:
        """Return whether servers are to be stopped now: a person's at once, a cohort's when nobody works in it."""
        user = orm.User.find(self.hub.db, ending.username)
        if cohort_of_account(ending.username) is None or user is None:
            return True
        active = [spawner for spawner in user.orm_spawners.values() if spawner.server]
        seen = max((spawner.last_activity for spawner in active if spawner.last_activity), default=None)
        return not active or is_due(utc(ending.time), utc(seen) if seen else None, datetime.now(UTC))

    async def _forget_passphrase(self, username: str) -> None:
        try:
            await asyncio.to_thread(forget_old_passphrase, self.store, self.home, username)
        except (CsirtlabError, OSError) as error:
            self.hub.log.error("%s: %s", username, error)

    async def _stop_servers(self, username: str) -> bool:
        """Stop what a person has running; return whether nothing of it is left."""
        found = orm.User.find(self.hub.db, username)
        if found is None:
            return True
        user = self.hub.users[found]
        for name, spawner in list(user.spawners.items()):
            if spawner.pending == "spawn" and getattr(spawner, "pid", 0):
                await spawner.stop(now=True)  # the start then fails; looked at again
                return False
            if spawner.pending:
                return False
            if spawner.active:
                await self._stop_server(user, name, spawner)
        return not any(spawner.active for spawner in user.spawners.values())

    async def _stop_server(self, user: Any, name: str, spawner: Any) -> None:
        # As BaseHandler.stop_single_user does, which needs a request.
        spawner._stop_pending = True
        try:
            try:
                await self.hub.proxy.delete_user(user, name)
            except Exception:
                self.hub.log.exception("%s: the proxy does not let go of the server, which is stopped now", user.name)
            await user.stop(name)
        finally:
            spawner._stop_pending = False

    async def _keep_shares_in_order(self) -> None:
        """Take back each share in a cohort's server that nobody on its roster would get now.

        One can be given in the moment in which its owner loses the right to it.
        """
        given = shares(self.hub.db)
        for cohort, username in given:
            if await asyncio.to_thread(self.store.role, cohort, username) is not Role.INSTRUCTOR:
                for share in given[cohort, username]:
                    self.hub.db.delete(share)
                self.hub.db.commit()
                self.hub.log.warning("%s: is no instructor of %s, and out of its server", username, cohort)


def is_due(noted: datetime, last_seen: datetime | None, now: datetime) -> bool:
    """Return whether a cohort's server, whose token somebody took along at ``noted``, is to be stopped ``now``.

    Not while its instructors work in it; but whoever has the token can say that they do, so not for ever.
    """
    return now - noted > LONGEST_WAIT or now - max(last_seen or noted, noted) > IDLE


def utc(moment: datetime) -> datetime:
    """Return a moment with its time zone: SQLite and JupyterHub keep UTC without saying so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def revoke(db: Any, username: str) -> None:
    """Sign somebody out everywhere: the hub's cookie, tokens and codes of theirs, and shares that they were given."""
    user = orm.User.find(db, username)
    if user is None:
        return
    user.cookie_id = orm.new_token()
    for held in (user.api_tokens, user.oauth_codes, user.shared_with_me):
        for each in list(held):
            db.delete(each)
    db.commit()


def shares(db: Any) -> dict[tuple[str, str], list[Any]]:
    """Return the shares in cohorts' servers, by cohort and the person who has them."""
    found: dict[tuple[str, str], list[Any]] = {}
    for share in db.query(orm.Share):
        cohort = cohort_of_account(share.owner.name) if share.owner else None
        if cohort and share.user:
            found.setdefault((cohort, share.user.name), []).append(share)
    return found
