"""``csirtlab up`` as an operator lives it: refusals with a way out, Ctrl-C, a power cut, a second start."""

import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from tests.certificates import make_certificate
from tests.integration.hubs import (
    ROOT,
    Hub,
    free_port,
    processes_of,
    servers_of,
    start_hub,
    stop_hub,
)

from csirtlab.sockets import sockets_of

LAB = "c2-beacon"
NOBODY = 65_534
slow = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs something as somebody else")


def csirtlab(*words: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the launcher to its end, as an operator would."""
    return subprocess.run(
        [ROOT / "csirtlab", *words], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """Return what a command that was refused said: on stderr, without a traceback, its lines joined."""
    assert done.returncode == 2, done
    assert done.stdout == "" and "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder that other users get into, as they do not into pytest's own."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-up-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


# Refusals of a running hub's neighbours


@slow
def test_a_second_hub_on_a_home_is_refused(shared_hub: Hub) -> None:
    said = refusal(csirtlab("up", "--home", shared_hub.home, "--port", str(free_port())))

    assert f"a hub runs on {shared_hub.home} already (process {shared_hub.process.pid})" in said
    assert f"kill {shared_hub.process.pid}" in said and "--home OTHER" in said


@slow
def test_a_taken_port_is_refused_and_another_one_named(shared_hub: Hub, tmp_path: Path) -> None:
    said = refusal(csirtlab("up", "--home", tmp_path / "other", "--port", str(shared_hub.port)))

    assert f"port {shared_hub.port} of 127.0.0.1 is taken" in said and f"--port {shared_hub.port + 1}" in said


@as_root
@slow
def test_a_home_that_servers_cannot_reach_is_refused_and_another_one_named(passable: Path) -> None:
    passable.chmod(0o700)

    said = refusal(csirtlab("up", "--home", passable / "home", "--port", str(free_port())))

    assert f"other users cannot pass {passable}" in said
    assert "--home /var/lib/csirtlab" in said and f"chmod o+x {passable}" in said


@slow
def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("")

    said = refusal(csirtlab("up", "--home", tmp_path / "home", "--tls-cert", tmp_path / "cert.pem"))

    assert "--tls-cert and --tls-key go together" in said


@slow
def test_a_roster_with_faults_is_refused_with_all_of_them(shared_hub: Hub, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("username,name\nana,Ana\nana,Ana\n../root,Mallory\nleo,\n")

    said = refusal(
        csirtlab("cohort", "create", "x1", "--course", "detection", "--roster", roster, "--home", shared_hub.home)
    )

    for line in (3, 4, 5):
        assert f"{roster}:{line}:" in said
    assert not (shared_hub.home / "cohorts" / "x1").exists()


@slow
def test_a_course_that_names_a_missing_lab_is_refused(shared_hub: Hub, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("username,name\nleo,Leo\n")
    content = tmp_path / "content"
    for name in ("courses", "labs", "datasets"):
        shutil.copytree(ROOT / name, content / name)
    shutil.rmtree(content / "labs" / LAB)

    done = csirtlab(
        "cohort", "create", "x2", "--course", "detection", "--roster", roster, "--home", shared_hub.home,
        CSIRTLAB_CONTENT=str(content),
    )  # fmt: skip

    said = refusal(done)
    assert f'"{LAB}"' in said and "courses/" in said
    assert not (shared_hub.home / "cohorts" / "x2").exists()


# What the machine lacks


@as_root
def test_a_missing_package_is_named_with_its_command_where_nobody_can_install_it(passable: Path) -> None:
    programs = passable / "bin"
    programs.mkdir()
    for name in ("env", "python3", "git", "bwrap", "apt-get", "sh"):
        (programs / name).symlink_to(shutil.which(name, path="/usr/bin:/bin") or "/usr/bin/true")
    shutil.copy(ROOT / "csirtlab", passable)

    done = subprocess.run(
        ["/usr/bin/setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", passable / "csirtlab", "up"],
        env={"PATH": str(programs), "HOME": str(passable)}, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert "missing: tshark. As root, run: apt-get install --no-install-recommends tshark" in refusal(done)


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``./csirtlab`` as a module."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = importlib.machinery.SourceFileLoader("launcher", str(ROOT / "csirtlab"))
    spec = importlib.util.spec_from_loader("launcher", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", [(3, 9), (3, 14)])
def test_a_python_that_does_not_fit_is_named_with_the_way_out(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: tuple[int, int]
) -> None:
    monkeypatch.setattr(launcher, "version_of", lambda python: (version, "/usr"))

    with pytest.raises(SystemExit) as ended:
        launcher.find_python()

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"/usr/bin/python3 is Python {version[0]}.{version[1]}" in said
    assert "Python 3.11 to 3.13 is needed" in said and "apt-get install python3" in said


@as_root
def test_a_python_that_trainees_cannot_read_is_not_taken(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], passable: Path
) -> None:
    private = passable / "private"
    private.mkdir(mode=0o700)
    monkeypatch.setattr(launcher, "version_of", lambda python: ((3, 12), str(private)))

    with pytest.raises(SystemExit):
        launcher.find_python()

    assert f"lies under {private}, which other users cannot read" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "content"), [("labs", str(ROOT)), ("evidence", str(ROOT)), ("up", None)])
def test_an_authors_commands_work_on_the_files_of_the_checkout(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch, command: str, content: str | None
) -> None:
    monkeypatch.setattr(os, "environ", {name: os.environ[name] for name in os.environ if name != "CSIRTLAB_CONTENT"})
    monkeypatch.setattr(sys, "argv", ["csirtlab", command])
    monkeypatch.setattr(launcher, "ensure_packages", lambda packages: None)
    monkeypatch.setattr(launcher, "ensure_environment", lambda kind: "/nowhere")
    handed_over: list[str | None] = []
    monkeypatch.setattr(os, "execv", lambda path, words: handed_over.append(os.environ.get("CSIRTLAB_CONTENT")))

    launcher.main()

    assert handed_over == [content]


@slow
def test_programs_are_not_exchanged_beneath_a_running_hub(
    shared_hub: Hub, launcher: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = Path(launcher.installed_folder(), "runtime")
    before = sorted((path, path.stat().st_mtime_ns) for path in environment.glob("lib/*/site-packages/csirtlab*"))
    monkeypatch.setattr(launcher, "digest", lambda paths: "a checkout that has changed")

    with pytest.raises(SystemExit) as ended:
        launcher.ensure_environment("runtime")

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"runs from the programs in {environment}" in said and "CSIRTLAB_PROGRAMS=DIR" in said
    assert (
        sorted((path, path.stat().st_mtime_ns) for path in environment.glob("lib/*/site-packages/csirtlab*")) == before
    )


@slow
@as_root
def test_where_user_namespaces_are_forbidden_the_hub_does_not_start(passable: Path) -> None:
    home = passable / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    forbidding = ["bwrap", "--unshare-user", "--disable-userns", "--bind", "/", "/", "--dev-bind", "/dev", "/dev"]
    program = Path(sys.executable).parent / "csirtlab"
    if subprocess.run([*as_nobody, "test", "-x", program, "-a", "-r", ROOT / "src"], check=False).returncode != 0:
        pytest.skip("other users cannot read this environment")

    done = subprocess.run(
        [*as_nobody, *forbidding, program, "up", "--home", home / "state", "--port", str(free_port())],
        env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    said = refusal(done)
    assert "bubblewrap cannot build walls here: bwrap: " in said and "--unsafe-no-box" in said
    assert not (home / "state" / "csirtlab.sqlite").exists()


# A hub's life, start after start on one home


@dataclass(frozen=True)
class Life:
    """The home of a hub that was started and stopped several times, and what was seen of it."""

    home: Path
    port: int


class Browser:
    """A trainee's way through the pages, without the pictures."""

    def __init__(
        self, hub: Hub, *, scheme: str = "http", verify: bool | ssl.SSLContext = True,
        cookies: httpx.Cookies | None = None,
    ) -> None:  # fmt: skip
        self.hub = hub
        self.http = httpx.Client(
            base_url=f"{scheme}://127.0.0.1:{hub.port}", follow_redirects=True, timeout=90, trust_env=False,
            verify=verify, cookies=cookies,
        )  # fmt: skip

    def close(self) -> None:
        self.http.close()

    def sign_in(self, username: str) -> httpx.Response:
        form = self.http.get("/hub/login")
        fields = {"username": username, "password": self.hub.passphrase(username), "_xsrf": xsrf(form.text)}
        return self.http.post("/hub/login", data=fields)

    def open_server(self, username: str) -> None:
        self.http.get(f"/hub/spawn/{username}")
        deadline = time.monotonic() + 90
        place = f"/user/{username}/csirtlab/open?cohort=demo&lab={LAB}"
        while not (opened := self.http.get(place)).url.path.endswith(f"/{LAB}.ipynb"):
            assert time.monotonic() < deadline, f"{opened.text}\n{self.hub.log()[-3000:]}"
            time.sleep(0.3)

    def submit(self, username: str) -> int:
        place = f"/user/{username}/csirtlab/submit?cohort=demo&lab={LAB}"
        receipt = self.http.post(place, data={"_xsrf": xsrf(self.http.get(place).text)})
        found = re.search(r'id="receipt-number">(\d+)<', receipt.text)
        assert found, receipt.text
        return int(found.group(1))


def xsrf(page: str) -> str:
    found = re.search(r'name="_xsrf" value="([^"]+)"', page)
    assert found, page
    return found.group(1)


def what_stays(home: Path) -> dict[str, object]:
    """Return what a further start must leave as it is."""
    kept = (
        "sign-ins/demo.csv",
        "cohorts/demo/secret",
        "cohorts/demo/roster.json",
        "exchange/log.jsonl",
        "hub/cookie_secret",
    )
    accounts = subprocess.run(
        [sys.executable, "-c", "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]))",
         home / "csirtlab.sqlite", "select username, uid, passphrase_hash from accounts order by 1"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return {**{name: (home / name).read_bytes() for name in kept}, "accounts": accounts}


def what_is_left(life: Life) -> list[str]:
    """Return what of a stopped hub still runs, or listens at its port or at one of its sockets."""
    tcp = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [words[1] for words in tcp if words[3] == "0A" and words[1].endswith(f":{life.port:04X}")]
    sockets = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines()]
    listening += [path for path in sockets if path.startswith(f"{sockets_of(life.home).root}/")]
    return [*processes_of(life.home), *listening, *servers_of(life.home)]


@contextmanager
def running(life: Life, *options: str) -> Iterator[Hub]:
    """A hub on that home, from start to Ctrl-C."""
    hub = start_hub(life.home, life.port, *options)
    try:
        yield hub
    finally:
        stop_hub(hub)


@pytest.fixture(scope="module")
def life() -> Iterator[Life]:
    with tempfile.TemporaryDirectory(prefix="csirtlab-life-") as folder:
        Path(folder).chmod(0o711)
        yield Life(Path(folder) / "state", free_port())


@pytest.fixture(scope="module")
def first(life: Life) -> tuple[dict[str, object], list[str]]:
    """The first start, with somebody's server running, then Ctrl-C: what stays, and what is left over."""
    with running(life) as hub, closing(Browser(hub)) as browser:
        browser.sign_in("ben")
        browser.open_server("ben")
        assert servers_of(life.home).keys() == {"ben"}
        stays = what_stays(life.home)
    return stays, what_is_left(life)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@dataclass(frozen=True)
class Secured:
    """What was seen of a hub with a certificate."""

    told: str
    labs: httpx.Response
    cookies: list[str]  # "Set-Cookie" of the whole way through signing in
    stays: dict[str, object]


@pytest.fixture(scope="module")
def secured(life: Life, first: object, certificate: tuple[Path, Path]) -> Secured:
    """The second start, with TLS."""
    with running(life, "--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1])) as hub:
        with closing(Browser(hub, scheme="https", verify=ssl.create_default_context(cafile=certificate[0]))) as browser:
            labs = browser.sign_in("bia")
        cookies = [line for answer in (*labs.history, labs) for line in answer.headers.get_list("set-cookie")]
        stays = what_stays(life.home)
    return Secured(hub.told.read_text(), labs, cookies, stays)


@dataclass(frozen=True)
class Revived:
    """What was seen before and after a hub was killed."""

    server_before: int
    server_after: int
    stays_before: dict[str, object]
    stays_after: dict[str, object]
    notebook: bytes
    verified: "subprocess.CompletedProcess[str]"
    answer: httpx.Response  # from the server that outlived the hub, through the new one
    receipt: int
    left: list[str]


@pytest.fixture(scope="module")
def revived(life: Life, secured: object) -> Revived:
    """The third start ends by SIGKILL of all that the hub is made of; the fourth one follows."""
    with running(life) as hub, closing(Browser(hub)) as browser:
        browser.sign_in("ana")
        browser.open_server("ana")
        receipt = browser.submit("ana")
        stays, before = what_stays(life.home), servers_of(life.home)["ana"]
        cookies = browser.http.cookies
        kill_hub(hub)

    with running(life) as hub, closing(Browser(hub, cookies=cookies)) as browser:
        answer = browser.http.get("/user/ana/api/status")
        after = servers_of(life.home).get("ana", 0)
        seen = what_stays(life.home)
        verified = csirtlab("exchange", "verify", "--home", life.home)
        notebook = (life.home / "homes" / "ana" / "demo" / LAB / f"{LAB}.ipynb").read_bytes()
    return Revived(before, after, stays, seen, notebook, verified, answer, receipt, what_is_left(life))


def kill_hub(hub: Hub) -> None:
    """Kill ``up`` and the hub at once, as a machine does that runs out of memory."""
    children = Path(f"/proc/{hub.process.pid}/task/{hub.process.pid}/children").read_text().split()
    hub.process.kill()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    hub.process.wait()


@slow
def test_ctrl_c_leaves_nothing_running_or_listening(first: tuple[dict[str, object], list[str]]) -> None:
    assert first[1] == []


@slow
def test_starting_again_changes_nothing(first: tuple[dict[str, object], list[str]], secured: Secured) -> None:
    assert secured.stays == first[0]


@slow
def test_with_a_certificate_the_pages_come_over_tls(life: Life, secured: Secured) -> None:
    assert f"https://127.0.0.1:{life.port}" in secured.told
    assert secured.labs.status_code == 200 and secured.labs.url.path == "/services/workshop/"


@slow
def test_over_tls_no_sessions_cookie_is_for_plain_http(secured: Secured) -> None:
    sessions = [line for line in secured.cookies if not line.startswith("_xsrf=") and "expires=" not in line.lower()]

    assert len(sessions) >= 2
    assert [line for line in sessions if "; secure" not in line.lower()] == []


@slow
def test_a_server_that_outlived_a_killed_hub_is_taken_over(revived: Revived) -> None:
    assert revived.server_after == revived.server_before
    assert revived.answer.status_code == 200 and "kernels" in revived.answer.json()


@slow
def test_nothing_that_was_handed_in_is_lost_with_a_killed_hub(revived: Revived) -> None:
    assert revived.stays_after == revived.stays_before
    assert f'"position":{revived.receipt},' in str(revived.stays_after["exchange/log.jsonl"]).replace(" ", "")
    assert revived.verified.returncode == 0 and "all of it is there" in revived.verified.stdout


@slow
def test_the_work_in_a_home_is_there_after_a_killed_hub(revived: Revived) -> None:
    assert json.loads(revived.notebook)["cells"]


@slow
def test_ctrl_c_ends_a_server_that_was_taken_over_too(revived: Revived) -> None:
    assert revived.left == []


@slow
def test_without_walls_it_is_said_in_the_terminal_and_on_every_page(life: Life, revived: object) -> None:
    with running(life, "--unsafe-no-box") as hub, closing(Browser(hub)) as browser:
        sign_in = browser.http.get("/hub/login").text
        labs = browser.sign_in("ben").text
        browser.open_server("ben")
        submit = browser.http.get(f"/user/ben/csirtlab/submit?cohort=demo&lab={LAB}").text

    assert "--unsafe-no-box: no walls. Anybody who signs in can read and change everything here." in " ".join(
        hub.told.read_text().split()
    )
    for page in (sign_in, labs, submit):
        assert "The walls are off (--unsafe-no-box)" in page
