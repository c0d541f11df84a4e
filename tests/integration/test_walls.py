"""The walls between people, climbed from inside a trainee's own kernel and browser, on a real hub."""

import io
import json
import os
import re
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser
from tests.integration.hubs import ROOT, Hub, Visitor, servers_of
from tests.integration.workshop import LAB, run_code

pytestmark = [pytest.mark.slow, pytest.mark.browser]

EXCHANGE = f"cohorts/demo/labs/{LAB}"
REQUESTS = """
import json, os, urllib.error, urllib.request
from pathlib import Path
def ask(method, url, body=None):
    headers = {"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]}
    request = urllib.request.Request(url, method=method, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
def tell(told):
    print(json.dumps(told))
"""


class Person:
    """Somebody of the demo cohort who has their own server's page open."""

    def __init__(self, browser: Browser, hub: Hub, name: str, cohort: str = "demo") -> None:
        self.name = name
        self.visitor = Visitor(browser, hub)
        self.page = self.visitor.page
        self.visitor.sign_in(name, cohort)
        self.open_server()

    def open_server(self) -> None:
        """Have the server started if need be, and go to its page."""
        url = self.visitor.hub.url
        for _ in range(60):
            self.page.goto(f"{url}/hub/spawn/{self.name}?next=/user/{self.name}/lab")
            # The hub's own page of that name says, of a server that was killed, that it does not run.
            self.page.wait_for_url(re.compile(rf"/user/{self.name}/lab"))
            if self.page.request.get(f"{url}/user/{self.name}/api/status").ok:
                return
            self.page.wait_for_timeout(500)  # the hub looks every few seconds whether a server still lives
        raise AssertionError(self.page.inner_text("body"))

    def tells(self, code: str) -> Any:
        """Run code in a new kernel of theirs; return what it ``tell``s last."""
        told = run_code(self.page, self.name, REQUESTS + code)
        try:
            return json.loads(told.splitlines()[-1])
        except (ValueError, IndexError):
            raise AssertionError(told) from None


@pytest.fixture(scope="module")
def ana(browser: Browser, shared_hub: Hub) -> Iterator[Person]:
    """The trainee who climbs."""
    person = Person(browser, shared_hub, "ana")
    yield person
    person.visitor.close()


@pytest.fixture(scope="module")
def bia(browser: Browser, shared_hub: Hub) -> Iterator[Person]:
    """Her neighbour, who has opened the lab."""
    person = Person(browser, shared_hub, "bia")
    person.page.goto(f"{shared_hub.url}/user/bia/csirtlab/open?cohort=demo&lab={LAB}")
    person.page.goto(f"{shared_hub.url}/user/bia/lab")
    yield person
    person.visitor.close()


@pytest.fixture(scope="module")
def irene(browser: Browser, shared_hub: Hub) -> Iterator[Visitor]:
    """Their instructor, with the formgrader open."""
    visitor = Visitor(browser, shared_hub)
    visitor.sign_in("irene")
    open_formgrader(visitor)
    yield visitor
    visitor.close()


def open_formgrader(visitor: Visitor, cohort: str = "demo") -> None:
    visitor.page.goto(f"{visitor.hub.url}/services/workshop/formgrader/{cohort}")
    visitor.page.wait_for_url(f"**/user/grade-{cohort}/formgrader/**")


@pytest.fixture(scope="module")
def submission(bia: Person) -> int:
    """The number of a submission of the neighbour."""
    code = f"""
from csirtlab.exchange.client import ExchangeClient
tell(ExchangeClient.from_environment().submit("demo", "{LAB}", Path("demo/{LAB}")).position)
"""
    return int(bia.tells(code))


def exchange_log(hub: Hub) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (hub.home / "exchange" / "log.jsonl").read_text().splitlines()]


def environments(hub: Hub) -> Iterator[dict[str, str]]:
    """Yield the environment of each process of the hub and of its servers, as only the operator may see it."""
    servers = set(servers_of(hub.home).values())
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            words = file.read_text(errors="replace").split("\0")
        except OSError:
            continue
        environment = dict(word.partition("=")[::2] for word in words)
        if environment.get("CSIRTLAB_HOME") == str(hub.home) or int(file.parent.name) in servers:
            yield environment


# What of the machine can be seen


