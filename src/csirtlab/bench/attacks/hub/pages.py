"""Our own pages: made to act by another page's request, by names and addresses, by what is handed in; and files behind them."""

import json
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from csirtlab.bench.attacks.hub.exchange import ensure_released, own_token
from csirtlab.bench.attacks.hub.sessions import SERVER, open_cohorts_server
from csirtlab.bench.attacks.siege import raw
from csirtlab.bench.attacks.siege.attacks import attack, slow_attack
from csirtlab.bench.attacks.siege.ground import COHORT, LAB, PWNED, Siege, shown
from csirtlab.bench.attacks.siege.people import Person
from csirtlab.cohorts.folders import give_tree

if TYPE_CHECKING:
    from playwright.sync_api import Page

CANARY = f"CANARY-file-{secrets.token_hex(8)}"
SUBMIT = f"/user/eva/csirtlab/submit?cohort={COHORT}&lab={LAB}"
WAIT = "await new Promise((done) => setTimeout(done, 300));"
UNSAFE = "<script>window.pwned=1</script>"


def forms(siege: Siege, *targets: str) -> str:
    """Return a page that posts an empty form to each address, each into a frame of its own."""
    return "".join(
        f"<form method=post target=f{n} action='{siege.url}{target}'><input name=_xsrf value=x></form><iframe name=f{n}></iframe>"
        for n, target in enumerate(targets)
    )


@attack
def submitting_by_another_page(siege: Siege) -> list[str]:
    """Have eva's browser hand in her work, or open a hint, by a form, a fetch and a picture of another page.

    The exchange notes nothing.
    """
    ensure_released(siege)
    eva = siege.person("eva")
    eva.start_server()
    before = siege.exchange_log()
    place = f"/user/eva/csirtlab/submit?cohort={COHORT}&lab={LAB}"
    hints = f"/services/workshop/exchange/cohorts/{COHORT}/labs/{LAB}/hints/c2_address"
    with siege.aside(eva) as tab:
        siege.visit(tab, f"{siege.url}{place}")
        for origin in (siege.witness.near, siege.witness.far):
            script = f"""for (const form of document.forms) form.submit();
            await Promise.all(["{place}", "{hints}"].map((at) => fetch(hub + at, {{method: "POST", mode: "no-cors", credentials: "include", body: '{{"number": 1, "agreed": true}}'}}).catch(() => 0)));
            {WAIT}"""
            siege.lure(
                tab, script, origin=origin, body=forms(siege, place, hints) + f"<img src='{siege.url}{place}&_xsrf=x'>"
            )
    return [f"the exchange has noted {each['kind']}" for each in siege.exchange_log()[len(before) :]]


@attack
def changing_the_hub_by_another_page(siege: Siege) -> list[str]:
    """Have eva's browser make a token, stop her server, or start one, by requests of another page.

    No token is made, and her server runs as before.
    """
    eva = siege.person("eva")
    eva.start_server()
    script = f"""for (const form of document.forms) form.submit();
    await Promise.all([["POST", "/hub/api/users/eva/tokens"], ["DELETE", "/hub/api/users/eva/server"], ["POST", "/hub/api/users/eva/server"], ["PUT", "/user/eva/api/contents/x"], ["POST", "/user/eva/api/kernels"], ["POST", "/user/eva/api/terminals"]].map(
        ([method, at]) => fetch(hub + at, {{method, mode: method === "POST" ? "no-cors" : "cors", credentials: "include", body: "{{}}"}}).catch(() => 0)));
    {WAIT}"""
    with siege.aside(eva) as tab:
        siege.visit(tab, f"{siege.url}{SUBMIT}")
        tokens = _tokens(eva)  # to sign in at her own server was to get one
        for origin in (siege.witness.near, siege.witness.far):
            siege.lure(
                tab,
                script,
                origin=origin,
                body=forms(
                    siege,
                    "/hub/api/users/eva/tokens",
                    "/hub/spawn/eva",
                    "/user/eva/api/kernels",
                    "/user/eva/api/terminals",
                    "/hub/token",
                ),
            )
    found = ["a token was made"] * (
        eva.http.get("/hub/api/users/eva/tokens", headers=eva.as_page).text.count('"id"') > tokens
    )
    found += ["her server was stopped"] * (not eva.has_server())
    headers = {"Cookie": eva.cookies()}
    for place in ("/user/eva/api/kernels", "/user/eva/api/terminals"):
        with eva.new_client() as http:
            answer = http.get(place, headers={**headers, "Authorization": f"token {own_token(siege, 'eva')}"})
            found += [f"{place} has {answer.text[:80]}"] * (answer.text.strip() != "[]")
    return found


