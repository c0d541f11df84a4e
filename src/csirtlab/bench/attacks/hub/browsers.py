"""Browsers of irene and ben, sent to ana's server by what is on pages; and ana's own, with what her server says."""

from csirtlab.bench.attacks.siege import raw
from csirtlab.bench.attacks.siege.attacks import attack, slow_attack
from csirtlab.bench.attacks.siege.ground import Siege

NAMES = ("irene", "ben")
DONE = "await new Promise((done) => setTimeout(done, 50));"


def lured(siege: Siege, script: str, *, body: str = "", names: tuple[str, ...] = NAMES) -> list[str]:
    """Let people open a lure on the hub's own host with another port, and on another host; return what it got."""
    found = []
    with siege.nothing_reaches_ana() as harms:
        for name in names:
            for origin in (siege.witness.near, siege.witness.far):
                told = str(siege.lure(siege.tab(name), script, origin=origin, body=body))
                found += [f"a page of {origin} got ana's answer in {name}'s browser"] * (siege.canary in told)
        return found + harms()


@slow_attack
def redirected_from_another_page(siege: Siege) -> list[str]:
    """Redirect irene's browser to ana's server: by status, by Refresh, by script, in a new window, several times.

    It gets no byte of it, and ana's server is not asked.
    """
    found = []
    ana = f"{siege.url}/user/ana/from-elsewhere"
    pages = [siege.witness.page("", status=status, Location=ana) for status in (301, 302, 303, 307, 308)]
    pages.append(siege.witness.page("", Refresh=f"0;url={ana}"))
    pages.append(siege.witness.page("", status=302, Location=siege.witness.far + pages[1]))
    pages.append(siege.witness.page(f"<script>location.replace('{ana}')</script>"))
    pages.append(siege.witness.page(f"<meta http-equiv=refresh content='0;url={ana}'>"))
    with siege.nothing_reaches_ana() as harms:
        for name in NAMES:
            for page in pages:
                tab = siege.tab(name)
                shown = siege.visit(tab, siege.witness.far + page)
                tab.wait_for_url(f"{siege.url}/**", wait_until="commit")
                shown += tab.content()
                found += [f"{name}'s browser shows ana's page"] * (siege.canary in shown)
        return found + harms()


@attack
def upgraded_to_a_socket(siege: Siege) -> list[str]:
    """Open WebSockets to ana's server, from the hub's own pages, from elsewhere, and by bytes; other upgrades too.

    None is opened, and not one byte comes.
    """
    script = """
    const tries = ["/user/ana/x", "/user/ana/api/kernels/1/channels", "//user/ana", "/user/%61na/"].map((path) =>
        new Promise((done) => {
            const socket = new WebSocket(hub.replace("http", "ws") + path);
            socket.onopen = () => done(canary);
            socket.onmessage = (event) => done(event.data);
            socket.onerror = () => done("refused");
        }));
    return (await Promise.all(tries)).join();
    """
    found = lured(siege, script)
    with siege.nothing_reaches_ana() as harms:
        for name in NAMES:
            for upgrade in ("websocket", "h2c", "TLS/1.0", "x", "websocket, h2c"):
                for target in (
                    "/user/ana/x",
                    f"/user/{name}/../ana/",
                    "//user/ana/x",
                    "/user/%61na/x",
                    f"/user/{name}%2f..%2fana",
                ):
                    headers = {**raw.upgrade(), "Upgrade": upgrade, "Cookie": siege.person(name).cookies()}
                    answer = siege.line.send(raw.request(target, headers, host=siege.host), until=b"\r\n\r\n")
                    got = siege.canary.encode() in answer or raw.status(answer) in (101, 200)
                    found += [f"{name} upgraded to {upgrade} at {target}"] * got
        return found + harms()