def test_what_belongs_to_others_does_not_exist_in_a_trainees_server(shared_hub: Hub, ana: Person, bia: Person) -> None:
    home = shared_hub.home
    secrets = [
        home / "homes" / "bia", home / "homes", home / "hub" / "jupyterhub.sqlite", home / "hub" / "cookie_secret",
        home / "csirtlab.sqlite", home / "cohorts" / "demo" / "secret", home / "cohorts" / "demo" / "gradebook.db",
        home / "exchange" / "log.jsonl", home / "sign-ins" / "demo.csv", home / "log" / "hub.log", home,
        Path("/etc/shadow"), Path("/root"),
    ]  # fmt: skip
    assert all(path.exists() for path in secrets)

    assert ana.tells(f"tell([p for p in {[str(path) for path in secrets]} if os.path.lexists(p)])") == []


def test_nobody_can_list_their_way_to_a_neighbours_work(ana: Person, bia: Person) -> None:
    found = ana.tells("""
names = [path for top in ("/home", "/tmp", "/run", "/var") for path, _, _ in os.walk(top)]
tell([name for name in names if not name.startswith(("/home/trainee", "/tmp", "/run", "/var"))] + os.listdir("/home"))
""")

    assert found == ["/home", "trainee"]


def test_no_process_of_the_host_is_to_be_seen(ana: Person, bia: Person) -> None:
    commands = ana.tells("""
tell([(path.parent.name, path.read_text().replace("\\0", " ")) for path in Path("/proc").glob("[0-9]*/cmdline")])
""")

    known = ("bwrap ", "csirtlab.hub.start_server", "ipykernel_launcher", "/jupyter_builder/yarn.js")
    assert [command for _, command in commands if not any(name in command for name in known)] == []
    assert sum("csirtlab.hub.start_server" in command and "bwrap" not in command for _, command in commands) == 1


@pytest.mark.parametrize(
    "place", ["/", "/etc", "/usr/bin", "/var", "/dev", "sys.prefix", "csirtlab.__path__[0]", "content / 'labs'"]
)
def test_the_system_and_the_environment_cannot_be_written(ana: Person, place: str) -> None:
    where = repr(place) if place.startswith("/") else place
    said = ana.tells(f"""
import csirtlab, sys
content = Path(os.environ["CSIRTLAB_CONTENT"])
try:
    (Path({where}) / "climbed").write_text("")
    tell("written")
except OSError as error:
    tell(error.strerror)
""")

    assert said == "Read-only file system"


def test_each_trainee_has_a_uid_of_their_own_outside(shared_hub: Hub, ana: Person, bia: Person) -> None:
    code = "tell([int(word) for word in Path('/proc/self/uid_map').read_text().split()])"
    maps = [person.tells(code) for person in (ana, bia)]

    outer = [mapped[1] if os.geteuid() else (shared_hub.home / "homes" / name).stat().st_uid
             for mapped, name in zip(maps, ("ana", "bia"), strict=True)]  # fmt: skip
    assert [(mapped[0], mapped[2]) for mapped in maps] == [(1000, 1), (1000, 1)]
    if os.geteuid() == 0:
        assert len({*outer, os.geteuid()}) == 3 and all(uid >= 200_000 for uid in outer)


def test_a_home_is_open_to_its_own_uid_alone(shared_hub: Hub, ana: Person, bia: Person) -> None:
    for name in ("ana", "bia"):
        assert stat.S_IMODE((shared_hub.home / "homes" / name).stat().st_mode) == 0o700


def test_no_secret_of_hub_proxy_or_service_is_in_the_environment(shared_hub: Hub, ana: Person, bia: Person) -> None:
    secrets = {(shared_hub.home / "hub" / "cookie_secret").read_text().strip()}
    for environment in environments(shared_hub):
        if environment.get("JUPYTERHUB_USER") != "ana":
            secrets |= {environment.get("JUPYTERHUB_API_TOKEN", "")}
    secrets -= {""}
    assert len(secrets) >= 4  # cookies', the gate's, service's, neighbour's

    seen = ana.tells("tell(' '.join(p.read_text() for p in Path('/proc').glob('[0-9]*/environ') if os.access(p, 4)))")

    assert "JUPYTERHUB_API_TOKEN" in seen
    assert [secret for secret in secrets if secret in seen] == []


