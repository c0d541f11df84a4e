"""Who is who, as the exchange asks it."""

from csirtlab.cohorts.create import cohort_of_account
from csirtlab.cohorts.people import renew_for_instructor
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import Store


class Directory:
    """The exchange's view of rosters.

    A cohort's own server (the formgrader's) acts as an instructor of that cohort and of no other.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def role(self, cohort: str, username: str) -> str | None:
        """Return ``trainee``, ``instructor`` or None."""
        if cohort_of_account(username) == cohort and self._store.cohort(cohort):
            return Role.INSTRUCTOR
        return self._store.role(cohort, username)

    def cohorts_of(self, username: str) -> list[str]:
        """Return the cohorts in which this account has a role."""
        own = cohort_of_account(username)
        return [own] if own else self._store.cohorts_of(username)

    def trainees(self, cohort: str) -> list[str]:
        """Return the user names of a cohort's trainees, sorted."""
        return [account.username for account, role in self._store.people(cohort) if role is Role.TRAINEE]

    def renew_passphrase(self, cohort: str, username: str) -> str:
        """Return a trainee's new passphrase, for an instructor of the cohort; CohortError when it is not theirs."""
        return renew_for_instructor(self._store, cohort, username)