@attack
def as_a_download(siege: Siege) -> list[str]:
    """Offer ana's address as a download, by a link and by a frame.

    What is saved, if anything, holds nothing of hers.
    """
    script = f"""
    for (const link of document.querySelectorAll("a")) link.click();
    {DONE}
    return [...document.querySelectorAll("iframe")].map((f) => {{ try {{ return f.contentDocument.body.innerHTML; }} catch {{ return ""; }} }}).join();
    """
    body = f"""<a download="x.html" target=_blank href="{siege.url}/user/ana/files/x.html">x</a>
    <a download target=_blank href="{siege.url}/user/ana/m-download/x">y</a><iframe src="{siege.url}/user/ana/files/x?download=1"></iframe>"""
    return lured(siege, script, body=body)


@attack
def as_a_part_of_a_page(siege: Siege) -> list[str]:
    """Use ana's address as image, script, style, font, film, preload, icon and manifest of a page.

    None of them loads, none of them runs.
    """
    at = f"{siege.url}/user/ana"
    body = f"""<img src="{at}/i.png"><script src="{at}/s.js"></script>
    <link rel=stylesheet href="{at}/s.css"><link rel=preload as=fetch href="{at}/p">
    <link rel=icon href="{at}/icon"><link rel=manifest href="{at}/m.json"><link rel=prefetch href="{at}/pre"><link rel=modulepreload href="{at}/m.js">
    <video src="{at}/v"></video><audio src="{at}/a"></audio>
    <input type=image src="{at}/in"><picture><source srcset="{at}/sr"><img></picture><svg><image href="{at}/svg"/><use href="{at}/u#x"/></svg>
    <style>@import "{at}/import.css"; @font-face {{ font-family: ana; src: url("{at}/f") }} body {{ background: url("{at}/b"); font-family: ana }}</style>"""
    return lured(siege, f"{DONE} return ''", body=body)


@attack
def in_a_frame(siege: Siege) -> list[str]:
    """Show ana's address in frames, objects and embeds.

    They show a refusal, never her page.
    """
    at = f"{siege.url}/user/ana"
    body = f"""<iframe src="{at}/frame"></iframe><iframe sandbox="allow-scripts allow-same-origin" src="{at}/sandboxed"></iframe>
    <object data="{at}/object" type="text/html"></object><embed src="{at}/embed" type="text/html">
    <iframe srcdoc="<script src='{at}/srcdoc'></script>"></iframe><iframe src="javascript:location='{at}/js'"></iframe>"""
    found = lured(siege, f"{DONE} return ''", body=body)
    for name in NAMES:
        frames = siege.tab(name).frames
        found += [f"a frame of {name}'s shows ana's page" for frame in frames if siege.canary in frame.content()]
    return found


@attack
def fetched_by_scripts(siege: Siege) -> list[str]:
    """Fetch ana's address by script in every mode, by XMLHttpRequest, beacon, event source, worker and ping.

    No byte comes, not even where the page could not read it.
    """
    script = """
    const at = hub + "/user/ana/fetched", got = [];
    for (const mode of ["no-cors", "cors"]) for (const credentials of ["include", "omit"])
        for (const method of ["GET", "POST", "HEAD"]) for (const redirect of ["follow", "manual"])
            got.push(fetch(at, {mode, credentials, method, redirect}).then((a) => a.text()).catch(() => ""));
    got.push(new Promise((done) => {
        const xhr = new XMLHttpRequest();
        xhr.withCredentials = true; xhr.onloadend = () => done(xhr.responseText); xhr.open("PUT", at); xhr.send("x");
    }));
    got.push(new Promise((done) => {
        const events = new EventSource(at, {withCredentials: true});
        events.onmessage = (e) => done(e.data); events.onopen = () => done(canary);
        events.onerror = () => { events.close(); done(""); };
    }));
    navigator.sendBeacon(at, "x");
    const link = document.createElement("a"); link.ping = at; link.href = "#"; document.body.append(link); link.click();
    try { new Worker(at); } catch {}
    try { await import(at); got.push(canary); } catch {}
    return (await Promise.all(got)).join();
    """
    return lured(siege, script)