def test_kernels_are_spoken_to_over_ipc_and_listen_to_nothing_else(ana: Person) -> None:
    transport, listening = ana.tells("""
from ipykernel import get_connection_info
own = set()
for link in Path("/proc/self/fd").iterdir():
    try:
        own.add(os.readlink(link))
    except OSError:
        pass
tcp = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net/" + name).read_text().splitlines()[1:]]
tell([get_connection_info(unpack=True)["transport"],
      [words[1] for words in tcp if words[3] == "0A" and f"socket:[{words[9]}]" in own]])
""")

    assert (transport, listening) == ("ipc", [])


def test_no_walls_can_be_built_inside_the_walls(ana: Person) -> None:
    codes = ana.tells("""
import subprocess
tell([subprocess.run(words, capture_output=True).returncode for words in (
    ["true"], ["unshare", "-U", "true"], ["unshare", "-r", "-n", "true"], ["bwrap", "--ro-bind", "/", "/", "true"])])
""")

    assert codes[0] == 0 and all(codes[1:])


def test_reference_solutions_and_scenarios_are_hidden(ana: Person) -> None:
    assert list((ROOT / "labs").rglob("solution.py")) and list((ROOT / "datasets").iterdir())

    found = ana.tells("""
import sys
content = Path(os.environ["CSIRTLAB_CONTENT"])
tops = {Path(sys.prefix), content, Path("/home")}
tell([str(path) for top in tops for kind in ("solution.py", "lab.toml", "lab.md", "scenario.toml")
      for path in top.rglob(kind)] + [str(path) for name in ("labs", "datasets", "courses")
      for path in (content / name).rglob("*")])
""")

    assert found == []


# What a trainee's token opens


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"), ("POST", "/users/mallory"), ("POST", "/users/bia/server"), ("DELETE", "/users/bia/server"),
        ("POST", "/users/grade-demo/server"), ("POST", "/users/ana/tokens"), ("GET", "/users/bia/tokens"),
        ("GET", "/proxy"), ("GET", "/services"), ("POST", "/shares/grade-demo/"), ("POST", "/shutdown"),
    ],
)  # fmt: skip
def test_the_hub_gives_a_server_no_more_than_its_own(ana: Person, bia: Person, method: str, path: str) -> None:
    body = "None" if method == "GET" else "b'{}'"

    assert ana.tells(f"tell(ask({method!r}, os.environ['JUPYTERHUB_API_URL'] + {path!r}, {body})[0])") == 403


def test_a_neighbours_server_refuses_a_trainees_token(shared_hub: Hub, ana: Person, bia: Person) -> None:
    token = ana.tells("tell(os.environ['JUPYTERHUB_API_TOKEN'])")

    with httpx.Client(base_url=shared_hub.url, headers={"Authorization": f"token {token}"}, trust_env=False) as http:
        assert http.get("/user/ana/api/contents").status_code == 200
        assert http.get("/user/bia/api/contents").status_code == 403
        assert http.get(f"/user/bia/api/contents?token={token}", headers={"Authorization": ""}).status_code != 200


def test_nothing_but_hub_and_exchange_is_reached_from_a_server(shared_hub: Hub, ana: Person, bia: Person) -> None:
    """Not the hub's public port, no neighbour's listener, no name server."""
    bia.tells("""
import socket, threading
listening = socket.create_server(("0.0.0.0", 0))
tell(listening.getsockname()[1])
""")
    interfaces, reached = ana.tells(f"""
import socket
def reaches(address):
    try:
        socket.create_connection(address, timeout=3).close()
        return True
    except OSError:
        return False
own = int(os.environ.get("CSIRTLAB_EXCHANGE_URL", "").rpartition(":")[2].partition("/")[0])
outside = [("127.0.0.1", {shared_hub.port}), ("localhost", {shared_hub.port}), ("127.0.0.1", 22), ("127.0.0.1", 5432),
           ("192.0.2.1", 80)]
listening = [int(line.split()[1].split(":")[1], 16) for line in open("/proc/net/tcp") if line.split()[3] == "0A"]
tell([[name for _, name in socket.if_nameindex()],
      [address for address in outside if reaches(address)] + [port for port in listening if port != own]])
""")

    assert (interfaces, reached) == (["lo"], [])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"{EXCHANGE}/release"), ("DELETE", f"{EXCHANGE}/release"), ("PUT", f"{EXCHANGE}/feedback/ana"),
        ("PUT", f"{EXCHANGE}/feedback/bia"), ("GET", f"cohorts/quito-2027/labs/{LAB}/folder"),
        ("POST", f"cohorts/quito-2027/labs/{LAB}/submissions"),
    ],
)  # fmt: skip
def test_the_exchange_refuses_what_is_not_a_trainees(ana: Person, method: str, path: str) -> None:
    body = "None" if method in ("GET", "DELETE") else "b''"
    code = f"tell(ask({method!r}, os.environ['CSIRTLAB_EXCHANGE_URL'] + {'/' + path!r}, {body}))"

    status, said = ana.tells(code)

    assert status == 403 and ("instructor" in said)


