"""The gate's cookie and sessions, stolen, doubled, planted, replayed; sockets that outlive a right; the gate's own places."""

import secrets
import socket

from csirtlab.bench.attacks.siege import raw
from csirtlab.bench.attacks.siege.attacks import attack, slow_attack
from csirtlab.bench.attacks.siege.ground import COHORT, Siege, set_role
from csirtlab.bench.attacks.siege.people import Person
from csirtlab.cohorts.roster import Role

GATE = "csirtlab-gate"
SERVER = f"/user/grade-{COHORT}"
ENDS_WITHIN_S = 10.0


@attack
def stolen_cookie_by_itself(siege: Siege) -> list[str]:
    """Use irene's gate cookie, and nothing else of hers, at the hub, at the workshop, and at ben's server.

    It opens no page that is not below /user/, and no server but hers and her cohort's.
    """
    stolen = f"{GATE}={siege.person('irene').cookie(GATE)}"
    found = []
    for place in ("/hub/home", "/hub/token", "/services/workshop/", "/user/ben/api", "/user/ana/x", f"{SERVER}/api"):
        answer = siege.ask(None, place, Cookie=stolen)
        found += [f"it opens {place}"] * (raw.status(answer) == 200 or siege.canary.encode() in answer)
    return found


@attack
def gate_cookie_sent_elsewhere(siege: Siege) -> list[str]:
    """Look for the gate's cookie, or the hub's and the workshop's, in what ana's server and pages get.

    None of them comes to a server, and no script reads one.
    """
    ana = siege.person("ana")
    siege.ask(ana, "/user/ana/for-cookies")
    sent = next(each[2] for each in siege.hostile.seen() if each[1] == "/user/ana/for-cookies")
    found = [f"the server gets {GATE}"] * (ana.cookie(GATE) in sent)
    with siege.aside(ana) as tab:
        tab.goto(f"{siege.url}/user/ana/page")
        read = tab.evaluate("document.cookie")
    names = (GATE, "csirtlab-workshop", "jupyterhub-hub-login")
    return found + [f"a script reads {name}" for name in names if ana.cookie(name) and ana.cookie(name) in read]


@attack
def doubled_cookie(siege: Siege) -> list[str]:
    """Send two gate cookies, one's own and one that ana planted, in every order and spelling.

    Whoever planted the other one does not choose whose counts: it is refused, or one's own counts.
    """
    found = []
    with siege.nothing_reaches_ana() as harms:
        theirs = siege.person("ana").cookie(GATE)
        for name in ("irene", "ben"):
            own = siege.person(name).cookie(GATE)
            headers = [f"{GATE}={a}{between}{GATE}={b}" for a, b in ((own, theirs), (theirs, own), (theirs, theirs))
                       for between in ("; ", ";", ";x=y; ", ";\t", " ;  ")]  # fmt: skip
            for header in headers:
                answer = siege.ask(None, "/user/ana/x", Cookie=header)
                found += [f"{name} with two cookies is ana"] * (siege.canary.encode() in answer)
            for octets in (
                f"Cookie: {GATE}={own}\r\nCookie: {GATE}={theirs}",
                f"Cookie: {GATE}={theirs}\r\nCookie: {GATE}={own}",
            ):
                head = f"GET /user/ana/x HTTP/1.1\r\nHost: {siege.host}\r\n{octets}\r\nConnection: close\r\n\r\n"
                found += [f"{name} with two headers is ana"] * (siege.canary.encode() in siege.line.send(head.encode()))
        return found + harms()


@attack
def made_up_cookies(siege: Siege) -> list[str]:
    """Guess, cut, lengthen, quote and misspell gate cookies, and send the session's other names in its place.

    None opens anything.
    """
    real = siege.person("ana").cookie(GATE)
    values = [
        "", "x", real[:-1], real + "x", f'"{real}"', real.swapcase(), secrets.token_urlsafe(32), "../ana", "ana", "%00", "null",
        "0" * 4000, "cookie:" + real, "\xff", siege.person("ben").cookie("csirtlab-workshop"),
    ]  # fmt: skip
    cookies = [f"{GATE}={value}" for value in values]
    cookies += [
        f"{GATE.upper()}={real}",
        f" {GATE} ={real}",
        f"x{GATE}={real}",
        f"$Version=1; $Path=/; {GATE}x={real}",
        f"{GATE}-ana={real}",
    ]
    with siege.nothing_reaches_ana() as harms:
        for cookie in cookies:
            siege.ask(None, "/user/ana/x", Cookie=cookie)
        return harms()


@attack
def gates_own_places(siege: Siege) -> list[str]:
    """Ask for the gate's question and its sessions by their names, as a browser could.

    They are not there, whatever headers come with the request, and give no session.
    """
    found = []
    places = ("/_gate", "/_gate/", "/_GATE", "/%5fgate", "/sessions", "/gate/sessions", "/user/sessions", "/_gate?x", "//_gate",
              "/user/irene/../../_gate", "/@entrance", "/@hub", "/services/gate/", "/services/gate/sessions")  # fmt: skip
    for place in places:
        for method in ("GET", "POST"):
            answer = siege.ask(
                siege.person("irene"),
                place,
                method,
                X_Gate_Owner="irene",
                X_Gate_Cookie=siege.person("irene").cookie(GATE),
            )
            found += [f"{method} {place} answers {raw.status(answer)}"] * (raw.status(answer) in (200, 201, 204))
            found += [f"{method} {place} names a session"] * bool(raw.header(answer, "X-Gate-Session"))
    return found


