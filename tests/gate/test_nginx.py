"""The gate's outer half: a real nginx, what it lets through, and what it takes away on the way."""

import socket

import pytest
from tests.gate.conftest import Door, raw, request, told

from csirtlab.hub.nginx import COOKIE, HIDDEN
from csirtlab.web.sessions import GATE_COOKIE

pytestmark = pytest.mark.slow


def test_both_halves_speak_of_the_same_cookie() -> None:
    assert COOKIE == GATE_COOKIE


# Who gets through


def test_the_owner_reaches_their_server_at_the_address_as_it_was_written(door: Door) -> None:
    answer = told(raw(door.port, request("/user/ana/files/a%20b%3F.txt?x=/../y//z", door.world.cookie("ana"))))

    assert (answer["who"], answer["target"], answer["query"]) == ("ana", "/user/ana/files/a%20b%3F.txt", "x=/../y//z")


@pytest.mark.parametrize("name", ["ben", "irene", "ian"])
def test_nobody_else_gets_a_byte_of_it(door: Door, name: str) -> None:
    cookie = door.world.cookie(name)
    for target in ("/user/ana", "/user/ana/", "/user/ana/lab", "/user/ana/static/x.js", "/user/ana?x"):
        for more in ((), ("Upgrade: websocket", "Connection: upgrade"), (f"Cookie: {COOKIE}=x",)):
            answer = raw(door.port, request(target, cookie, *more))

            assert b'"who": "ana"' not in answer and b"HTTP/1.1 200 OK\r\n" not in answer.split(b"workshop")[0], answer