@slow_attack
def posted_by_a_form(siege: Siege) -> list[str]:
    """Post forms to ana's server, of every kind, and to the hub's places that could hand them on.

    Her server is not asked, and what the browser shows is a refusal.
    """
    script = f"for (const form of document.forms) form.submit(); {DONE} return ''"
    kinds = ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded")
    targets = [f"{siege.url}/user/ana/{place}" for place in ("x", "login", "csirtlab/submit")] + [
        f"{siege.url}/hub/user/ana/x"
    ]
    body = "".join(
        f"<form method=post enctype='{kind}' target=f{n} action='{target}'><input name=x></form><iframe name=f{n}></iframe>"
        for n, (kind, target) in enumerate((kind, target) for kind in kinds for target in targets)
    )
    found = lured(siege, script, body=body)
    frames = siege.tab("ben").frames
    return found + ["a frame shows ana's page" for frame in frames if siege.canary in frame.content()]


@slow_attack
def service_worker(siege: Siege) -> list[str]:
    """Register a service worker, of ana's server in her own browser, and of it in irene's.

    No registration is made, for her own folder neither: it would go on when her right to the browser is over.
    """
    script = """async ([hub, canary]) => {
        const tries = ["/user/ana/m-worker/worker.js", "/user/ana/m-worker/w.js?x"].flatMap((at) => ["/", "/user/", "/user/ana/", undefined].map(
            (scope) => navigator.serviceWorker.register(at, scope ? {scope} : {}).then(() => "registered", () => "")));
        return (await Promise.all(tries)).join("") + (await navigator.serviceWorker.getRegistrations()).length;
    }"""
    found = []
    for name in ("ana", *NAMES):
        with siege.aside(siege.newcomer(name)) as tab:
            tab.goto(f"{siege.url}/user/ana/page" if name == "ana" else f"{siege.url}/robots.txt")
            told = tab.evaluate(script, [siege.url, siege.canary])
            found += [f"a service worker is registered in {name}'s browser: {told}"] * (told != "0")
    return found


@attack
def headers_for_the_whole_host(siege: Siege) -> list[str]:
    """Answer with headers that speak for the host: HSTS, Clear-Site-Data, Alt-Svc, CORS, a password prompt.

    None of them leaves the gate, and cookies of the hub stay as they are.
    """
    forbidden = (
        "Service-Worker-Allowed", "Clear-Site-Data", "Alt-Svc", "Strict-Transport-Security", "WWW-Authenticate", "NEL",
        "Report-To", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Origin-Agent-Cluster",
    )  # fmt: skip
    found = []
    for place in ("page", "m-hints/x", "m-worker/x.js", "m-location/user/ana/x", "m-split/x"):
        answer = siege.ask(siege.person("ana"), f"/user/ana/{place}")
        found += [f"{name} of ana's server is told" for name in forbidden if raw.header(answer, name)]
    with siege.aside(siege.newcomer("ana")) as tab:
        kept = {each.get("name", "") for each in tab.context.cookies()}
        tab.goto(f"{siege.url}/user/ana/page", wait_until="load")
        lost = kept - {each.get("name", "") for each in tab.context.cookies()}
        found += [f"the hub's cookies are gone: {sorted(lost)}"] * bool(lost)
    return found


@attack
def cookies_for_other_places(siege: Siege) -> list[str]:
    """Set cookies for the hub and the workshop from ana's server: with other paths, twice, with spaces, on redirects.

    In her browser they lie below /user/ana/ and nowhere else.
    """
    with siege.aside(siege.newcomer("ana")) as tab:
        for place in ("page", "m-hints/x", "m-location/user/ana/x", "m-switch/x"):
            siege.visit(tab, f"{siege.url}/user/ana/{place}")
        planted = [each for each in tab.context.cookies() if siege.canary in str(each.get("value"))]
    if not planted:
        return ["no cookie came at all: nothing can be learnt from it"]
    places = [(each.get("name", ""), each.get("path", "")) for each in planted]
    elsewhere = sorted({f"{name} at {path}" for name, path in places if not path.startswith("/user/ana/")})
    return [f"a cookie of ana's server lies elsewhere: {each}" for each in elsewhere]


