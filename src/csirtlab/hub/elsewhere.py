"""Signing in by another service: it says who somebody is, the rosters say whether they may come in."""

from typing import Any

from csirtlab.cohorts.create import cohort_of_account
from csirtlab.hub.authenticator import RosterAuthenticator


def members_only(authenticator: Any) -> Any:  # authenticator classes are untyped
    """Return an authenticator class like ``authenticator`` that lets in people of this hub's rosters alone.

    User names must be those of the rosters; people may be added while the hub runs. A cohort's own
    account, which has the formgrader, belongs to no person: nobody may come in under its name,
    whatever the other service calls them.

    For the end of ``jupyterhub_config.py``, after ``configure``.
    """

    class MembersOnly(authenticator):  # type: ignore[misc, unused-ignore]  # its base is an argument
        # Not check_allowed: that is not asked when ``allow_all`` is set, and this must be.
        def check_blocked_users(self, username: str, authentication: Any = None) -> bool:
            """Return whether somebody may come in: JupyterHub asks it of everybody, under the final name."""
            is_member = is_on_a_roster(username)
            if not is_member:
                self.log.warning("%r is on no roster of this hub. Add them: csirtlab cohort add", username)
            return is_member and bool(super().check_blocked_users(username, authentication))

    MembersOnly.__name__ = f"MembersOnly{authenticator.__name__}"
    return MembersOnly


def is_on_a_roster(username: str) -> bool:
    """Return whether a user name is that of a person in some cohort."""
    store = RosterAuthenticator.store
    return cohort_of_account(username) is None and bool(store.cohorts_of(username))