SPELLINGS = [
    "//user/ana/x", "/user//ana/x", "/x/../user/ana/x", "/user/ben/../ana/x", "/user/ana%2F..%2Fben/x", "//x/user/ana/",
    "/user/%61na/x", "/%75ser/ana/x", "/user/ana%2f", "/user/ana/%2e%2e/ben/", "/user/ben/%2e%2e/ana/x",
    "/user/./ana/x",
    "/user/ana\\x", "/user\\ana\\x", "/user/ana%5cx", "/user/ana%00/x", "/user/ana%0d%0aX: y/", "/USER/ana/x",
    "/user/Ana/x", "/user/ana;x/y", "/user/ana./x", "/user/ana%20/x", "/user/-ana/x", "/user/", "/user",
    "/hub/../user/ana/x", "/hub/%2e%2e/user/ana/x", "/services/workshop/../../user/ana/x", "/_gate", "/_gate/x",
    "/sessions", "/user/ana/..;/ben/", "/user/ana/%252e%252e/x", "/user/..%2fana/", "/user/ben%23/../ana/", "/./",
    "*", "user/ana/x", "http://labs.example/user/ana/%2e%2e/x", "http://labs.example//user/ana/x", "/user/ana\t/x",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_odd_address_leads_a_stranger_nowhere(door: Door, spelling: str) -> None:
    answer = raw(door.port, request(spelling, door.world.cookie("irene")))

    assert b'"who": "ana"' not in answer and b'"who": "hub"' not in answer, answer


def test_what_decides_is_what_routes(door: Door) -> None:
    """Her own cookie, an address that might be read as somebody else's: it is hers, or nobody's."""
    for spelling in SPELLINGS:
        answer = raw(door.port, request(spelling, door.world.cookie("ben")))

        assert b'"who": "ana"' not in answer, spelling


def test_an_instructor_reaches_the_cohorts_server_and_a_trainee_does_not(door: Door) -> None:
    target = "/user/grade-demo/formgrader"

    assert raw(door.port, request(target, door.world.cookie("irene"))).endswith(b"grade-demo")
    assert b"\r\n\r\ngrade-demo" not in raw(door.port, request(target, door.world.cookie("ana")))


def test_without_a_session_one_is_shown_the_way_in(door: Door) -> None:
    answer = told(raw(door.port, request("/user/ana/lab?reset", "", "Sec-Fetch-Mode: navigate")))

    assert (answer["who"], answer["target"]) == ("workshop", "/services/workshop/entrance")
    assert answer["headers"]["x-gate-wanted"] == "/user/ana/lab?reset"


def test_a_second_cookie_of_the_gate_is_refused(door: Door) -> None:
    mine, other = door.world.cookie("ana"), door.world.cookie("ben")
    for line in (f"a=b; {COOKIE}={other}; {COOKIE}={mine}", f"{COOKIE}={mine};{COOKIE}={other}"):
        answer = raw(door.port, request("/user/ana/x", "", f"Cookie: {line}"))

        assert b'"who": "ana"' not in answer


def test_what_somebody_says_of_themselves_is_not_believed(door: Door) -> None:
    forged = (
        "X-Gate-Owner: ben", "X-Gate-Session: x", "X-Forwarded-For: 203.0.113.9", "X-Real-IP: 203.0.113.9",
        "X-Scheme: https", "X-Forwarded-Proto: https", "Forwarded: for=203.0.113.9", "X-Forwarded-Host: evil.example",
    )  # fmt: skip
    cookie = door.world.cookie("ana")
    for target in ("/user/ana/x", "/hub/x", "/services/workshop/x"):
        headers = told(raw(door.port, request(target, cookie, *forged)))["headers"]

        assert "203.0.113.9" not in str(headers) and "evil.example" not in str(headers)
        assert (headers["x-real-ip"], headers["x-forwarded-for"]) == ("127.0.0.1", "127.0.0.1")
        assert (headers["x-scheme"], headers["x-forwarded-proto"]) == ("http", "http")


def test_a_server_never_sees_the_gates_cookie(door: Door) -> None:
    cookie = door.world.cookie("ana")
    for line in (
        f"{COOKIE}={cookie}",
        f"a=1; {COOKIE}={cookie}",
        f"{COOKIE}={cookie}; b=2",
        f"a=1;{COOKIE}={cookie};b=2",
    ):
        headers = told(raw(door.port, request("/user/ana/x", "", f"Cookie: {line}")))["headers"]

        assert cookie not in str(headers)
        assert [part for part in ("a=1", "b=2") if part in line] == [
            part for part in ("a=1", "b=2") if part in headers.get("cookie", "")
        ]


# What a server's answer loses on the way


def test_a_servers_answer_says_nothing_of_the_host(door: Door) -> None:
    answer = raw(door.port, request("/user/ana/x", door.world.cookie("ana")))
    head = answer.partition(b"\r\n\r\n")[0].decode().lower()

    assert told(answer)["who"] == "ana"  # not what X-Accel-Redirect names
    assert [name for name in HIDDEN if f"\r\n{name.lower()}:" in head] == []
    assert "x-accel" not in head
    assert "set-cookie: csirtlab-workshop=planted; path=/user/ana/" in head


def test_nothing_is_registered_as_a_service_worker(door: Door) -> None:
    cookie = door.world.cookie("ana")
    for target in ("/user/ana/sw.js", "/hub/sw.js", "/services/workshop/sw.js"):
        answer = raw(door.port, request(target, cookie, "Service-Worker: script"))

        assert answer.startswith(b"HTTP/1.1 404 ")


def test_our_own_pages_are_framed_and_guessed_by_nobody(door: Door) -> None:
    for target in ("/hub/home", "/services/workshop/"):
        head = raw(door.port, request(target)).partition(b"\r\n\r\n")[0].lower()

        assert b"x-content-type-options: nosniff" in head and b"referrer-policy: same-origin" in head
    assert b"frame-ancestors 'none'" in raw(door.port, request("/hub/home"))


def test_signing_out_takes_the_gates_cookie_and_what_pages_have_stored(door: Door) -> None:
    head = raw(door.port, request("/hub/logout")).partition(b"\r\n\r\n")[0].decode()

    assert f"Set-Cookie: {COOKIE}=; Path=/user/; Max-Age=0" in head and 'Clear-Site-Data: "storage"' in head


def test_text_is_compressed_for_who_can_read_it(door: Door) -> None:
    cookie = door.world.cookie("ana")
    plain = raw(door.port, request("/user/ana/x", cookie))
    packed = raw(door.port, request("/user/ana/x", cookie, "Accept-Encoding: gzip"))

    assert b"Content-Encoding: gzip" in packed and len(packed) < len(plain) / 2


def test_jupyterlabs_own_files_are_given_out_once_for_everybody(door: Door) -> None:
    answer = raw(door.port, request("/shared/lab-1.2.3/main.js"))

    assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"lab()")
    assert b"immutable" in answer and b"Content-Type: application/javascript" in answer


