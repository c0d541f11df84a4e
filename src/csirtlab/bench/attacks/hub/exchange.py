"""The exchange and the hub's interface, asked by ana with all that she has: her server's token, and her own making."""

import io
import json
import zipfile
from typing import Any

import httpx

from csirtlab.bench.attacks.siege import raw
from csirtlab.bench.attacks.siege.attacks import attack, slow_attack
from csirtlab.bench.attacks.siege.ground import COHORT, LAB, Siege

EXCHANGE = "/services/workshop/exchange"
DEMO_LAB, SIEGE_LAB = f"cohorts/demo/labs/{LAB}", f"cohorts/{COHORT}/labs/{LAB}"
TOO_LARGE_B = 21 << 20
FORGOTTEN_WITHIN_S = 10.0


def packed(files: dict[str, str] | None = None) -> bytes:
    """Return a submission that would be taken."""
    notebook = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name, text in (files or {f"{LAB}.ipynb": notebook}).items():
            archive.writestr(name, text)
    return kept.getvalue()


def asks(siege: Siege, *requests: tuple[str, str, bytes | None]) -> list[tuple[int, str]]:
    """Let ana's server ask the exchange; returns status and text of each answer."""
    told: list[list[Any]] = siege.hostile.runs(f"""
base = "http://127.0.0.1:" + os.environ["CSIRTLAB_EXCHANGE_URL"].partition("127.0.0.1:")[2]
tell([ask(method, base + path, body) for method, path, body in {[(m, "/" + p.lstrip("/"), b) for m, p, b in requests]!r}])
""")
    return [(int(code), str(text)) for code, text in told]


def new_entries(siege: Siege, before: int) -> list[dict[str, Any]]:
    """Return what the exchange has noted since."""
    return siege.exchange_log()[before:]


def siege_asks(siege: Siege, name: str, *requests: tuple[str, str, bytes | None]) -> list[httpx.Response]:
    """Let somebody of the second cohort ask the exchange, with a token of theirs."""
    with siege.person(name).new_client() as http:
        http.headers["Authorization"] = f"token {own_token(siege, name)}"
        return [http.request(method, f"{EXCHANGE}/{path}", content=body) for method, path, body in requests]


def ensure_released(siege: Siege) -> None:
    """Have the lab released in the second cohort: what is handed in there stays out of the demo's way."""
    if not any(each["kind"] == "release" and each["cohort"] == COHORT for each in siege.exchange_log()):
        siege_asks(siege, "sol", ("PUT", f"{SIEGE_LAB}/release", packed()))


def own_token(siege: Siege, name: str) -> str:
    """Return a token that somebody has made for themselves on the hub's page."""
    person = siege.person(name)
    answer = person.http.post(
        f"/hub/api/users/{name}/tokens", json={"note": "siege", "expires_in": 3600}, headers=person.as_page
    )
    return str(answer.json()["token"])


@attack
def submitting_in_anothers_name(siege: Siege) -> list[str]:
    """Hand in work that says it is leo's: in query, headers, file names, JSON, and a student of another name.

    The exchange's log says that it is eva's.
    """
    ensure_released(siege)
    before = len(siege.exchange_log())
    claims = "trainee=leo&student=leo&user=leo&username=leo&by=leo"
    named = packed(
        {f"{LAB}.ipynb": '{"cells": [], "metadata": {"trainee": "leo"}, "nbformat": 4, "nbformat_minor": 5}'}
    )
    answers = siege_asks(
        siege, "eva", ("POST", f"{SIEGE_LAB}/submissions?{claims}", packed()), ("POST", f"{SIEGE_LAB}/submissions/leo", packed()),
        ("PUT", f"{SIEGE_LAB}/submissions?trainee=leo", packed()), ("POST", f"{SIEGE_LAB}/submissions", named),
    )  # fmt: skip
    if answers[0].status_code != 201:
        return [f"eva cannot hand in at all: {answers[0].text}"]
    others = {f"{each['trainee']} by {each['by']}" for each in new_entries(siege, before)} - {"eva by eva"}
    return [f"the log has work of {each}" for each in others]


@attack
def submitting_to_another_cohort(siege: Siege) -> list[str]:
    """Hand in to, fetch from and look at a cohort that ana is not in, and at the cohorts' own accounts.

    She is refused, and nothing is noted there.
    """
    before = len(siege.exchange_log())
    found = []
    paths = [
        f"cohorts/{cohort}/labs/{LAB}/{what}"
        for cohort in (COHORT, "grade-demo", "grade-siege", "demo%20", "DEMO", "demo/../siege")
        for what in ("submissions", "folder", "hints")
    ]
    for path in paths:
        for method, body in (("GET", None), ("POST", packed())):
            ((code, text),) = asks(siege, (method, path, body))
            found += [f"{method} {path} answers {code}: {text[:60]}"] * (code < 400)
    return found + [f"the log has {each}" for each in new_entries(siege, before) if each["cohort"] != "demo"]


