"""Signing in: guesses, forged addresses, somebody else's tries, ways to lead astray, tokens."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

from csirtlab.bench.attacks.siege import raw
from csirtlab.bench.attacks.siege.attacks import attack, slow_attack
from csirtlab.bench.attacks.siege.ground import Siege
from csirtlab.bench.attacks.siege.people import Person

GUESSES, FREE = 8, 5
FLOOD, AT_ONCE = 150, 16


def guesser(siege: Siege, last: int) -> Person:
    """Return somebody without a passphrase, at an address of loopback that counts tries for itself."""
    return Person("nobody", siege.url, "", source=f"127.0.7.{last}")


@attack
def forged_sender(siege: Siege) -> list[str]:
    """Guess a passphrase with a new X-Forwarded-For, X-Real-IP, Forwarded or Client-IP at each try.

    After five tries there is a pause, whatever the headers say.
    """
    found = []
    names = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "X-Client-Ip", "Cf-Connecting-Ip")
    for number, header in enumerate(names, start=10):
        with guesser(siege, number).http as http:
            told = [
                Person.try_sign_in(
                    http,
                    f"forger-{number}",
                    "guess",
                    **{header: f"for=203.0.113.{n}" if header == "Forwarded" else f"203.0.113.{n}"},
                )
                for n in range(FREE + 1)
            ]
        found += [f"{header} buys more tries"] * (told[-1].status_code != 429)
    return found


@attack
def forged_sender_locks_out_another(siege: Siege) -> list[str]:
    """Fail in bia's name from elsewhere, saying that one's address is hers.

    She signs in as before.
    """
    with guesser(siege, 30).http as http:
        for _ in range(GUESSES):
            Person.try_sign_in(http, "bia", "guess", **{"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1"})
    bia = siege.person("bia")
    with bia.new_client() as http:
        answer = Person.try_sign_in(http, "bia", bia.passphrase)
    return [f"bia is kept out: {answer.status_code}"] * (answer.status_code != 302)


@attack
def guesses_by_the_interface(siege: Siege) -> list[str]:
    """Guess with the interface that gives tokens for name and passphrase, which shows no page.

    It counts the same tries: after eight wrong ones, the right one is refused there and on the page.
    """
    ben = siege.person("ben")
    with guesser(siege, 31).http as http:

        def ask(passphrase: str) -> int:
            body = {"auth": {"username": "ben", "password": passphrase}}
            return http.post("/hub/api/users/ben/tokens", json=body).status_code

        told = [ask(f"guess-{number}") for number in range(GUESSES)]
        found = [f"a wrong passphrase gives a token: {told}"] * bool({200, 201} & set(told))
        found += ["after eight tries the interface still tells right from wrong"] * (ask(ben.passphrase) in (200, 201))
        paused = Person.try_sign_in(http, "ben", ben.passphrase).status_code
    return found + [f"its tries do not count on the page: {paused}"] * (paused != 429)


@attack
def names_that_pass_for_others(siege: Siege) -> list[str]:
    """Sign in with ben's passphrase under names that become another's: capitals, spaces, null bytes, paths, patterns.

    One is ben, or nobody.
    """
    ben = siege.person("ben")
    names = ["irene", "IRENE", "irene\0ben", "ben\0irene", " irene", "irene%00", "%", "*", "' or 1=1 --", "../irene", "ｉｒｅｎｅ", "ırene",
             "irene\u200b", "ben,irene", "ben;irene", "admin", "root", "", "ben/../irene"]  # fmt: skip
    found = []
    with Person("nobody", siege.url, "", "127.0.7.32").http as http:
        for name in names:
            http.cookies.clear()
            answer = Person.try_sign_in(http, name, ben.passphrase)
            if answer.status_code == 302:
                user = http.get("/hub/api/user", headers={"Referer": f"{siege.url}/hub/home"}).json().get("name")
                found += [f"{name!r} is {user}"] * (user != "ben")
    return found


@attack
def signing_in_as_a_cohort(siege: Siege) -> list[str]:
    """Sign in as the cohort's own account, whose server grades: with no passphrase, others', and the hub's words for none.

    It has none, and nobody comes in as it.
    """
    found = []
    with guesser(siege, 33).http as http:
        for number, passphrase in enumerate(("", "None", "null", siege.person("irene").passphrase, "*")):
            name = ("grade-demo", "GRADE-DEMO", "grade-siege", "grade-", " grade-demo ")[number]
            answer = Person.try_sign_in(http, name, passphrase)
            found += [f"{name!r} comes in"] * (answer.status_code == 302)
    return found


@slow_attack
def leading_astray_after_signing_in(siege: Siege) -> list[str]:
    """Put another host behind the sign-in's ?next=, in every spelling that a browser takes for one.

    Signing in leads to a page of the hub.
    """
    places = (
        "https://evil.example/", "//evil.example/", "/\\evil.example/", "////evil.example", "\\\\evil.example", "https:evil.example",
        "/%09/evil.example", "/\t/evil.example", "/%5cevil.example", "//evil.example%2f..", "javascript:alert(1)", "data:text/html,x",
        f"http://{siege.host}@evil.example/", f"http://{siege.host}.evil.example/", "///evil.example", "/hub/..//evil.example", "http:///evil.example",
    )  # fmt: skip
    found = []
    ben = siege.newcomer("ben")
    for place in places:
        for way in (
            "/hub/login",
            "/hub/user-redirect/x",
            "/hub/spawn/ben",
            "/hub/home",
            "/hub/logout/x",
            "/services/workshop/enter",
        ):
            answer = siege.ask(ben, f"{way}?next={quote(place, safe='')}")
            found += _leads_away(siege, answer, f"{way}?next={place}")
    with ben.new_client() as http:
        for place in places[:6]:
            http.cookies.clear()
            told = Person.try_sign_in(http, "ben", ben.passphrase, f"?next={quote(place, safe='')}")
            to = told.headers.get("location", "")
            found += [f"signing in leads to {to}"] * (
                urlsplit(to.replace("\\", "/")).netloc not in ("", siege.host) or to.startswith(("/\\", "//"))
            )
    return found


def _leads_away(siege: Siege, answer: bytes, by: str) -> list[str]:
    to = raw.header(answer, "Location").replace("\\", "/").replace("\t", "")
    parts = urlsplit(to)
    is_away = parts.scheme not in ("", "http", "https") or to.startswith("///") or parts.netloc not in ("", siege.host)
    return [f"{by} leads to {to}"] * is_away


@attack
def headers_put_in_by_an_address(siege: Siege) -> list[str]:
    """Put line ends into addresses that come back in a header: ?next=, state, paths, query.

    No header is added, and no answer is split.
    """
    found = []
    end = "%0d%0aX-Put-In:%20yes%0d%0aSet-Cookie:%20put=in%0d%0a%0d%0a<script>1</script>"
    wide = "%e5%98%8a%e5%98%8dX-Put-In:%20yes"
    for more in (end, wide, "%0aX-Put-In:%20yes", "%0dX-Put-In:%20yes", "%c4%8d%c4%8aX-Put-In:%20yes"):
        for place in (f"/hub/login?next=/{more}", f"/services/workshop/enter?next=/user/ben/{more}", f"/services/workshop/?x={more}", f"/user/ben/{more}",
                      f"/user/ben/?{more}", f"/hub/{more}", f"/services/workshop/oauth_callback?state={more}&code={more}", f"/hub/user-redirect/{more}",
                      f"/hub/api/oauth2/authorize?client_id=service-workshop&response_type=code&state={more}"):  # fmt: skip
            for person in (siege.person("ben"), None):
                answer = siege.ask(person, place).partition(b"\r\n\r\n")[0].lower()
                found += [f"{place} adds a header"] * (b"\nx-put-in:" in answer or b"\nset-cookie: put=in" in answer)
    return found


@attack
def scheme_made_up(siege: Siege) -> list[str]:
    """Claim another scheme, host or port by X-Forwarded-Proto, X-Scheme, X-Forwarded-Host and Forwarded.

    Cookies and addresses that the hub gives are as they are without them.
    """
    found = []
    claims = ({"X_Forwarded_Proto": "https"}, {"X_Scheme": "https"}, {"X_Forwarded_Host": "evil.example"}, {"X_Forwarded_Port": "443"},
              {"Forwarded": "proto=https;host=evil.example"}, {"X_Forwarded_Ssl": "on"}, {"Front_End_Https": "on"})  # fmt: skip
    for place in ("/hub/login", "/services/workshop/", "/", "/user/ben/x", "/hub/api"):
        usual = siege.ask(None, place)
        for claim in claims:
            answer = siege.ask(None, place, **claim)
            secure = [
                line
                for line in answer.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
                if line.startswith(b"set-cookie") and b"secure" in line
            ]
            found += [f"{claim} makes cookies of {place} for TLS alone"] * bool(secure)
            found += [f"{claim} comes back from {place}"] * (b"evil.example" in answer and b"evil.example" not in usual)
            found += [f"{claim} brings HSTS to {place}"] * bool(raw.header(answer, "Strict-Transport-Security"))
    return found


@slow_attack
def signed_in_as_the_attacker(siege: Siege) -> list[str]:
    """Sign irene's browser in as ana from another page, or bring it ana's code, so that she works in ana's name.

    The form and the code come only from the page that asked for them.
    """
    ana = siege.person("ana")
    with siege.aside(siege.newcomer("irene")) as tab:
        for origin in (siege.witness.near, siege.witness.far):
            body = f"""<form method=post action="{siege.url}/hub/login"><input name=username value=ana>
            <input name=password value="{ana.passphrase}"><input name=_xsrf value="{ana.xsrf()}"></form>"""
            siege.lure(
                tab,
                "document.forms[0].submit(); await new Promise((d) => setTimeout(d, 400));",
                origin=origin,
                body=body,
            )
        asked = siege.ask(
            ana,
            "/hub/api/oauth2/authorize?client_id=service-workshop&response_type=code&state=x&redirect_uri=/services/workshop/oauth_callback",
        )
        code = re.search(r"code=([^&\s]*)", raw.header(asked, "Location"))
        siege.visit(tab, f"{siege.url}/services/workshop/oauth_callback?code={code[1] if code else 'x'}&state=x")
        tab.goto(f"{siege.url}/services/workshop/")
        shown = tab.inner_text("body")
    return ["irene's browser is ana's now"] * ("Ana Quispe" in shown or "Irene Paredes" not in shown)


@attack
def permission_for_anas_client(siege: Siege) -> list[str]:
    """Let irene's browser give ana's server, a client of the hub's OAuth, a code; have codes sent elsewhere.

    She has no right to that server, so it gets no code; and codes go to the client's own address alone.
    """
    found = []
    for name in ("irene", "ben"):
        for client, to in (("jupyterhub-user-ana", "/user/ana/oauth_callback"), ("service-workshop", f"{siege.witness.near}/code"),
                           ("service-workshop", "/user/ana/oauth_callback"), ("jupyterhub-user-ana", f"{siege.witness.far}/code"),
                           ("service-workshop", f"{siege.url}/services/workshop/oauth_callback/../../../user/ana/")):  # fmt: skip
            place = f"/hub/api/oauth2/authorize?client_id={client}&response_type=code&state=x&redirect_uri={quote(to, safe='')}"
            for method in ("GET", "POST"):
                answer = siege.ask(siege.person(name), place, method)
                to_it = raw.header(answer, "Location")
                found += [f"a code of {name}'s goes to {to_it}"] * ("code=" in to_it and "error" not in to_it)
    return found


@attack
def tokens_in_the_address(siege: Siege) -> list[str]:
    """Bring a token in the query or as a password, where logs and referrers keep it.

    It opens nothing there.
    """
    token = siege.hostile.runs("tell(os.environ['JUPYTERHUB_API_TOKEN'])")
    if raw.status(siege.ask(None, "/user/ana/x", Authorization=f"token {token}")) != 200:
        return ["ana's token does not open her own server: nothing can be learnt from it"]
    found = []
    for place in (f"/user/ana/x?token={token}", f"/user/ana/?access_token={token}", f"/hub/api/user?token={token}", f"/hub/api/users?token={token}",
                  f"/services/workshop/exchange/labs?token={token}", f"/user/ana;token={token}/x"):  # fmt: skip
        answer = siege.ask(None, place)
        found += [f"{place[:30]}... opens"] * (raw.status(answer) == 200)
    return found


@attack
def flood_of_tries(siege: Siege) -> list[str]:
    """Send 150 tries to sign in at once from one address.

    Most are refused unread, and somebody at another address signs in meanwhile.
    """
    with guesser(siege, 50).http as http:
        form = {"username": "flood", "password": "x" * 100, "_xsrf": "x"}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            tries = [pool.submit(http.post, "/hub/login", data=form) for _ in range(FLOOD)]
            began = time.monotonic()
            siege.newcomer("ben")
            took = time.monotonic() - began
            told = [each.result().status_code for each in tries]
    return [f"none of {FLOOD} was refused unread"] * (429 not in told) + [f"ben waits for {took:.0f} s"] * (took > 20)


@attack
def giant_names_and_passphrases(siege: Siege) -> list[str]:
    """Try to sign in with names and passphrases of megabytes, and with forms of a hundred thousand fields.

    It is refused, and the hub goes on answering.
    """
    found = []
    with guesser(siege, 51).http as http:
        page = http.get("/hub/login").text
        xsrf = re.search(r'name="_xsrf" value="([^"]*)"', page)
        for form in ({"username": "a" * 900_000, "password": "x"}, {"username": "a", "password": "x" * 900_000}, {"username": "a", "password": "x" * 5_000_000},
                     {**{f"f{n}": "" for n in range(90_000)}, "username": "a"}):  # fmt: skip
            answer = http.post("/hub/login", data={**form, "_xsrf": xsrf[1] if xsrf else ""})
            found += [f"a form of {len(str(form))} letters: {answer.status_code}"] * (
                answer.status_code not in (400, 403, 413, 429)
            )
        began = time.monotonic()
        http.get("/hub/health")
    return found + ["the hub does not answer"] * (time.monotonic() - began > 5)