def _tokens(person: Person) -> int:
    return person.http.get(f"/hub/api/users/{person.name}/tokens", headers=person.as_page).text.count('"id"')


@slow_attack
def signing_out_by_another_page(siege: Siege) -> list[str]:
    """Have leo's browser sign out by a picture, a frame, a form, a fetch or a visit that another page makes.

    He stays signed in.
    """
    found = []
    for origin in (siege.witness.near, siege.witness.far):
        leo = siege.newcomer("leo")
        with siege.aside(leo) as tab:
            script = f"""for (const form of document.forms) form.submit();
            await fetch(hub + "/hub/logout", {{mode: "no-cors", credentials: "include"}}).catch(() => 0); {WAIT}"""
            siege.lure(
                tab,
                script,
                origin=origin,
                body=f"<img src='{siege.url}/hub/logout'><iframe src='{siege.url}/hub/logout'></iframe>"
                + forms(siege, "/hub/logout"),
            )
            siege.lure(
                tab,
                "setTimeout(() => { location = hub + '/hub/logout'; }, 1); await new Promise((done) => setTimeout(done, 2000));",
                origin=origin,
            )
            found += [f"a page of {origin} signs leo out"] * ("/hub/login" in _arrived(siege, tab))
    return found


def _arrived(siege: Siege, tab: "Page") -> str:
    siege.visit(tab, f"{siege.url}/services/workshop/")
    return tab.url


@attack
def sockets_of_another_page(siege: Siege) -> list[str]:
    """Open a WebSocket to eva's own server from a page elsewhere, with her cookies.

    Her server refuses whoever comes from another origin.
    """
    eva = siege.person("eva")
    eva.start_server()
    script = """return (await Promise.all(["/user/eva/api/events/subscribe", "/user/eva/terminals/websocket/1"].map((at) => new Promise((done) => {
        const socket = new WebSocket(hub.replace("http", "ws") + at);
        socket.onopen = () => done("open "); socket.onerror = () => done("");
    })))).join("");"""
    found = []
    with siege.aside(eva) as tab:
        siege.visit(tab, f"{siege.url}{SUBMIT}")
        if "open" not in siege.lure_at(tab, f"{siege.url}{SUBMIT}", script):
            return ["eva's own page gets no socket: nothing can be learnt from it"]
        for origin in (siege.witness.near, siege.witness.far):
            found += [f"a page of {origin} has a socket"] * ("open" in str(siege.lure(tab, script, origin=origin)))
    return found


@slow_attack
def programs_in_addresses(siege: Siege) -> list[str]:
    """Put programs into addresses, queries, user agents and languages that error pages and forms show.

    None runs, in any browser.
    """
    found = []
    quoted = (
        "<script>window.pwned=1</script>",
        '"><img src=x onerror=window.pwned=1>',
        "'-window.pwned=1-'",
        "{{7*191}}",
        "javascript:window.pwned=1",
        "</title><svg onload=window.pwned=1>",
    )
    places = (
        "/hub/{}", "/hub/login?next={}", "/hub/login?username={}", "/hub/user/{}/", "/hub/spawn/{}", "/services/workshop/{}", "/services/workshop/formgrader/{}", "/services/workshop/feedback/{}/{}",
        "/services/workshop/problem/404?{}", "/services/workshop/enter?next={}", "/user/{}/", "/{}", "/hub/error/404?reason={}", "/hub/api/oauth2/authorize?client_id={}", "/services/workshop/exchange/cohorts/{}/labs/x/folder",
        "/user/irene/{}", "/services/workshop/receipt/demo/{}",
    )  # fmt: skip
    for name in ("irene", ""):
        with siege.aside(siege.person(name) if name else None) as tab:
            tab.route(
                "**/hub/static/**", lambda route: route.abort()
            )  # what is in the page itself would act without it
            tab.set_extra_http_headers({"Accept-Language": quoted[0], "X-Probe": quoted[1]})
            for place in places:
                for text in quoted[:1] if name else quoted[1:2]:
                    html = siege.visit(tab, siege.url + place.replace("{}", quote(text, safe="")))
                    ran = tab.evaluate("Boolean(window.pwned)")
                    found += [f"{place} runs {text!r}"] * ran + [f"{place} computes"] * ("1337" in html)
    return found