@attack
def gates_own_headers(siege: Siege) -> list[str]:
    """Send the gate's headers oneself: owner, cookie, session, and where one wanted to go, also with a socket.

    They come from nginx alone.
    """
    found = []
    ana = siege.person("ana")
    with siege.nothing_reaches_ana() as harms:
        for name in ("irene", "ben"):
            forged = {"X_Gate_Owner": name, "X_Gate_Cookie": ana.cookie(GATE), "X_Gate_Session": "0" * 32, "X_Gate_Wanted": f"/user/{name}/",
                      "X_Gate_Method": "GET", "Authorization": "token x"}  # fmt: skip
            for more in ({}, raw.upgrade()):
                for place in ("/user/ana/x", "/services/workshop/entrance", "/services/workshop/problem/403"):
                    headers = {
                        **{k.replace("_", "-"): v for k, v in forged.items()},
                        "Cookie": siege.person(name).cookies(),
                        **more,
                    }
                    answer = siege.line.send(raw.request(place, headers, host=siege.host), until=b"\r\n\r\n")
                    found += [f"{name} got in at {place}"] * (raw.status(answer) in (101, 200) and "/user/" in place)
        answer = siege.ask(None, "/services/workshop/entrance", X_Gate_Wanted="//evil.example/", X_Gate_Method="GET")
        found += [f"the entrance leads to {raw.header(answer, 'Location')}"] * (
            "evil" in raw.header(answer, "Location").split("next=")[0]
        )
        return found + harms()


@slow_attack
def replayed_after_signing_out(siege: Siege) -> list[str]:
    """Keep all cookies of a browser, sign out, and use them again at server, workshop and hub.

    Within ten seconds they open nothing; the hub and the workshop refuse them at once.
    """
    gone = siege.newcomer("leo")
    siege.ask(gone, "/user/leo/api")
    gone.sign_out()
    found = []
    for place in ("/services/workshop/", "/hub/home", "/hub/api/user"):
        found += [f"{place} opens at once after signing out"] * (raw.status(siege.ask(gone, place)) == 200)
    cookie = {"Cookie": f"{GATE}={gone.cookie(GATE)}"}
    is_over = raw.wait_until(
        lambda: raw.status(siege.ask(None, "/user/leo/api", **cookie)) == 302, patience_s=ENDS_WITHIN_S
    )
    return found + ["the gate's cookie goes on"] * (not is_over)


@slow_attack
def socket_after_the_right_is_gone(siege: Siege) -> list[str]:
    """Keep a WebSocket to the cohort's server open while one signs out, and while another is no instructor any more.

    Both end within ten seconds; that of an instructor who stays goes on.
    """
    sol = siege.person("sol")
    open_cohorts_server(sol)
    people = {"signed out": siege.newcomer("nur"), "no instructor": siege.newcomer("mar"), "stays": sol}
    sockets = {}
    for what, person in people.items():
        enter(person)
        headers = {**raw.upgrade(), "Cookie": person.cookies(f"{SERVER}/x"), "Origin": siege.url}
        connection = siege.line.connect()
        connection.settimeout(ENDS_WITHIN_S)
        connection.sendall(raw.request(f"{SERVER}/api/events/subscribe", headers, host=siege.host))
        if raw.status(raw.receive(connection, until=b"\r\n\r\n")) != 101:
            return [f"{person.name} gets no socket: nothing can be learnt from it"]
        sockets[what] = connection
    people["signed out"].sign_out()
    set_role(siege.home, COHORT, "mar", Role.TRAINEE)
    try:
        found = [
            f"the socket of who is {what} goes on"
            for what in ("signed out", "no instructor")
            if not _ends(sockets[what])
        ]
        sockets["stays"].settimeout(0.2)
        sockets["stays"].sendall(b"\x89\x80\0\0\0\0")  # a ping, which every server answers (RFC 6455, 5.5.2)
        return found + ["the socket of who stays was cut"] * (
            raw.receive(sockets["stays"], until=b"\x8a")[-2:-1] != b"\x8a"
        )
    finally:
        set_role(siege.home, COHORT, "mar", Role.INSTRUCTOR)
        for connection in sockets.values():
            connection.close()


def _ends(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            continue
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def open_cohorts_server(instructor: Person) -> None:
    """Have a cohort's server started, and wait until it answers."""
    place = f"/services/workshop/formgrader/{COHORT}"
    raw.wait_until(lambda: instructor.http.get(place).has_redirect_location, patience_s=60)
    enter(instructor)


def enter(person: Person) -> None:
    """Sign somebody in at the cohort's server, as their browser does by itself."""
    answer = person.http.get(f"/services/workshop/formgrader/{COHORT}")
    for _ in range(9):
        if not answer.has_redirect_location:
            break
        answer = person.http.get(answer.headers["location"])
