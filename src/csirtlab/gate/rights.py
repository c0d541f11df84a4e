"""Who may enter whose server."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from csirtlab.cohorts.create import cohort_of_account
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import Store

REMEMBERED_S = 3.0
MOST_REMEMBERED = 10_000


@dataclass
class Rights:
    """A person's own server is theirs; a cohort's is for the instructors of that cohort, as the store says.

    ``clock`` gives seconds, monotonic.
    """

    store: Store
    clock: Callable[[], float]
    _roles: dict[tuple[str, str], tuple[float, bool]] = field(default_factory=dict)

    async def may_enter(self, username: str, owner: str) -> bool:
        """Return whether ``username`` may have an answer of ``owner``'s server."""
        cohort = cohort_of_account(owner)
        if cohort is None:
            return username == owner
        asked_at, is_instructor = self._roles.get((cohort, username), (float("-inf"), False))
        if self.clock() - asked_at >= REMEMBERED_S:
            role = await asyncio.to_thread(self.store.role, cohort, username)
            is_instructor = role is Role.INSTRUCTOR
            if len(self._roles) >= MOST_REMEMBERED:
                self._roles.clear()
            self._roles[cohort, username] = (self.clock(), is_instructor)
        return is_instructor
