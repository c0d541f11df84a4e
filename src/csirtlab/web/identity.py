"""Whose a hub token is, as the hub says it."""

from typing import Any

from jupyterhub.services.auth import HubAuth
from tornado.web import HTTPError

from csirtlab.exchange.refusals import Refusal

REMEMBERED_S = 5  # whoever was signed out is out here within this


class Identity:
    """Asks the hub about tokens, with the environment that a service of the hub has."""

    def __init__(self) -> None:
        self._auth: Any = HubAuth(cache_max_age=REMEMBERED_S)

    async def of(self, token: str) -> str | None:
        """Return the user name of a token that may use this service; None for any other.

        Raises:
            Refusal: The hub does not answer (status 503).
        """
        try:
            # In this thread's loop: HubAuth's blocking way makes its worker at the first use, and is not safe
            # for the several that begin together after a start.
            model: Any = await self._auth.user_for_token(token, sync=False)
        except HTTPError as error:
            raise Refusal(
                "The hub does not say who you are: it is starting, or busy. Keep your work, and try again in a minute.",
                503,
            ) from error
        if not model or not self._auth.check_scopes(self._auth.access_scopes, model):
            return None
        return str(model["name"])
