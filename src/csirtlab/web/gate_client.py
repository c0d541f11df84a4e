"""The gate as the workshop's service speaks to it: whom it has signed in may pass."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx

from csirtlab.origins import origin_of
from csirtlab.web.hub_api import HubApiError


@dataclass(frozen=True)
class GateClient:
    """``socket`` is the gate's; ``origin`` that of the hub's own pages, where each server has a host of its own."""

    socket: Path
    origin: str = ""

    async def cookie(self, token: str) -> str:
        """Return the gate's cookie for the browser of whoever has this token of the hub."""
        return await self._ask("sessions", token)

    async def way_in(self, token: str, owner: str, wanted: str) -> str:
        """Return where a browser gets the gate's cookie for ``owner``'s server, on its own host, and goes on to it."""
        query = urlencode({"ticket": await self._ask(f"tickets/{owner}", token), "next": wanted})
        return f"{origin_of(owner, self.origin)}/_enter?{query}"

    async def _ask(self, place: str, token: str) -> str:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(self.socket)), timeout=10) as client:
            try:
                answer = await client.post(f"http://gate/{place}", content=token)
            except httpx.TransportError as error:
                raise HubApiError("the gate does not answer: it is starting. Try again in a minute.") from error
        if answer.status_code != 201:
            raise HubApiError("the session has ended. Go back to the first page and sign in again.")
        return answer.text
