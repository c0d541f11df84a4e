"""Signed out means out, at a real hub: cookies, tokens, pages and servers end when somebody may no longer."""

import logging
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import httpx
import pytest
from tests.integration.hubs import ROOT, Hub, free_port, start_hub, stop_hub
from tests.processes import until

from csirtlab.cohorts.store import open_store
from csirtlab.hub.forwarder import forward
from csirtlab.sockets import sockets_of

pytestmark = pytest.mark.slow

PROMISED_S = 10.0
WORKSHOP = "/services/workshop/"
FORMGRADER = "/user/grade-demo/formgrader/api/assignments"


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub of these tests' own: they throw people out of it."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-hub-") as folder:
        Path(folder).chmod(0o711)
        hub = start_hub(Path(folder) / "state", free_port())
        command(hub, "cohort", "add", "demo", "--roster", str(roster(Path(folder))))
        yield hub
        stop_hub(hub)


def roster(folder: Path) -> Path:
    path = folder / "roster.csv"
    path.write_text("username,name,role\nivo,Ivo Rey,instructor\n")
    return path


def command(hub: Hub, *words: str, environment: dict[str, str] | None = None) -> str:
    """Run a command of the operator's, or of whoever has this environment; return what it printed."""
    line = [str(ROOT / "csirtlab"), *words, *([] if environment else ["--home", str(hub.home)])]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Browser:
    """Somebody's browser, as far as cookies go."""

    def __init__(self, hub: Hub, name: str, passphrase: str | None = None) -> None:
        self.http = httpx.Client(base_url=hub.url, follow_redirects=True, timeout=60, trust_env=False)
        self.http.get("/hub/login")
        form = {"username": name, "password": passphrase or hub.passphrase(name), "_xsrf": self.xsrf("/hub/")}
        self.http.post("/hub/login", data=form)

    def xsrf(self, path: str) -> str:
        found = (cookie for cookie in self.http.cookies.jar if cookie.name == "_xsrf" and cookie.path == path)
        return next(cookie.value or "" for cookie in found)

    @property
    def is_in(self) -> bool:
        """Whether the workshop's page is shown, and not the form to sign in."""
        answer = self.http.get(WORKSHOP)
        return answer.status_code == 200 and "password_input" not in answer.text

    def gets(self, path: str) -> bool:
        """Whether a page is shown to who has these cookies, without being sent anywhere."""
        return self.http.get(path, follow_redirects=False).status_code == 200

    def start_server(self, name: str) -> None:
        until(lambda: self.gets_by_way_of(f"/hub/spawn/{name}", f"/user/{name}/api/status"))

    def open_formgrader(self) -> None:
        until(lambda: self.gets_by_way_of(f"{WORKSHOP}formgrader/demo", FORMGRADER))

    def gets_by_way_of(self, page: str, path: str) -> bool:
        """Whether a path is shown after a page, which leads through the hub and gives the server's cookie."""
        self.http.get(page)
        return self.gets(path)

    def close(self) -> None:
        self.http.close()


@cache
def exchange_url(home: Path) -> str:
    return f"http://127.0.0.1:{forward(sockets_of(home).inner)}/services/workshop/exchange"