def test_a_neighbours_submission_is_refused_and_not_listed(ana: Person, submission: int) -> None:
    one, listed = ana.tells(f"""
url = os.environ["CSIRTLAB_EXCHANGE_URL"]
tell([ask("GET", url + "/cohorts/demo/submissions/{submission}"), ask("GET", url + "/{EXCHANGE}/submissions")])
""")

    assert one[0] == 403 and "somebody else" in one[1]
    assert listed[0] == 200 and "bia" not in listed[1]


def test_nobody_can_submit_in_anothers_name_over_http(shared_hub: Hub, ana: Person) -> None:
    before = len(exchange_log(shared_hub))

    status, said = ana.tells(f"""
import io, zipfile
packed = io.BytesIO()
with zipfile.ZipFile(packed, "w") as archive:
    archive.writestr("{LAB}.ipynb", json.dumps({{"cells": [], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}))
claims = "?trainee=bia&student=bia&user=bia&username=bia&by=bia"
tell(ask("POST", os.environ["CSIRTLAB_EXCHANGE_URL"] + "/{EXCHANGE}/submissions" + claims, packed.getvalue()))
""")

    assert status == 201 and json.loads(said)["trainee"] == "ana"
    assert [(entry["by"], entry["trainee"]) for entry in exchange_log(shared_hub)[before:]] == [("ana", "ana")]


def test_nobody_can_submit_in_anothers_name_with_nbgrader(shared_hub: Hub, ana: Person) -> None:
    before = len(exchange_log(shared_hub))

    ana.tells(f"""
import subprocess
from csirtlab.exchange.client import ExchangeClient
folder = Path.home() / "as-bia" / "{LAB}"
ExchangeClient.from_environment().fetch_folder("demo", "{LAB}", folder)
(folder / "note.txt").write_text("not the submission before")
done = subprocess.run(
    ["nbgrader", "submit", "{LAB}", "--course", "demo", "--student", "bia"], cwd=folder.parent, capture_output=True,
)
tell(done.stderr.decode()[-2000:])
""")

    assert {entry["trainee"] for entry in exchange_log(shared_hub)[before:]} <= {"ana"}


def test_killing_everything_ends_only_ones_own_server(browser: Browser, shared_hub: Hub, bia: Person) -> None:
    ben = Person(browser, shared_hub, "ben")
    try:
        run_code(ben.page, "ben", "import os\nos.kill(-1, 9)")
    except Exception as error:  # the server is gone before it can answer
        assert "fetch" in str(error) or "WebSocket" in str(error), error

    assert bia.tells("tell(1 + 1)") == 2
    assert ben.page.request.get(f"{shared_hub.url}/hub/health").status == 200
    assert shared_hub.process.poll() is None
    # And the way back is the usual one.
    ben.open_server()
    assert ben.tells("tell(1 + 1)") == 2
    ben.visitor.close()


# What a trainee's browser opens


def test_the_formgrader_is_closed_to_a_trainee(shared_hub: Hub, ana: Person, irene: Visitor) -> None:
    for place in (
        "/services/workshop/formgrader/demo",
        "/user/grade-demo/formgrader/",
        "/user/grade-demo/api/contents",
    ):
        assert ana.page.request.get(shared_hub.url + place).status == 403, place


def test_a_neighbours_server_is_closed_in_the_browser_too(shared_hub: Hub, ana: Person, bia: Person) -> None:
    for place in ("/user/bia/lab", "/user/bia/api/contents", f"/user/bia/csirtlab/submit?cohort=demo&lab={LAB}"):
        assert ana.page.request.get(shared_hub.url + place).status == 403, place


def test_a_trainees_own_server_has_no_formgrader(shared_hub: Hub, ana: Person) -> None:
    assert ana.page.request.get(f"{shared_hub.url}/user/ana/formgrader/manage_assignments").status == 404


