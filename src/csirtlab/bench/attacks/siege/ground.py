"""The ground on which the hub is attacked: a hub that runs, its people, their browsers, and ana's hostile server."""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from csirtlab.bench.attacks.siege import raw
from csirtlab.bench.attacks.siege.hostile import Hostile
from csirtlab.bench.attacks.siege.people import Person, passphrase_of
from csirtlab.bench.attacks.siege.witness import Witness
from csirtlab.cohorts.create import create_cohort
from csirtlab.cohorts.demo import COURSE
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.people import change_role
from csirtlab.cohorts.roster import Entry, Role
from csirtlab.cohorts.store import open_store
from csirtlab.content.courses import read_course
from csirtlab.errors import SetupError
from csirtlab.languages import Language
from csirtlab.settings import content_root
from csirtlab.sockets import sockets_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DEMO, COHORT = "demo", "siege"
LAB = "c2-beacon"
PATIENCE_MS = 20_000
MOST_VISITED = 3
_FETCH_ALL = """(urls) => Promise.all(urls.map(async (url) => {
    try { return await (await fetch(url)).text(); } catch { return ""; }
}))"""
PWNED = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>"
ROSTER = (
    # Past what a roster's file may say: pages show names with care by themselves.
    Entry("sol", PWNED, Language.EN, Role.INSTRUCTOR),
    Entry("mar", "' onmouseover=window.pwned=1 autofocus onfocus=window.pwned=1 x='", Language.ES, Role.INSTRUCTOR),
    Entry("nur", "{{7*191}} ${7*191} <%= 7*191 %> {% print(7*191) %}", Language.FR, Role.INSTRUCTOR),
    Entry("eva", "=1+1 \" onmouseover=window.pwned=1 autofocus onfocus=window.pwned=1 '", Language.PT, Role.TRAINEE),
    Entry("leo", "Leo", Language.EN, Role.TRAINEE),
)
"""A second cohort, whose people have names that are programs to whatever shows them without care."""


