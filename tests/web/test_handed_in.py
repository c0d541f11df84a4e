"""A cohort's server, real: what was handed in is read there, and neither run, nor trusted, nor a page of ours."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from csirtlab.hub.spawner import safe_python
from csirtlab.settings import content_root
from csirtlab.web import cohort_server
from csirtlab.web.handed_in import is_handed_in
from csirtlab.web.inert_files import POLICY

LAB = "submitted/ana/lab"
PAGE = "<script>document.title = 'ran'</script>"
TOKEN = "a-token-of-this-test"


@pytest.mark.parametrize(
    "path",
    [
        "submitted", "/submitted/ana", "submitted/ana/lab/lab.ipynb", "autograded/x", "feedback", "./submitted/ana",
        "work/../submitted/ana", "submitted/ana/../ana/new", "//submitted", "link/ana", "work/deep/lab.ipynb",
        "submitted/ana/out/x", "submitted/ana/lab/not/there/yet",
    ],
)  # fmt: skip
def test_whatever_lies_in_it_or_leads_there_is_handed_in(tmp_path: Path, path: str) -> None:
    for name in ("submitted/ana/lab", "work", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("submitted")
    (tmp_path / "work" / "deep").symlink_to(tmp_path / "submitted" / "ana" / "lab")
    (tmp_path / "submitted" / "ana" / "out").symlink_to(tmp_path / "elsewhere")

    assert is_handed_in(tmp_path, path)


@pytest.mark.parametrize("path", ["", "/", "work.ipynb", "source/lab/lab.ipynb", "submitted-notes", "work/submitted/x"])
def test_everything_else_is_not(tmp_path: Path, path: str) -> None:
    assert not is_handed_in(tmp_path, path)


@dataclass(frozen=True)
class Server:
    """A server and its folder."""

    home: Path
    http: httpx.Client

    def api(self, verb: str, where: str, /, **body: Any) -> httpx.Response:
        return self.http.request(verb, f"api/{where}", json=body)


def address(home: Path) -> str | None:
    """Return where the server listens; None while it has not written that down, or not all of it."""
    for path in (home / ".runtime").glob("jpserver-*.json"):
        with suppress(ValueError):
            return str(json.loads(path.read_text())["url"])
    return None


def start(home: Path, config: str, **environment: str) -> Iterator[Server]:
    (home / ".runtime").mkdir()
    log = (home / ".log").open("w")
    process = subprocess.Popen(
        [
            sys.executable, "-P", "-m", "jupyter_server", f"--IdentityProvider.token={TOKEN}", "--allow-root",
            "--ServerApp.open_browser=False", "--ServerApp.port=0",
            # As JupyterHub gives it to every server.
            """--ServerApp.tornado_settings={"headers": {"Content-Security-Policy": "frame-ancestors 'none'"}}""",
        ],
        cwd=home, stdin=subprocess.DEVNULL, stderr=log,
        env={
            "HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "JUPYTER_CONFIG_DIR": str(home / ".jupyter"), "JUPYTER_RUNTIME_DIR": str(home / ".runtime"),
            "JUPYTER_CONFIG_PATH": str(content_root() / "hub_config" / config), "LANG": "C.UTF-8", **environment,
        },
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 90
        while (url := address(home)) is None:
            assert process.poll() is None and time.monotonic() < deadline, (home / ".log").read_text()
            time.sleep(0.1)
        with httpx.Client(base_url=url, headers={"Authorization": f"token {TOKEN}"}, timeout=60) as http:
            yield Server(home, http)
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("cohort").resolve()
    (home / "cohort.json").write_text(json.dumps({"name": "demo", "course": "x", "title": "x", "language": "en"}))
    (home / "nbgrader_config.py").write_text("c = get_config()\n")
    (home / "work").mkdir()
    lab = home / LAB
    lab.mkdir(parents=True)
    for name in ("x.html", "x.svg", "x.xml", "x.js", "x.md", "x.xhtml"):
        (lab / name).write_text(PAGE)
        (home / "work" / name).write_text(PAGE)
    shown = new_output("display_data", {"text/html": PAGE})
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[shown], metadata={"trusted": True})])
    nbformat.write(notebook, lab / "lab.ipynb")
    nbformat.write(notebook, home / "work" / "own.ipynb")
    (lab / "psutil.py").write_text("open('THE-TRAINEE-RAN', 'w')")
    (home / "link").symlink_to("submitted/ana")
    yield from start(home, "cohort", CSIRTLAB_COHORT="demo", CSIRTLAB_LANGUAGE="es", **safe_python(content_root()))


@pytest.fixture(scope="module")
def trainee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("trainee").resolve()
    (home / "work").mkdir()
    for name in ("x.html", "x.svg", "x.xml", "x.js", "x.md", "x.xhtml"):
        (home / "work" / name).write_text(PAGE)
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), home / "work" / "own.ipynb")
    yield from start(home, "trainee")


@pytest.mark.slow
@pytest.mark.parametrize("path", [f"{LAB}/lab.ipynb", f"{LAB}/none.ipynb", "link/lab/lab.ipynb",
                                  f"work/../{LAB}/lab.ipynb", f"/{LAB}/lab.ipynb"])  # fmt: skip
def test_no_session_starts_on_a_submission(cohort: Server, path: str) -> None:
    answer = cohort.api("POST", "sessions", path=path, name="x", type="notebook", kernel={"name": "python3"})

    assert answer.status_code == 403
    assert "csirtlab grade" in answer.json()["message"]
    assert answer.json()["message"].startswith("Aquí no se inicia ningún kernel")
    assert cohort.api("GET", "kernels").json() == []


@pytest.mark.slow
@pytest.mark.parametrize("path", [LAB, f"{LAB}/lab.ipynb", "link", f"work/../{LAB}", "submitted"])
def test_no_kernel_starts_in_a_submission(cohort: Server, path: str) -> None:
    answer = cohort.api("POST", "kernels", name="python3", path=path)

    assert answer.status_code == 403
    assert cohort.api("GET", "kernels").json() == []


@pytest.mark.slow
def test_a_session_is_not_moved_to_a_submission_and_a_kernel_elsewhere_runs(cohort: Server) -> None:
    made = cohort.api("POST", "sessions", path="work/own.ipynb", name="x", type="notebook", kernel={"name": "python3"})
    try:
        moved = cohort.api("PATCH", f"sessions/{made.json()['id']}", path=f"{LAB}/lab.ipynb")
    finally:
        cohort.api("DELETE", f"sessions/{made.json()['id']}")

    assert made.status_code == 201, made.text
    assert moved.status_code == 403
    assert not list(cohort.home.rglob("THE-TRAINEE-RAN"))


@pytest.mark.slow
def test_a_submission_is_not_carried_out_of_its_folder(cohort: Server) -> None:
    renamed = cohort.api("PATCH", f"contents/{LAB}", path="work/lab")
    copied = cohort.api("POST", "contents/work", copy_from=f"{LAB}/lab.ipynb")
    whole = cohort.api("PATCH", "contents/submitted", path="work/all")
    over = cohort.api("PATCH", "contents/submitted", path="autograded/all")

    assert [answer.status_code for answer in (renamed, copied, whole, over)] == [403] * 4
    assert "descargarlo" in renamed.json()["message"]
    assert (cohort.home / LAB / "lab.ipynb").is_file()


@pytest.mark.slow
def test_a_submission_is_never_trusted(cohort: Server) -> None:
    trusted = cohort.api("POST", f"contents/{LAB}/lab.ipynb/trust")
    opened = cohort.api("GET", f"contents/{LAB}/lab.ipynb").json()
    cell = opened["content"]["cells"][0]
    cell["metadata"]["trusted"] = True
    cohort.api("PUT", f"contents/{LAB}/lab.ipynb", type="notebook", format="json", content=opened["content"])
    again = cohort.api("GET", f"contents/{LAB}/lab.ipynb").json()["content"]["cells"][0]

    assert trusted.status_code == 403
    assert opened["content"]["cells"][0]["metadata"]["trusted"] is True  # the test's own mark
    assert again["metadata"]["trusted"] is False


@pytest.mark.slow
def test_a_submission_is_not_trusted_because_the_same_notebook_is_elsewhere(cohort: Server) -> None:
    assert cohort.api("POST", "contents/work/own.ipynb/trust").status_code == 201

    elsewhere = cohort.api("GET", "contents/work/own.ipynb").json()["content"]["cells"][0]
    submitted = cohort.api("GET", f"contents/{LAB}/lab.ipynb").json()["content"]["cells"][0]

    assert elsewhere["metadata"]["trusted"] is True
    assert submitted["metadata"]["trusted"] is False


def is_inert(answer: httpx.Response) -> bool:
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["Content-Security-Policy"].split("; ")}
    return policy.get("sandbox") == [] and answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.xml", "x.js", "x.md", "x.xhtml"])
def test_no_file_is_a_page_of_ours(cohort: Server, trainee: Server, name: str) -> None:
    answers = [
        cohort.http.get(f"files/{LAB}/{name}"), cohort.http.get(f"files/work/{name}"),
        cohort.http.get(f"view/{LAB}/{name}", follow_redirects=True),
        trainee.http.get(f"files/work/{name}"), trainee.http.get(f"view/work/{name}", follow_redirects=True),
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [200] * 5
    assert all(answer.text == PAGE and is_inert(answer) for answer in answers)


@pytest.mark.slow
def test_a_converted_notebook_is_no_page_of_ours(cohort: Server, trainee: Server) -> None:
    assert is_inert(cohort.http.get("nbconvert/html/work/own.ipynb"))
    assert is_inert(trainee.http.get("nbconvert/html/work/own.ipynb"))


@pytest.mark.slow
def test_a_submission_is_not_converted_in_the_cohorts_server(cohort: Server) -> None:
    assert cohort.http.get(f"nbconvert/html/{LAB}/lab.ipynb").status_code == 403
    assert cohort.http.get("nbconvert/html/link/lab/lab.ipynb").status_code == 403


@pytest.mark.parametrize("path", ["5f3/x.html", "5f3/next/x.svg", "5f3/nextpage", "5f3/deep/y.xml"])
def test_what_lies_beside_a_graded_notebook_is_served_by_our_handler(path: str) -> None:
    assert re.fullmatch(cohort_server.BESIDE, path)
    assert cohort_server.SubmissionFiles.content_security_policy.fget(None) == POLICY  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["5f3", "5f3/", "5f3/next", "5f3/prev_incorrect/", "components/jquery/jquery.js"])
def test_the_formgraders_own_pages_are_left_to_it(path: str) -> None:
    assert not re.fullmatch(cohort_server.BESIDE, path)