def environment_of(name: str, hub: Hub) -> dict[str, str]:
    """Return the environment of somebody's own server, as only the operator may see it; empty: none runs."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            words = (folder / "environ").read_text(errors="replace").split("\0")
        except OSError:
            continue
        # Walls are built by a process whose arguments name the home.
        environment = dict(word.partition("=")[::2] for word in words)
        if str(hub.home).encode() in command and environment.get("JUPYTERHUB_USER") == name:
            own = {key: value for key, value in environment.items() if key.startswith(("CSIRTLAB_", "JUPYTERHUB_"))}
            # As it is within the walls, where a forwarder leads to this socket.
            return {**own, "CSIRTLAB_EXCHANGE_URL": exchange_url(hub.home)}
    return {}


def known_to_exchange(environment: dict[str, str]) -> bool:
    headers = {"Authorization": f"Bearer {environment['JUPYTERHUB_API_TOKEN']}"}
    return (
        httpx.get(f"{environment['CSIRTLAB_EXCHANGE_URL']}/labs", headers=headers, trust_env=False).status_code == 200
    )


def seconds_until(holds: Callable[[], bool]) -> float:
    began = time.monotonic()
    until(holds)
    took = time.monotonic() - began
    logging.getLogger(__name__).info("it took %.1f s", took)
    return took


def nothing_waits(hub: Hub) -> bool:
    with closing(open_store(hub.home)) as store:
        return not store.endings()


@pytest.fixture
def at_hub(hub: Hub) -> Iterator[Callable[..., Browser]]:
    opened: list[Browser] = []

    def sign_in(name: str, passphrase: str | None = None) -> Browser:
        opened.append(Browser(hub, name, passphrase))
        return opened[-1]

    yield sign_in
    for browser in opened:
        browser.close()


def test_a_renewed_passphrase_ends_everything_that_is_open_within_ten_seconds(
    hub: Hub, at_hub: Callable[..., Browser]
) -> None:
    old = hub.passphrase("ana")
    ana, elsewhere, ben = at_hub("ana"), at_hub("ana"), at_hub("ben")
    ana.start_server("ana")
    token = environment_of("ana", hub)
    answer = ana.http.post("/hub/api/users/ana/tokens", params={"_xsrf": ana.xsrf("/hub/")}, json={"note": "kept"})
    made = {"Authorization": f"token {answer.json()['token']}"}
    assert httpx.get(f"{hub.url}/hub/api/user", headers=made, trust_env=False).status_code == 200
    assert ana.is_in and elsewhere.is_in and ben.is_in and known_to_exchange(token)

    new = command(hub, "cohort", "passphrase", "ana")
    took = seconds_until(
        lambda: not (ana.is_in or elsewhere.is_in or environment_of("ana", hub) or known_to_exchange(token))
    )

    assert took < PROMISED_S, took
    until(lambda: nothing_waits(hub))
    assert httpx.get(f"{hub.url}/hub/api/user", headers=made, trust_env=False).status_code == 403
    assert ben.is_in
    assert not at_hub("ana", old).is_in
    assert at_hub("ana", new).is_in
    assert old not in (hub.home / "sign-ins" / "demo.csv").read_text()
    assert not re.search(f"{old}|{new}", hub.log())


def test_an_instructor_who_left_is_out_of_the_cohorts_server_which_goes_on(
    hub: Hub, at_hub: Callable[..., Browser]
) -> None:
    irene, ivo = at_hub("irene"), at_hub("ivo")
    irene.open_formgrader()
    ivo.open_formgrader()
    server = environment_of("grade-demo", hub)

    command(hub, "cohort", "drop", "demo", "ivo")
    took = seconds_until(lambda: not (ivo.gets(FORMGRADER) or ivo.is_in))

    assert took < PROMISED_S, took
    assert irene.gets(FORMGRADER) and irene.is_in
    assert environment_of("grade-demo", hub) == server


def test_an_instructor_renews_a_passphrase_from_the_cohorts_server_and_a_trainee_does_not(
    hub: Hub, at_hub: Callable[..., Browser]
) -> None:
    at_hub("irene").open_formgrader()
    bia = at_hub("bia")
    bia.start_server("bia")
    trainees = {**environment_of("bia", hub), "CSIRTLAB_COHORT": "demo"}

    with pytest.raises(AssertionError, match="Only an instructor"):
        command(hub, "cohort", "passphrase", "ben", environment=trainees)
    with pytest.raises(AssertionError, match="Only the operator renews an instructor"):
        command(hub, "cohort", "passphrase", "irene", environment=environment_of("grade-demo", hub))
    new = command(hub, "cohort", "passphrase", "bia", environment=environment_of("grade-demo", hub))

    until(lambda: not bia.is_in)
    assert at_hub("bia", new).is_in
    assert new not in hub.log()


def test_what_changed_while_no_hub_ran_counts_from_its_first_answer(hub: Hub, at_hub: Callable[..., Browser]) -> None:
    ben, irene = at_hub("ben"), at_hub("irene")
    assert ben.is_in and irene.is_in
    stop_hub(hub)

    command(hub, "cohort", "role", "demo", "ben", "instructor")
    again = start_hub(hub.home, hub.port)
    hub.process = again.process

    assert not ben.is_in
    assert irene.is_in
    until(lambda: nothing_waits(hub))
    assert at_hub("ben").is_in