@attack
def acting_as_an_instructor(siege: Siege) -> list[str]:
    """Release, withdraw, give feedback, set the price of hints, as only an instructor may.

    Each is refused, and nothing is noted.
    """
    before = len(siege.exchange_log())
    feedback = packed({f"{LAB}.html": "<h1>24 of 24</h1>"})
    told = asks(siege, ("PUT", f"{DEMO_LAB}/release", packed()), ("DELETE", f"{DEMO_LAB}/release", None), ("PUT", f"{DEMO_LAB}/feedback/ana", feedback),
                ("PUT", f"{DEMO_LAB}/feedback/ben", feedback), ("PUT", "cohorts/demo/hint-cost", b'{"cost": 0}'), ("PUT", f"{DEMO_LAB}/feedback/grade-demo", feedback))  # fmt: skip
    return [f"it is answered {code}" for code, _ in told if code < 400] + [
        f"the log has {each}" for each in new_entries(siege, before)
    ]


@attack
def reading_what_others_handed_in(siege: Siege) -> list[str]:
    """Fetch leo's submission by its number, list everybody's, read his feedback, his hints and his receipt.

    eva gets her own alone.
    """
    ensure_released(siege)
    (kept,) = siege_asks(siege, "leo", ("POST", f"{SIEGE_LAB}/submissions", packed()))
    number = kept.json()["position"]
    paths = [
        f"cohorts/{COHORT}/submissions/{number}", f"cohorts/demo/submissions/{number}", f"{SIEGE_LAB}/feedback?submission={number}", f"{SIEGE_LAB}/submissions?trainee=leo",
        f"{SIEGE_LAB}/hints?trainee=leo", f"cohorts/{COHORT}/submissions/0{number}", f"cohorts/{COHORT}/submissions/{number}.zip", f"{SIEGE_LAB}/submissions", "labs?username=leo",
    ]  # fmt: skip
    answers = siege_asks(siege, "eva", *(("GET", path, None) for path in paths))
    found = [
        f"{path} tells of leo"
        for path, got in zip(paths, answers, strict=True)
        if got.is_success and ('"leo"' in got.text or got.content[:2] == b"PK")
    ]
    ((code, text),) = asks(siege, ("GET", f"cohorts/{COHORT}/submissions/{number}", None))
    found += [f"ana gets it: {text[:20]}"] * (code < 400)
    for place in (
        f"/services/workshop/feedback/{COHORT}/{LAB}/{number}",
        f"/services/workshop/receipt/{COHORT}/{LAB}?submission={number}",
    ):
        found += [f"{place} tells of leo"] * (b'"leo"' in siege.ask(siege.person("eva"), place))
    return found


@attack
def paths_that_climb_in_the_exchange(siege: Siege) -> list[str]:
    """Climb out of the exchange's store by names of cohort, lab, question, trainee and number.

    Nothing of another file comes, and nothing is written anywhere else.
    """
    climbs = (
        "..",
        "../..",
        "..%2f..%2f",
        "%2e%2e",
        "....//",
        "..%5c",
        "%00",
        "/etc/passwd",
        "..;",
        "~root",
        "demo%0a",
        "%252e%252e%252f",
        "C:",
        "\\..\\",
        "." * 300,
    )
    watched = {path: path.stat().st_mtime_ns for path in siege.root.iterdir()}
    found = []
    for climb in climbs:
        quoted = climb.replace("\\", "%5c")
        told = asks(siege, ("GET", f"cohorts/{quoted}/labs/{LAB}/folder", None), ("GET", f"cohorts/demo/labs/{quoted}/folder", None), ("GET", f"cohorts/demo/submissions/{quoted}", None),
                    ("POST", f"cohorts/demo/labs/{quoted}/submissions", packed()), ("POST", f"{DEMO_LAB}/hints/{quoted}", b'{"number": 1, "agreed": true}'), ("GET", f"{DEMO_LAB}/feedback?submission={quoted}", None))  # fmt: skip
        found += [
            f"{climb!r} is answered {code}: {text[:40]}"
            for code, text in told
            if code < 400 or code >= 500 or "root:" in text
        ]
    return found + [f"{path} was changed" for path in siege.root.iterdir() if path not in watched]