@pytest.mark.parametrize(
    "target",
    ["/shared/lab-1.2.3../cert.pem", "/shared/lab-1.2.3/leak.js", "/shared/lab-1.2.3/", "/shared/", "/shared/x"],
)
def test_nothing_else_is_given_out_with_them(door: Door, target: str) -> None:
    assert b"secret" not in raw(door.port, request(target)) and b"main.js" not in raw(door.port, request(target))


# Limits


@pytest.mark.parametrize(
    ("target", "size", "is_taken"),
    [
        ("/user/ana/x", 99 << 20, True), ("/user/ana/x", 101 << 20, False),
        ("/services/workshop/exchange/x", 20 << 20, True), ("/services/workshop/exchange/x", 120 << 20, False),
        ("/hub/login", 2 << 20, False), ("/services/workshop/x", 2 << 20, False),
    ],
)  # fmt: skip
def test_uploads_have_a_limit(door: Door, target: str, size: int, is_taken: bool) -> None:
    lines = (f"Content-Length: {size}", "Expect: 100-continue")
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as connection:
        connection.sendall(request(target, door.world.cookie("ana"), *lines, method="POST"))
        answer = connection.recv(4096)

    assert (b" 413 " not in answer.split(b"\r\n")[0]) is is_taken


# The way from within


def inner(door: Door, target: str, *lines: str, method: str = "GET") -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(door.world.sockets.inner))
        connection.sendall(request(target, "", *lines, method=method))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize("target", ["/hub/api", "/hub/api/", "/hub/api/user", "/services/workshop/exchange/labs"])
def test_a_server_reaches_the_hubs_words_about_itself_and_the_exchange(door: Door, target: str) -> None:
    assert told(inner(door, target))["target"] == target
    assert told(inner(door, "/hub/api/users/ana/activity", "Content-Length: 0", method="POST"))["who"] == "hub"


@pytest.mark.parametrize(
    "target",
    [
        "/", "/hub/login", "/hub/api/users", "/hub/api/users/ana/tokens", "/hub/api/users/ana/server", "/hub/home",
        "/hub/api/user/../users", "/hub/api/users/ana/activity/x", "/hub/api/authorizations/token/x",
        "/hub/api/shutdown", "/services/workshop/", "/services/workshop/exchange/../enter", "/user/ana/", "/_gate",
        "/sessions", "/hub/api//user",
        "/hub/api/users/ana%2factivity/activity", "/hub/api/%75ser/..",
    ],
)  # fmt: skip
def test_a_server_reaches_nothing_else(door: Door, target: str) -> None:
    answer = inner(door, target)

    assert b'"who"' not in answer and answer.split()[1] in (b"400", b"403")


def test_from_within_nobody_chooses_the_address_that_tries_are_counted_by(door: Door) -> None:
    headers = told(
        inner(door, "/hub/api/user", "X-Forwarded-For: 203.0.113.9", "X-Real-IP: 203.0.113.9", "Cookie: a=b")
    )

    assert headers["headers"]["x-forwarded-for"] == headers["headers"]["x-real-ip"] == "127.0.0.1"
    assert "cookie" not in headers["headers"]