@dataclass
class Siege:
    """What attacks act with. A context manager; afterwards ana's server is an honest one again."""

    root: Path
    url: str
    browser: "Browser"
    stack: ExitStack = field(default_factory=ExitStack)
    _people: dict[str, Person] = field(default_factory=dict)
    _tabs: dict[str, "Page"] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.home = Home(self.root)
        self.sockets = sockets_of(self.root)
        self.port = urlsplit(self.url).port or 80
        self.host = f"127.0.0.1:{self.port}"
        self.line = raw.Line(self.port)
        with self.stack:
            self.witness = self.stack.enter_context(Witness())
            ensure_cohort(self.home)
            self.hostile = Hostile(self.person("ana"), self.home, self.sockets, self.witness.near)
            self.stack.callback(self._end)
            self.hostile.start()
            self._prove_that_canaries_are_seen()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def _end(self) -> None:
        for tab in self._tabs.values():
            tab.context.close()
        self._tabs.clear()
        self.hostile.stop()

    def _prove_that_canaries_are_seen(self) -> None:
        """Let ana see her own server, both ways: who would not see a canary could not miss it."""
        own = self.ask(self.person("ana"), "/user/ana/control")
        tab = self.tab("ana")
        tab.goto(f"{self.url}/user/ana/control", wait_until="commit")
        if self.canary not in own.decode("latin-1") or self.canary not in tab.content():
            raise SetupError(f"ana does not get what her own server answers: {own[:500]!r}")
        tab.context.close()
        del self._tabs["ana"]

    @property
    def canary(self) -> str:
        """What only ana's server says."""
        return self.hostile.canary

    def person(self, name: str) -> Person:
        """Return somebody who is signed in, the same each time."""
        if name not in self._people:
            self._people[name] = self.newcomer(name)
        return self._people[name]

    def newcomer(self, name: str, source: str = "127.0.0.1") -> Person:
        """Return somebody who has signed in anew, in another browser than before."""
        cohort = DEMO if name in ("irene", "ana", "ben", "bia") else COHORT
        person = Person(name, self.url, passphrase_of(self.root, cohort, name), source)
        self.stack.callback(person.http.close)
        return person.sign_in()

    def tab(self, name: str) -> "Page":
        """Return somebody's browser, signed in, the same each time; "" is a stranger's."""
        if name not in self._tabs:
            self._tabs[name] = self.new_tab(self.person(name) if name else None)
        return self._tabs[name]

    @contextmanager
    def aside(self, person: Person | None) -> Iterator["Page"]:
        """Give somebody a browser for what changes it."""
        tab = self.new_tab(person)
        try:
            yield tab
        finally:
            tab.context.close()

    def new_tab(self, person: Person | None) -> "Page":
        """Return a new browser with somebody's cookies."""
        context = self.browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(PATIENCE_MS)
        if person:
            context.add_cookies(
                [
                    {
                        "name": each.name, "value": each.value or "", "domain": "127.0.0.1", "path": each.path,
                        "httpOnly": each.has_nonstandard_attr("HttpOnly"), "sameSite": "Lax",
                    }
                    for each in person.jar()
                ]
            )  # fmt: skip
        return context.new_page()

    def ask(self, person: Person | None, target: str | bytes, method: str = "GET", **headers: str) -> bytes:
        """Send one request with all cookies of somebody, and return the answer's bytes."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        cookies = {"Cookie": person.cookies()} if person else {}
        return self.line.send(raw.request(target, {**cookies, **told}, host=self.host, method=method))

    def visit(self, tab: "Page", url: str) -> str:
        """Let a browser go somewhere, and return what its page holds then; what it refuses to do is nothing."""
        from playwright.sync_api import Error

        with contextlib.suppress(Error):  # a download, a refused connection, an answer without a page
            tab.goto(url, wait_until="commit")
        return shown(tab)

    def lure(self, tab: "Page", script: str, *, origin: str = "", body: str = "") -> Any:
        """Let a browser open a page of the attacker's, whose ``script`` is the body of an async function."""
        page = self.witness.page(f"<!doctype html><title>lure</title><body>{body}</body>")
        return self.lure_at(tab, (origin or self.witness.near) + page, script)

    def lure_at(self, tab: "Page", url: str, script: str) -> Any:
        """Run a script, the body of an async function, in the page at an address; return what it returns."""
        tab.goto(url)
        from playwright.sync_api import Error

        try:
            return tab.evaluate(f"async ([hub, canary]) => {{ {script} }}", [self.url, self.canary])
        except Error as error:
            if "context was destroyed" not in str(error):
                raise
            return shown(tab)  # it went elsewhere, as it was told to

    @contextmanager
    def nothing_reaches_ana(self) -> Iterator[Callable[[], list[str]]]:
        """Give what tells, of the requests that came to ana's server meanwhile, each as a harm."""
        before = len(self.hostile.seen())
        ran = len(self.witness.came("/ran"))

        def harms() -> list[str]:
            asked = self.hostile.seen()[before:]
            came = [f"ana's server was asked {method} {target}" for method, target, _, _ in asked]
            return came + ["ana's script ran elsewhere"] * (len(self.witness.came("/ran")) > ran)

        yield harms

    def follow(
        self, *spellings: str | bytes, names: Sequence[str] = ("irene", "ben"), in_browser: bool = True
    ) -> list[str]:
        """Let people follow addresses, by bytes and in a browser; return what of ana's server they got."""
        found: list[str] = []
        with self.nothing_reaches_ana() as harms:
            for name in names:
                for spelling in spellings:
                    if self.canary.encode() in self.ask(self.person(name), spelling):
                        found.append(f"{name} got ana's answer at {spelling!r}")
                urls = [self.url + spelling for spelling in spellings if isinstance(spelling, str)]
                if in_browser and urls:
                    found += self._follow_in_browser(name, urls)
            return found + harms()

    def _follow_in_browser(self, name: str, urls: Sequence[str]) -> list[str]:
        """Fetch all addresses from a page of the hub, and go to the first ones."""
        tab = self.tab(name)
        shown = {url: self.visit(tab, url) for url in urls[:MOST_VISITED]}
        tab.goto(f"{self.url}/robots.txt")
        shown |= dict(zip(urls, tab.evaluate(_FETCH_ALL, urls), strict=True))
        return [f"{name}'s browser got ana's answer at {url}" for url, text in shown.items() if self.canary in text]

    def exchange_log(self) -> list[dict[str, Any]]:
        """Return what the exchange has noted."""
        return [json.loads(line) for line in (self.home.exchange / "log.jsonl").read_text().splitlines()]


def shown(tab: "Page") -> str:
    """Return title and content of what a browser shows, once it has come to rest."""
    from playwright.sync_api import Error

    for _ in range(40):
        try:
            tab.wait_for_load_state("load")
            return f"{tab.title()} {tab.content()}"
        except Error:  # it is on its way to another page
            tab.wait_for_timeout(50)
    return ""


def ensure_cohort(home: Home) -> None:
    """Make the second cohort, unless it is there; the hub may be running."""
    store = open_store(home.root)
    try:
        if store.cohort(COHORT) is None:
            course = read_course(content_root(), COURSE)
            create_cohort(store, home, name=COHORT, course=course, roster=ROSTER, language=Language.EN)
    finally:
        store.close()


def set_role(home: Home, cohort: str, username: str, role: Role) -> None:
    """Give somebody another role in a cohort, as an operator does."""
    store = open_store(home.root)
    try:
        change_role(store, home, cohort, username, role)
    finally:
        store.close()
