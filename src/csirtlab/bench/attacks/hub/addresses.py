"""Addresses of ana's server, spelt in every way that two programs could read differently."""

from csirtlab.bench.attacks.siege import raw
from csirtlab.bench.attacks.siege.attacks import attack, slow_attack
from csirtlab.bench.attacks.siege.ground import Siege
from csirtlab.bench.attacks.siege.http2 import h2_answer
from csirtlab.bench.attacks.siege.tls import tls_gate

NAMES = ("irene", "ben")


@attack
def plain_address(siege: Siege) -> list[str]:
    """Follow the address as it is, to a page, to the interface behind it, and to the server's own sign-in.

    Nobody but ana gets a byte of it.
    """
    return siege.follow(
        "/user/ana", "/user/ana/", "/user/ana/lab", "/user/ana/api/contents", "/user/ana/login", "/user/ana/static/x.js",
        "/user/ana/oauth_callback?code=x&state=y", "/user/ana?next=/user/irene/", "/user/ana/?token=x",
    )  # fmt: skip


@attack
def letters_encoded_once(siege: Siege) -> list[str]:
    """Write letters of the address as %61, which some programs decode before they compare and some after.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "/user/%61na/", "/user/an%61", "/%75ser/ana/", "/user/%61%6e%61/", "/user%2fana/", "/%2fuser/ana"
    )


@attack
def letters_encoded_twice(siege: Siege) -> list[str]:
    """Write letters as %2561, which is %61 once decoded.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "/user/%2561na/", "/%2575ser/ana/", "/user%252fana/", "/user/irene%252f..%252fana/x", "/%252e%252e/"
    )


@attack
def encoded_slash_that_climbs(siege: Siege) -> list[str]:
    """Leave one's own server by an encoded slash: /user/irene%2F..%2Fana, which a second reader decodes.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "/user/irene%2F..%2Fana/x", "/user/ben%2f..%2fana/x", "/user/irene/..%2fana/x", "/user/ben/%2e%2e/ana/",
        "/user/irene%2f%2e%2e%2fana", "/user/ana%2F..%2Firene/x", "/user/ana%2f..%2fben/x", "/hub/..%2fuser%2fana/",
    )  # fmt: skip


@attack
def dot_segments(siege: Siege) -> list[str]:
    """Climb by dots through one's own place, the hub's, and the workshop's.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "/user/irene/../ana/", "/user/ben/../ana/", "/user/./ana/", "/hub/../user/ana/", "/services/workshop/../../user/ana/",
        "/services/workshop/static/../../../user/ana/", "/user/irene/lab/../../ana/", "/./user/ana/", "/../user/ana/",
    )  # fmt: skip


@attack
def doubled_slashes(siege: Siege) -> list[str]:
    """Double slashes, so that one program sees a host and another a folder: //x/user/ana.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "//user/ana/", "/user//ana/", "//x/user/ana/", "///user/ana/", "/user/irene//../ana", "/user/ana//", "/hub//user/ana/",
    )  # fmt: skip


@attack
def backslashes(siege: Siege) -> list[str]:
    r"""Use \ and %5c in the place of slashes.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "/user\\ana/", "\\user\\ana", "/user/irene\\..\\ana/", "/user/irene/..%5cana/", "/user%5cana/", "/user/ana\\", "/\\x/user/ana",
    )  # fmt: skip


@attack
def semicolons(siege: Siege) -> list[str]:
    """Add parameters to parts of the path, which some programs cut off.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "/user/ana;/", "/user;x/ana/", "/user/irene;/../ana/", "/user/ana;a=b/lab", "/user/..;/user/ana/", "/user/ana%3b/lab",
        "/;/user/ana/",
    )  # fmt: skip


@attack
def null_and_control_bytes(siege: Siege) -> list[str]:
    """Put bytes into the address at which some programs stop reading, or which they leave out.

    Nobody gets a byte of ana's server.
    """
    encoded = [f"/user/ana%{octet:02x}{more}" for octet in (0, 9, 10, 13, 32, 127, 128) for more in ("", "/")]
    octets = [b"/user/an" + octet + b"a/" for octet in (b"\0", b"\t", b"\x0b", b"\x7f", b"\xff", b"\r", b"\n")]
    return siege.follow(*encoded, "/user/ana%0d%0aX-Gate-Owner:%20irene/", *octets, *(each + b"x" for each in octets))


@attack
def upper_case(siege: Siege) -> list[str]:
    """Write the name, or the path, in capitals, in wide letters, and with letters that become others in small.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "/user/ANA/", "/user/Ana/", "/USER/ana/", "/User/ana", "/user/%ef%bd%81na/", "/user/%e2%93%90na/", "/user/an%c2%aa/",
        "/user/%c3%81na/", "/user/%c0%e1na/", "/user/%c1%a1na/",
    )  # fmt: skip