def test_nothing_is_submitted_by_a_request_that_its_page_did_not_make(shared_hub: Hub, bia: Person) -> None:
    before = exchange_log(shared_hub)

    answer = bia.page.request.post(
        f"{shared_hub.url}/user/bia/csirtlab/submit?cohort=demo&lab={LAB}", form={"_xsrf": "x"}
    )

    assert answer.status == 403
    assert exchange_log(shared_hub) == before


def test_feedback_is_shown_without_scripts_and_of_no_origin(
    shared_hub: Hub, bia: Person, irene: Visitor, submission: int
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{LAB}.html", "<h1>Feedback</h1><script>document.body.innerHTML = document.cookie</script>")
    run_code(
        irene.page,
        "grade-demo",
        f"""
from csirtlab.exchange.client import ExchangeClient
ExchangeClient.from_environment().give_feedback("demo", "{LAB}", "bia", {packed.getvalue()!r}, submission={submission})
""",
    )
    visitor = bia.page.context.new_page()

    answer = visitor.goto(f"{shared_hub.url}/services/workshop/feedback/demo/{LAB}")

    assert answer and answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert visitor.inner_text("body").strip() == "Feedback"
    assert visitor.evaluate("window.origin") == "null"


@pytest.fixture
def handed_in(shared_hub: Hub) -> str:
    """The folder of a submission with files beside its notebook, as the cohort's server calls it."""
    cohort = shared_hub.home / "cohorts" / "demo"
    folder = cohort / "submitted" / "nobody" / "nothing"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.html").write_text("<h1>Mine</h1><script>document.body.innerHTML = 'ran'</script>")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": [], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "nothing.ipynb").write_text(json.dumps(notebook))
    (folder / "psutil.py").write_text("open('/home/trainee/RAN', 'w')")
    owner = cohort.stat()
    for path in (folder.parent.parent, folder.parent, folder, *folder.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    return "submitted/nobody/nothing"


def test_a_file_that_was_handed_in_is_no_page_of_the_hub(shared_hub: Hub, irene: Visitor, handed_in: str) -> None:
    page = irene.page.context.new_page()

    page.goto(f"{shared_hub.url}/user/grade-demo/files/{handed_in}/page.html")

    assert page.inner_text("body").strip() == "Mine"
    assert page.evaluate("window.origin") == "null"
    page.close()


def test_opening_a_submission_in_jupyterlab_runs_nothing(shared_hub: Hub, irene: Visitor, handed_in: str) -> None:
    page = irene.page.context.new_page()

    page.goto(f"{shared_hub.url}/user/grade-demo/lab/tree/{handed_in}/nothing.ipynb")
    page.wait_for_selector(".jp-Dialog-content")

    assert "csirtlab grade" in page.inner_text(".jp-Dialog-content")
    sessions = page.request.get(f"{shared_hub.url}/user/grade-demo/api/sessions").json()
    assert [session["path"] for session in sessions if "submitted" in session["path"]] == []
    assert not (shared_hub.home / "cohorts" / "demo" / "RAN").exists()
    page.close()


def test_kernels_of_a_cohorts_server_import_from_no_folder_that_they_start_in(irene: Visitor) -> None:
    code = "import sys; print(sys.flags.safe_path, [place for place in sys.path if place in ('', '.')])"

    assert run_code(irene.page, "grade-demo", code).split() == ["True", "[]"]


def test_feedback_of_a_neighbour_is_not_ones_own(shared_hub: Hub, ana: Person) -> None:
    assert ana.page.request.get(f"{shared_hub.url}/services/workshop/feedback/demo/{LAB}").status == 404


# Signing in and out


def try_sign_in(visitor: Visitor, username: str, passphrase: str, **headers: str) -> tuple[int, str]:
    visitor.page.context.set_extra_http_headers(headers)
    visitor.page.goto(f"{visitor.hub.url}/hub/login")
    visitor.page.fill("#username_input", username)
    visitor.page.fill("#password_input", passphrase)
    posted = visitor.page.expect_response(lambda answer: answer.request.method == "POST")
    with visitor.page.expect_navigation(), posted as answer:  # to its end: the page is read
        visitor.page.click("#login_submit")
    return answer.value.status, visitor.page.inner_text("body")


@pytest.fixture
def stranger(browser: Browser, shared_hub: Hub) -> Iterator[Visitor]:
    visitor = Visitor(browser, shared_hub)
    yield visitor
    visitor.close()


def test_a_wrong_passphrase_is_refused(stranger: Visitor) -> None:
    status, said = try_sign_in(stranger, "ben", "bafo-timu-rake-polu")

    assert status == 403 and "Check user name and passphrase" in said


def test_the_sixth_try_is_paused_and_told_for_how_long(stranger: Visitor) -> None:
    tries = [try_sign_in(stranger, "guessed-name", f"guess {number}") for number in range(6)]

    assert [status for status, _ in tries] == [403] * 5 + [429]
    assert re.search(r"Try again in \d+ s", tries[-1][1])


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-Ip"])
def test_a_made_up_address_does_not_buy_more_tries(stranger: Visitor, header: str) -> None:
    name = f"spoofed-{header.lower()}"

    tries = [try_sign_in(stranger, name, "guess", **{header: f"203.0.113.{number}"}) for number in range(6)]

    assert tries[-1][0] == 429


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "////evil.example"]
)
def test_signing_in_leads_nowhere_else(stranger: Visitor, elsewhere: str) -> None:
    stranger.page.goto(f"{stranger.hub.url}/hub/login?next={elsewhere}")
    stranger.page.fill("#username_input", "bia")
    stranger.page.fill("#password_input", stranger.hub.passphrase("bia"))
    stranger.page.click("#login_submit")
    stranger.page.wait_for_load_state("load")

    assert stranger.page.url.startswith(f"{stranger.hub.url}/")
    assert stranger.foreign == []