@attack
def files_beside_static_ones(siege: Siege) -> list[str]:
    """Climb out of the static files of hub, workshop and servers, by dots, encodings, links and aliases.

    No other file comes.
    """
    found = []
    climbs = (
        "../../../../../../etc/passwd",
        "..%2f..%2f..%2f..%2fetc/passwd",
        "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "....//....//etc/passwd",
        "..;/..;/etc/passwd",
        "/etc/passwd",
        "%252e%252e%252fetc/passwd",
        "..%5c..%5cetc%5cpasswd",
        "%00/etc/passwd",
    )
    roots = (
        "/hub/static/",
        "/services/workshop/static/",
        "/user/irene/static/",
        "/hub/static../",
        "/services/workshop/static../",
        "/hub/logo/",
        "/services/workshop../",
        "/hub../",
        "/user/grade-demo/static/",
        "/",
    )
    for root in roots:
        for climb in climbs:
            answer = siege.ask(siege.person("irene"), root + climb)
            found += [f"{root}{climb} gives a file"] * (b"root:x:" in answer or b"root:!" in answer)
    for place in (
        "/nginx.conf",
        "/hub/jupyterhub.sqlite",
        "/state/",
        "/.git/config",
        "/hub/cookie_secret",
        "/gate/nginx.conf",
        "/log/hub.log",
    ):
        found += [f"{place} is there"] * (raw.status(siege.ask(None, place)) == 200)
    return found


@attack
def listings_of_folders(siege: Siege) -> list[str]:
    """Ask for folders of static files, of services and of the host, to see what lies there.

    No folder is listed.
    """
    found = []
    for place in (
        "/hub/static/",
        "/hub/static/js/",
        "/services/workshop/static/",
        "/services/",
        "/user/",
        "/",
        "/services/workshop/exchange/",
        "/hub/static/components/",
        "/static/",
    ):
        answer = siege.ask(siege.person("irene"), place)
        found += [f"{place} lists a folder"] * (
            b"Index of" in answer
            or b"Directory listing" in answer
            or (raw.status(answer) == 200 and b"<pre><a href" in answer)
        )
    return found


@attack
def answers_kept_for_others(siege: Siege) -> list[str]:
    """Have an answer for one kept for another: by hosts and headers that come back in it, by endings of static files.

    What is personal may not be kept by whoever stands between, and nothing made up comes back.
    """
    found = []
    for host in ("evil.example", "evil.example:80", f"{siege.host}, evil.example"):
        for place in (
            "/",
            "/hub/",
            "/hub/login",
            "/hub/home",
            "/services/workshop/",
            "/user/irene/x",
            "/services/workshop/nothing",
        ):
            for person in (None, siege.person("irene")):
                answer = siege.line.send(
                    raw.request(place, {"Cookie": person.cookies()} if person else None, host=host)
                )
                found += [f"Host: {host} comes back in a header of {place}"] * (
                    b"evil" in answer.partition(b"\r\n\r\n")[0].replace(b"evil.example/user", b"")
                )
    for place in (
        "/hub/home/x.css",
        "/services/workshop/x.css",
        "/hub/token/x.js",
        "/services/workshop/;x.css",
        "/hub/home%3fx.css",
    ):
        answer = siege.ask(siege.person("irene"), place)
        found += [f"{place} is irene's page"] * (raw.status(answer) == 200 and b"irene" in answer.lower())
    for place in ("/services/workshop/", "/hub/home", "/hub/api/user"):
        kept = raw.header(siege.ask(siege.person("irene"), place), "Cache-Control").lower()
        found += [f"{place} may be kept: {kept}"] * (
            "public" in kept or ("max-age=" in kept and "max-age=0" not in kept)
        )
    return found


@attack
def kinds_guessed_by_browsers(siege: Siege) -> list[str]:
    """Look for answers of ours whose kind a browser would guess from the content.

    Each says its kind, and that there is nothing to guess.
    """
    found = []
    for place in ("/hub/login", "/hub/home", "/hub/api/user", "/services/workshop/", "/services/workshop/static/workshop.css", "/services/workshop/exchange/key", "/services/workshop/nothing", "/hub/nothing",
                  "/hub/logout"):  # fmt: skip
        answer = siege.ask(siege.person("irene") if place != "/hub/logout" else None, place)
        found += [f"{place} may be guessed at"] * (raw.header(answer, "X-Content-Type-Options") != "nosniff")
        found += [f"{place} has no kind"] * (raw.status(answer) == 200 and not raw.header(answer, "Content-Type"))
    return found