@slow_attack
def archives_that_climb(siege: Siege) -> list[str]:
    """Hand in archives with files that climb, are links, are absolute, have odd bytes in their names, or are bombs.

    They are refused, and nothing is noted.
    """
    ensure_released(siege)
    before = len(siege.exchange_log())
    notebook = f"{LAB}.ipynb"
    names = (
        "../x",
        "/etc/x",
        "a/../../x",
        "..\\x",
        "C:\\x",
        "a\0b",
        "a\nb",
        "\u202ex",
        "<img src=x onerror=1>.html",
        "x" * 300,
        "a/" * 200 + "b",
        ".",
        "..",
    )
    archives = [packed({notebook: "{}", name: "x"}) for name in names]
    link = io.BytesIO()
    with zipfile.ZipFile(link, "w") as archive:
        archive.writestr(notebook, "{}")
        about = zipfile.ZipInfo("link")
        about.external_attr = 0o120777 << 16
        archive.writestr(about, "/etc/passwd")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(notebook, b"0" * (300 << 20))
    archives += [link.getvalue(), bomb.getvalue(), b"PK\3\4", b"", packed({"other.ipynb": "{}"})]
    answers = []
    # Of several people, since after ten in vain the exchange looks at nothing more of one for a while.
    for number, name in enumerate(("nur", "mar", "sol")):
        mine = archives[number::3]
        answers += siege_asks(siege, name, *(("POST", f"{SIEGE_LAB}/submissions", each) for each in mine))
    found = [f"an archive is not looked at: {each.text[:60]}" for each in answers if each.status_code == 429]
    found += [f"an archive is taken: {each.text[:60]}" for each in answers if not 400 <= each.status_code < 500]
    return found + [f"the log has {each['content']}" for each in new_entries(siege, before)]


@slow_attack
def uploads_without_end(siege: Siege) -> list[str]:
    """Hand in more than is taken, by a length that lies, without a length, and to places that take little.

    It is refused, and nothing of it is kept.
    """
    token = siege.hostile.runs("tell(os.environ['JUPYTERHUB_API_TOKEN'])")
    before = len(siege.exchange_log())
    kept = sum(path.stat().st_size for path in siege.home.exchange.rglob("*") if path.is_file())
    told = siege.hostile.runs(f"""
large = b"PK" + b"0" * {TOO_LARGE_B}
head = "POST {EXCHANGE}/{DEMO_LAB}/submissions HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nAuthorization: token {token}\\r\\n"
tell([send(each)[:12].decode() for each in (
    (head + f"Content-Length: {{len(large)}}\\r\\n\\r\\n").encode() + large,
    (head + "Transfer-Encoding: chunked\\r\\n\\r\\n").encode() + b"%x\\r\\n" % len(large) + large + b"\\r\\n0\\r\\n\\r\\n",
    (head + "Content-Length: 99999999999999\\r\\n\\r\\n").encode(), (head + "Content-Length: -1\\r\\n\\r\\n").encode())])
""")
    found = [f"it is answered {each}" for each in told if each and " 4" not in each]
    for place in ("/hub/login", "/services/workshop/", f"{EXCHANGE}/{DEMO_LAB}/hints/x"):
        octets = raw.request(
            place, {"Authorization": f"token {token}"}, host=siege.host, method="POST", body=b"0" * (3 << 20)
        )
        found += [f"{place} takes megabytes"] * (raw.status(siege.line.send(octets)) in (200, 201))
    now = sum(path.stat().st_size for path in siege.home.exchange.rglob("*") if path.is_file())
    return (
        found
        + ["something of it is kept"] * (now > kept + 1_000_000)
        + [f"the log has {each['kind']}" for each in new_entries(siege, before)]
    )


@attack
def other_tokens_at_the_exchange(siege: Siege) -> list[str]:
    """Come to the exchange with a browser's cookies, a made-up token, and a token that may do little else.

    Only a token that may use the workshop's service opens it, and only in its owner's name.
    """
    ben = siege.person("ben")
    answer = ben.http.post(
        "/hub/api/users/ben/tokens", json={"note": "x", "scopes": ["read:users:name!user"]}, headers=ben.as_page
    )
    little = answer.json().get("token", "")
    found = []
    for headers in ({"Cookie": ben.cookies()}, {"Authorization": "token x"}, {"Authorization": f"token {little}"}, {"Authorization": "token "}, {"Authorization": "Basic YmVuOng="},
                    {"Authorization": f"token {ben.cookie('csirtlab-workshop')}"}, {"Authorization": f"token {ben.cookie('csirtlab-gate')}"}):  # fmt: skip
        answer_bytes = siege.line.send(raw.request(f"{EXCHANGE}/labs", headers, host=siege.host))
        found += [f"{next(iter(headers.values()))[:20]} opens the exchange"] * (raw.status(answer_bytes) == 200)
    return found


@slow_attack
def revoked_token(siege: Siege) -> list[str]:
    """Use a token at gate, hub and exchange after its owner has revoked it.

    Within ten seconds it opens nothing.
    """
    ben = siege.person("ben")
    answer = ben.http.post("/hub/api/users/ben/tokens", json={"note": "siege"}, headers=ben.as_page).json()
    header = {"Authorization": f"token {answer['token']}"}
    places = ("/hub/api/user", f"{EXCHANGE}/labs", "/user/ben/api/contents")

    def opened() -> list[str]:
        return [place for place in places if raw.status(siege.ask(None, place, **header)) == 200]

    if len(opened()) < 2:
        return [f"the token opens {opened()} from the start: nothing can be learnt from it"]
    ben.http.delete(f"/hub/api/users/ben/tokens/{answer['id']}", headers=ben.as_page)
    raw.wait_until(lambda: not opened(), patience_s=FORGOTTEN_WITHIN_S)
    return [f"{place} still opens" for place in opened()]