def test_signing_out_ends_the_workshops_page_too(stranger: Visitor) -> None:
    stranger.sign_in("bia")
    kept = next(cookie for cookie in stranger.page.context.cookies() if cookie["name"] == "csirtlab-workshop")
    stranger.page.goto(f"{stranger.hub.url}/hub/logout")

    # Even a cookie that was copied before opens nothing.
    stranger.page.context.add_cookies(
        [{"name": kept["name"], "value": kept["value"], "url": f"{stranger.hub.url}/services/workshop/"}]
    )
    stranger.page.goto(f"{stranger.hub.url}/services/workshop/")

    assert "/hub/login" in stranger.page.url


# Cohorts beside each other


@pytest.fixture(scope="module")
def luz(browser: Browser, shared_hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """The instructor of a second cohort, created while the hub runs."""
    roster = tmp_path_factory.mktemp("lima") / "roster.csv"
    roster.write_text("username,name,language,role\nluz,Luz Rojas,es,instructor\nleo,Leo Díaz,es,trainee\n")
    command: list[str | Path] = [ROOT / "csirtlab", "cohort", "create", "lima-2027", "--course", "detection"]
    command += ["--roster", roster]
    done = subprocess.run([*command, "--home", shared_hub.home], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    visitor = Visitor(browser, shared_hub, "en-US")
    visitor.sign_in("luz", "lima-2027")
    yield visitor
    visitor.close()


def test_a_cohort_created_while_the_hub_runs_has_its_formgrader_at_once(luz: Visitor) -> None:
    open_formgrader(luz, "lima-2027")
    luz.page.wait_for_selector(f"td.name:has-text('{LAB}')")

    assert "/user/grade-lima-2027/formgrader/" in luz.page.url


def test_an_instructor_of_one_cohort_is_refused_at_anothers_formgrader(luz: Visitor, irene: Visitor) -> None:
    for place in ("/services/workshop/formgrader/demo", "/user/grade-demo/", "/user/grade-demo/formgrader/"):
        assert luz.page.request.get(luz.hub.url + place).status == 403, place


def test_a_cohorts_server_has_no_say_in_another_cohort(luz: Visitor, irene: Visitor) -> None:
    open_formgrader(luz, "lima-2027")
    luz.page.goto(f"{luz.hub.url}/user/grade-lima-2027/lab")

    told = run_code(
        luz.page,
        "grade-lima-2027",
        REQUESTS
        + f"""
url = os.environ["CSIRTLAB_EXCHANGE_URL"]
paths = [("GET", "/{EXCHANGE}/submissions"), ("PUT", "/{EXCHANGE}/release"), ("PUT", "/{EXCHANGE}/feedback/ana")]
tell([ask(method, url + path, None if method == "GET" else b"")[0] for method, path in paths]
     + [os.path.lexists({str(luz.hub.home / "cohorts" / "demo")!r})])
""",
    )

    assert json.loads(told.splitlines()[-1]) == [403, 403, 403, False]