@attack
def giant_headers(siege: Siege) -> list[str]:
    """Send megabytes of headers, thousands of cookies, and addresses without end to every place.

    They are refused, and the next one is answered.
    """
    found = []
    for place in ("/hub/home", "/services/workshop/", "/user/irene/x", "/user/ana/x"):
        for headers in (
            {"X": "a" * 500_000},
            {"Cookie": "; ".join(f"c{n}=x" for n in range(20_000))},
            {f"X-{n}": "y" * 100 for n in range(5_000)},
        ):
            answer = siege.line.send(raw.request(place, headers, host=siege.host))
            found += [f"{place} takes it: {raw.status(answer)}"] * (raw.status(answer) not in (0, 400, 414, 431, 413))
        answer = siege.line.send(raw.request(place + "a" * 500_000, host=siege.host))
        found += [f"{place} takes an endless address"] * (raw.status(answer) not in (0, 400, 414))
    return found + ["nothing is answered any more"] * (
        raw.status(siege.ask(siege.person("irene"), "/services/workshop/")) != 200
    )


@slow_attack
def file_handed_in_beside_the_notebook(siege: Siege) -> list[str]:
    """Hand in a page and a picture that are programs, and lead the instructor there from the notebook.

    Wherever the formgrader and JupyterLab show the file, it is of no origin: it reads no page and does nothing in her name.
    """
    sol = siege.person("sol")
    open_cohorts_server(sol)
    number = _graded_submission(siege)
    found = []
    places = [f"{SERVER}/formgrader/submissions/{number}/{{}}", f"{SERVER}/files/autograded/eva/{LAB}/{{}}", f"{SERVER}/view/autograded/eva/{LAB}/{{}}", f"{SERVER}/nbconvert/html/autograded/eva/{LAB}/{LAB}.ipynb?{{}}",
              f"{SERVER}/formgrader/submissions/{number}/./{{}}", f"{SERVER}/formgrader/submissions/{number}//{{}}"]  # fmt: skip
    with siege.aside(sol) as tab:
        tab.goto(f"{siege.url}{SERVER}/formgrader/submissions/{number}/")
        page = shown(tab)
        if CANARY not in page:
            return [f"the formgrader does not show the notebook: {page[:300]}"]
        found += ["the notebook itself acts"] * tab.evaluate("Boolean(window.pwned)")
        for place in places:
            for name in ("evil.html", "evil.svg", "evil.xhtml"):
                siege.visit(tab, siege.url + place.format(name))
                if tab.evaluate("Boolean(window.pwned)") and tab.evaluate("window.origin") != "null":
                    found.append(f"{name} runs with sol's rights at {place.format('')}")
    return found


def _graded_submission(siege: Siege) -> str:
    """Put a submission of eva's where grading leaves it, and return the number by which the formgrader knows it.

    Grading copies what lies beside a notebook; to grade the lab itself would take half a minute and show nothing else.
    """
    from nbgrader.api import Gradebook

    course = siege.home.cohort(COHORT)
    folder = course / "autograded" / "eva" / LAB
    folder.mkdir(parents=True, exist_ok=True)
    cell = {
        "cell_type": "markdown",
        "id": "a",
        "metadata": {},
        "source": f"{CANARY} <a href='evil.html'>here</a> {PWNED} ![x](evil.svg)",
    }
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / f"{LAB}.ipynb").write_text(json.dumps(notebook))
    script = "window.pwned=1"
    (folder / "evil.html").write_text(f"<!doctype html><script>{script}</script>")
    (folder / "evil.svg").write_text(f"<svg xmlns='http://www.w3.org/2000/svg'><script>{script}</script></svg>")
    (folder / "evil.xhtml").write_text(f"<html xmlns='http://www.w3.org/1999/xhtml'><script>{script}</script></html>")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", COHORT) as book:
        book.update_or_create_assignment(LAB)
        book.update_or_create_notebook(LAB, LAB)
        submission = book.update_or_create_submission(LAB, "eva")
        number = str(submission.notebooks[0].id)
    give_tree(course, course.stat().st_uid)
    return number