@attack
def trailing_dots_and_spaces(siege: Siege) -> list[str]:
    """Put dots, spaces and the like behind the name, which file systems and programs forget.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "/user/ana./", "/user/ana../", "/user/ana%20/", "/user/%20ana/", "/user/ana%2e/", "/user/ana.sock/", "/user/ana+/",
        "/user/ana,irene/", "/user/ana%c2%a0/", "/user/ana...",
    )  # fmt: skip


@attack
def fragments_and_queries(siege: Siege) -> list[str]:
    """Let one reader end the path at # or ? where another reads on.

    Nobody gets a byte of ana's server.
    """
    return siege.follow(
        "/user/irene?/../ana/", "/user/irene/?x/../../ana", "/user/ana?x=/user/irene/", "/user/irene%3f/../ana/", "/user/irene%23/../ana/",
        b"/user/irene#/../ana/", b"/user/ana#/user/irene", b"#/user/ana/", b"?/user/ana/", "/?/user/ana/",
    )  # fmt: skip


@attack
def absolute_targets(siege: Siege) -> list[str]:
    """Name a whole address in the request line, with another host, a password, another scheme.

    Nobody gets a byte of ana's server.
    """
    targets = [
        f"http://{siege.host}/user/ana/", "http://ana/user/ana/", "http://ana@x/user/ana/", "https://x/user/ana/",
        f"http://{siege.host}/user/irene%2f..%2fana", "HTTP://X//user/ana/", "http:///user/ana/", "file:///user/ana/",
        f"unix:{siege.sockets.server('ana')}", f"http://unix:{siege.sockets.server('ana')}:/", "*", "user/ana/", "ana:80",
        "http://x?/user/ana/", "http://x#/user/ana/",
    ]  # fmt: skip
    found = siege.follow(*(target.encode() for target in targets), in_browser=False)
    for target in (f"{siege.host}", "ana:80", f"unix:{siege.sockets.server('ana')}"):
        answer = siege.ask(siege.person("irene"), target, "CONNECT")
        found += [f"CONNECT {target} went through"] * (siege.canary.encode() in answer or raw.status(answer) == 200)
    return found


@attack
def odd_hosts(siege: Siege) -> list[str]:
    """Put ana's server into the Host header, leave that out, or send two.

    Nobody gets a byte of ana's server.
    """
    hosts = [
        "ana", "ana.127.0.0.1", f"{siege.host}/user/ana", f"{siege.host}@ana", "unix:ana.sock", "", "127.0.0.1:80, ana",
        "[::1]", "localhost", "a" * 4000, "hub", "gate", "workshop", "ana.sock", "../servers/ana.sock",
    ]  # fmt: skip
    found = []
    with siege.nothing_reaches_ana() as harms:
        for name in NAMES:
            cookies = {"Cookie": siege.person(name).cookies()}
            for host in hosts:
                for target in ("/user/ana/", "/", f"/user/{name}/../ana/"):
                    answer = siege.line.send(raw.request(target, cookies, host=host))
                    found += [f"{name} got ana's answer with Host: {host[:40]}"] * (siege.canary.encode() in answer)
            for two in ("Host: ana\r\nHost: x", "Host: x\r\n Host: ana", "Host : ana", "host: x\r\nX: y\r\nHOST: ana"):
                octets = f"GET /user/ana/ HTTP/1.1\r\n{two}\r\nCookie: {cookies['Cookie']}\r\nConnection: close\r\n\r\n"
                answer = siege.line.send(octets.encode())
                found += [f"{name} got ana's answer with two hosts"] * (siege.canary.encode() in answer)
        return found + harms()


@attack
def old_versions_of_http(siege: Siege) -> list[str]:
    """Ask in HTTP/1.0, 0.9, and versions that there are none of.

    Nobody gets a byte of ana's server.
    """
    found = []
    with siege.nothing_reaches_ana() as harms:
        for name in NAMES:
            cookies = siege.person(name).cookies()
            heads = [
                f"GET /user/ana/ HTTP/{v}\r\nCookie: {cookies}\r\n\r\n"
                for v in ("1.0", "0.9", "2.0", "1.9", "9.9", "01.1")
            ]
            heads += [
                "GET /user/ana/\r\n",
                "GET /user/ana/ \r\n\r\n",
                "GET  /user/ana/  HTTP/1.0\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            ]
            for head in heads:
                answer = siege.line.send(head.encode(), patience_s=1)
                found += [f"{name} got ana's answer to {head[:30]!r}"] * (siege.canary.encode() in answer)
        return found + harms()


@attack
def pipelined_second_request(siege: Siege) -> list[str]:
    """Send a request for ana's server right behind one that is let through, on the same connection.

    Each is decided for itself: nobody gets a byte of ana's server.
    """
    found = []
    with siege.nothing_reaches_ana() as harms:
        for name in NAMES:
            keep = {"Cookie": siege.person(name).cookies(), "Connection": "keep-alive"}
            for first in ("/hub/health", f"/user/{name}/api", "/services/workshop/", "/robots.txt", "/user/ana/"):
                two = raw.request(first, keep, host=siege.host)
                two += raw.request("/user/ana/", {"Cookie": keep["Cookie"]}, host=siege.host)
                found += [f"{name} got ana's answer behind {first}"] * (siege.canary.encode() in siege.line.send(two))
        return found + harms()


@attack
def smuggled_request(siege: Siege) -> list[str]:
    """Hide a second request in the body of a first one: both lengths given, odd codings, odd chunks.

    Whoever reads it reads it the same way: nobody gets a byte of ana's server.
    """
    found = []
    inner = f"GET /user/ana/ HTTP/1.1\r\nHost: {siege.host}\r\nX: "
    chunked = f"0\r\n\r\n{inner}"
    bodies = [
        (f"Content-Length: {len(chunked)}\r\nTransfer-Encoding: chunked", chunked),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4", f"{len(inner):x}\r\n{inner}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", chunked),
        ("Transfer-Encoding: xchunked", chunked), ("Transfer-Encoding : chunked", chunked),
        ("Transfer-Encoding:\x0bchunked", chunked), ("X: y\r\n Transfer-Encoding: chunked", chunked),
        (f"Content-Length: 0\r\nContent-Length: {len(inner)}", inner), ("Content-Length: +0", inner),
        ("Content-Length: 0", inner), ("Content-Length: 0x0", inner), ("Transfer-Encoding: chunked", f"0;{inner}\r\n\r\n{inner}"),
        ("Transfer-Encoding: chunked", f"-1\r\n{inner}"), ("Transfer-Encoding: chunked", f"ffffffffffffffff0\r\n{inner}"),
    ]  # fmt: skip
    with siege.nothing_reaches_ana() as harms:
        for name in NAMES:
            cookies = siege.person(name).cookies()
            for method, path in (("POST", "/hub/login"), ("GET", f"/user/{name}/api"), ("POST", "/services/workshop/")):
                for lengths, body in bodies:
                    head = f"{method} {path} HTTP/1.1\r\nHost: {siege.host}\r\nCookie: {cookies}\r\n{lengths}\r\n\r\n"
                    octets = f"{head}{body}\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n".encode("latin-1")
                    answer = siege.line.send(octets, patience_s=0.5)
                    found += [f"{name} got ana's answer by {lengths!r}"] * (siege.canary.encode() in answer)
        return found + harms()


@attack
def headers_that_rewrite(siege: Siege) -> list[str]:
    """Name ana's server in headers by which some programs replace address, method or owner.

    None of them counts: nobody gets a byte of ana's server.
    """
    rewriting = {
        "X_Original_URL": "/user/ana/", "X_Rewrite_URL": "/user/ana/", "X_Forwarded_Prefix": "/user/ana",
        "X_Forwarded_Path": "/user/ana/", "X_Forwarded_Uri": "/user/ana/", "X_Original_URI": "/user/ana/", "Referer": "/user/ana/",
        "X_HTTP_Method_Override": "OPTIONS", "X_Accel_Redirect": "/user/ana/", "X_Sendfile": "/user/ana/", "Forwarded": "for=ana",
        "X_Forwarded_Host": "ana", "X_Forwarded_User": "ana", "Remote_User": "ana", "X_Remote_User": "ana",
    }  # fmt: skip
    found = []
    with siege.nothing_reaches_ana() as harms:
        for name in NAMES:
            for target in (f"/user/{name}/x", "/hub/home", "/", "/user/ana/"):
                answer = siege.ask(siege.person(name), target, **rewriting)
                found += [f"{name} got ana's answer from {target}"] * (siege.canary.encode() in answer)
        for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "DEBUG", "get", "ANA"):
            answer = siege.ask(siege.person("irene"), "/user/ana/", method)
            found += [f"{method} was let through"] * (siege.canary.encode() in answer)
        return found + harms()


@attack
def detours_by_hub_and_service(siege: Siege) -> list[str]:
    """Let the hub, or the workshop's service, fetch or lead to ana's server.

    They hand on nothing of it; who is led there is refused there.
    """
    return siege.follow(
        "/hub/user/ana/", "/hub/user/ana/x?redirects=1", "/hub/user-redirect/../ana/", "/hub/user-redirect/..%2fana/",
        "/hub/spawn/ana", "/hub/spawn-pending/ana", "/hub/login?next=/user/ana/", "/services/workshop/enter?next=/user/ana/",
        "/services/ana/", "/services/workshop/formgrader/ana", "/hub/proxy/user/ana/", "/hub/static/../../user/ana/", "/hub/api/proxy",
        "/services/workshop/entrance?next=/user/ana/", "/hub/redirect?to=/user/ana/",
    )  # fmt: skip


@slow_attack
def http2_under_tls(siege: Siege) -> list[str]:
    """Spell the address in HTTP/2, whose fields are no lines, with paths and hosts that HTTP/1 cannot say.

    Nobody gets a byte of ana's server.
    """
    with tls_gate(siege) as line:
        own = h2_answer(line, [(":path", "/user/ana/"), ("cookie", siege.person("ana").cookies())])
        if siege.canary.encode() not in own:
            return ["nobody gets through by HTTP/2, ana neither: nothing can be learnt from it"]
        with siege.nothing_reaches_ana() as harms:
            return [*_ask_by_http2(siege, line), *harms()]


def _ask_by_http2(siege: Siege, line: raw.Line) -> list[str]:
    found = []
    for name in NAMES:
        cookie = ("cookie", siege.person(name).cookies())
        paths = ["/user/ana/", "/user/%61na/", "//user/ana", "/user/irene/../ana/", "/user/ana\0", "user/ana", "*", "/user/\rana/",
                 "/user/irene%2f..%2fana", "/user/ana HTTP/1.1\r\nX: y", "http://x/user/ana/"]  # fmt: skip
        heads = [[(":path", path), cookie] for path in paths]
        heads += [[(":path", "/user/ana/"), (":authority", "ana"), cookie], [(":path", f"/user/{name}/"), (":path", "/user/ana/"), cookie],
                  [(":path", f"/user/{name}/x"), cookie, ("x", "y\r\n\r\nGET /user/ana/ HTTP/1.1\r\n\r\n")],
                  [(":path", f"/user/{name}/x"), cookie, ("x-gate-owner", "ana"), ("transfer-encoding", "chunked")]]  # fmt: skip
        for head in heads:
            found += [f"{name} got ana's answer at {head[0][1]!r}"] * (siege.canary.encode() in h2_answer(line, head))
        with siege.aside(siege.person(name)) as tab:
            shown = siege.visit(tab, f"https://127.0.0.1:{line.port}/user/ana/")
            found += [f"{name}'s browser shows ana's answer"] * (siege.canary in shown)
    return found
