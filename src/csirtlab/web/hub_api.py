"""The few calls that the workshop's pages make to JupyterHub's REST API."""

from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from csirtlab.errors import CsirtlabError
from csirtlab.sockets import httpx_address


class HubApiError(CsirtlabError):
    """The hub refused a call or did not answer."""


@dataclass(frozen=True)
class HubApi:
    """JupyterHub as the workshop's service sees it.

    Source: JupyterHub's REST API, and its OAuth provider (RFC 6749, code grant).
    """

    api_url: str
    token: str
    client_id: str

    def sign_in_url(self, redirect_uri: str, state: str) -> str:
        """Return where to send a browser that has no session here yet."""
        query = {"client_id": self.client_id, "redirect_uri": redirect_uri, "response_type": "code", "state": state}
        return f"/hub/api/oauth2/authorize?{urlencode(query)}"

    async def token_for_code(self, code: str, redirect_uri: str) -> str:
        """Exchange the code that a browser brought back for its user's token."""
        form = {
            "client_id": self.client_id,
            "client_secret": self.token,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
        }
        async with self._client(timeout=10) as client:
            answer = await client.post("/oauth2/token", data=form)
        if answer.status_code != 200:
            raise HubApiError("signing in did not work. Go back to the first page and sign in again.")
        return str(answer.json()["access_token"])

    async def username_for_token(self, token: str) -> str:
        """Return whose token this is."""
        async with self._client(timeout=10) as client:
            answer = await client.get("/user", headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 200:
            raise HubApiError("the session has ended. Go back to the first page and sign in again.")
        return str(answer.json()["name"])

    async def ensure_server(self, username: str) -> bool:
        """Make sure that an account has a server or that one is starting; return whether it is ready."""
        user = await self._call("GET", f"/users/{username}", accept=(200, 404))
        if user.status_code == 404:
            await self._call("POST", f"/users/{username}", accept=(201, 409))
            user = await self._call("GET", f"/users/{username}", accept=(200,))
        server = user.json().get("servers", {}).get("", {})
        if server.get("ready"):
            return True
        if not server.get("pending"):
            await self._call("POST", f"/users/{username}/server", accept=(201, 202, 400))
        return False

    async def let_in(self, owner: str, username: str) -> None:
        """Allow a person into an account's server."""
        await self._call("POST", f"/shares/{owner}/", accept=(200, 201), json={"user": username})

    def _client(self, *, timeout: int) -> httpx.AsyncClient:
        url, socket = httpx_address(self.api_url)
        transport = httpx.AsyncHTTPTransport(uds=socket)
        return httpx.AsyncClient(base_url=url, transport=transport, timeout=timeout, trust_env=False)

    async def _call(self, method: str, path: str, *, accept: tuple[int, ...], json: object = None) -> httpx.Response:
        async with self._client(timeout=30) as client:
            answer = await client.request(method, path, json=json, headers={"Authorization": f"Bearer {self.token}"})
        if answer.status_code not in accept:
            raise HubApiError(
                f"the hub answered {answer.status_code} to {method} {path}. Try again; if it stays, see log/hub.log."
            )
        return answer