@attack
def accel_redirects(siege: Siege) -> list[str]:
    """Answer with X-Accel-Redirect to what is internal: the gate's question, others' servers, named places, files.

    nginx does not heed it: ana gets her own page, as she sent it.
    """
    places = (
        "/_gate", "/user/bia/api/contents", "/hub/api/users", "/services/workshop/", "@refused", "@entrance", "/etc/passwd",
        "/hub/api/oauth2/token", "/user/grade-demo/", "//etc/passwd",
    )  # fmt: skip
    found = []
    for place in places:
        answer = siege.ask(siege.person("ana"), f"/user/ana/m-accel{place if place.startswith('/') else '/' + place}")
        found += [f"nginx went to {place}"] * (siege.canary.encode() not in answer and raw.status(answer) != 400)
    return found


@attack
def switching_without_being_asked(siege: Siege) -> list[str]:
    """Answer with 101, 100 and 103 where nobody asked for it, then go on asking for bia's server on the same line.

    What comes after is decided by the gate again, or goes to ana's own server and nowhere else.
    """
    found = []
    for mode in ("switch", "hints", "split"):
        for more in ({}, raw.upgrade()):
            first = {"Cookie": siege.person("ana").cookies(), "Connection": "keep-alive", **more}
            octets = raw.request(f"/user/ana/m-{mode}/x", first, host=siege.host)
            octets += raw.request("/user/bia/api/contents", {"Cookie": siege.person("ana").cookies()}, host=siege.host)
            answer = siege.line.send(octets, patience_s=0.5)
            found += ["bia's server answered"] * (b'"type"' in answer or b"bia" in answer)
    return found


@slow_attack
def framing_our_pages(siege: Siege) -> list[str]:
    """Show sign-in, home, labs and formgrader in a frame of another page, to have clicks made in it.

    No browser shows them there.
    """
    found = []
    pages = (
        "/hub/login",
        "/hub/home",
        "/hub/token",
        "/services/workshop/",
        "/user/grade-demo/formgrader/",
        "/hub/spawn/irene",
    )
    for page in pages:
        for person in (siege.person("irene"), None):
            policy = raw.header(siege.ask(person, page), "Content-Security-Policy")
            is_page = raw.status(siege.ask(person, page)) == 200
            found += [f"{page} may be framed"] * (is_page and "frame-ancestors" not in policy)
    tab = siege.tab("irene")
    body = "".join(f'<iframe src="{siege.url}{page}"></iframe>' for page in pages)
    siege.lure(tab, DONE, origin=siege.witness.near, body=body)
    tab.wait_for_load_state("load")
    shown = [frame.url for frame in tab.frames[1:] if frame.url.startswith(siege.url) and "password" in frame.content()]
    return found + [f"{url} is shown in a frame" for url in shown]


@attack
def reading_across_origins(siege: Siege) -> list[str]:
    """Read pages and interfaces of the hub with irene's cookies from a page at another port of the same host.

    No page elsewhere reads a byte, and none is told that it may.
    """
    script = """
    const places = ["/hub/api/user", "/hub/home", "/services/workshop/", "/user/irene/api/contents", "/hub/api/users", "/hub/token"];
    const got = await Promise.all(places.map((place) => fetch(hub + place, {credentials: "include"}).then((a) => place + " " + a.status, () => "")));
    return got.join("");
    """
    found = []
    for origin in (siege.witness.near, siege.witness.far):
        told = siege.lure(siege.tab("irene"), script, origin=origin)
        found += [f"a page of {origin} reads {told}"] * bool(told)
        for place in ("/hub/api/user", "/services/workshop/", "/services/workshop/exchange/key"):
            answer = siege.ask(siege.person("irene"), place, Origin=origin)
            found += [f"{place} allows {origin}"] * bool(raw.header(answer, "Access-Control-Allow-Origin"))
    return found
