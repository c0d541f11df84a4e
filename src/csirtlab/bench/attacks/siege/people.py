"""People of the hub who are signed in, each with a browser's cookies and without a browser."""

import re
from dataclasses import dataclass
from http.cookiejar import Cookie
from pathlib import Path

import httpx

from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.sign_ins import read_sign_ins
from csirtlab.errors import SetupError

PATIENCE_S = 60.0
WORKSHOP = "/services/workshop/"


@dataclass
class Person:
    """Somebody's cookies, and what asks with them. ``source`` is the address of loopback that they come from."""

    name: str
    url: str
    passphrase: str
    source: str = "127.0.0.1"

    def __post_init__(self) -> None:
        self.http = self.new_client()

    def new_client(self) -> httpx.Client:
        """Return a client without cookies, from this person's address."""
        transport = httpx.HTTPTransport(local_address=self.source)
        return httpx.Client(
            base_url=self.url, timeout=PATIENCE_S, transport=transport, trust_env=False, follow_redirects=False
        )

    def sign_in(self) -> "Person":
        """Sign in as a browser does, through to the first page, where the gate's cookie is given."""
        self.http.cookies.clear()
        answer = self.try_sign_in(self.http, self.name, self.passphrase)
        for _ in range(8):
            if not answer.has_redirect_location:
                break
            answer = self.http.get(answer.headers["location"])
        if answer.status_code != 200 or not answer.url.path.startswith(WORKSHOP):
            raise SetupError(f"{self.name} cannot sign in: {answer.status_code} {answer.url}")
        return self

    @staticmethod
    def try_sign_in(http: httpx.Client, name: str, passphrase: str, query: str = "", **headers: str) -> httpx.Response:
        """Send the form, and return the answer to it."""
        page = http.get(f"/hub/login{query}", headers=headers)
        found = re.search(r'name="_xsrf" value="([^"]*)"', page.text)
        form = {"username": name, "password": passphrase, "_xsrf": found[1] if found else ""}
        return http.post(f"/hub/login{query}", data=form, headers=headers)

    def sign_out(self) -> None:
        """Sign out; the cookies stay as they were, as somebody would have them who copied them before."""
        with self.new_client() as http:
            answer = http.get("/hub/logout", headers={"Cookie": self.cookies("/hub/")})
        if answer.status_code >= 400:
            raise SetupError(f"{self.name} cannot sign out: {answer.status_code}")

    def jar(self) -> list[Cookie]:
        """Return the cookies as they were given."""
        return list(self.http.cookies.jar)

    def cookies(self, path: str = "") -> str:
        """Return the header with the cookies for a path; without one, with all."""
        kept = [each for each in self.jar() if not path or path.startswith(each.path)]
        return "; ".join(f"{each.name}={each.value}" for each in kept)

    def cookie(self, name: str) -> str:
        """Return the value of one cookie."""
        return next((each.value or "" for each in self.jar() if each.name == name), "")

    def xsrf(self, path: str = "/hub/") -> str:
        """Return what a form of the page at ``path`` sends beside the cookies."""
        return next((each.value or "" for each in self.jar() if each.name == "_xsrf" and each.path == path), "")

    def start_server(self, owner: str = "") -> None:
        """Have a server started, by default their own, and wait until it answers."""
        name = owner or self.name
        answer = self.http.get(f"/hub/spawn/{name}")
        # Not on to the server itself: what that says, cookies above all, is not for this person's jar.
        while answer.has_redirect_location and not answer.headers["location"].startswith("/user/"):
            answer = self.http.get(answer.headers["location"])
        with self.http.stream("GET", f"/hub/api/users/{name}/server/progress", headers=self.referer) as told:
            for line in told.iter_lines():
                if '"ready": true' in line or '"failed": true' in line:
                    break

    def stop_server(self) -> None:
        """Stop their own server, and wait until it has ended."""
        answer = self.http.delete(f"/hub/api/users/{self.name}/server", headers=self.as_page)
        if answer.status_code not in (202, 204, 400, 404):
            raise SetupError(f"the server of {self.name} does not stop: {answer.status_code} {answer.text}")

    def has_server(self) -> bool:
        """Return whether the hub knows a server of theirs, be it ending."""
        return bool(self.http.get(f"/hub/api/users/{self.name}", headers=self.as_page).json().get("servers"))

    @property
    def referer(self) -> dict[str, str]:
        """What a page of the hub sends beside its cookies."""
        return {"Referer": f"{self.url}/hub/home", "Sec-Fetch-Site": "same-origin"}

    @property
    def as_page(self) -> dict[str, str]:
        """The headers of a script of the hub's own pages."""
        return {**self.referer, "X-XSRFToken": self.xsrf()}


def passphrase_of(home: Path, cohort: str, name: str) -> str:
    """Return what somebody signs in with.

    Raises:
        SetupError: It was not written down, or the file was removed already.
    """
    for each in read_sign_ins(Home(home), cohort):
        if each.username == name and each.passphrase:
            return each.passphrase
    raise SetupError(f"{home / 'sign-ins' / cohort}.csv does not say how {name} signs in.")
