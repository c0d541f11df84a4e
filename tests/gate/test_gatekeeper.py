"""nginx as it is run: with few rights, looked after, its certificate renewed; each test has one of its own."""

import os
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from tests.certificates import make_certificate
from tests.gate.conftest import IS_ROOT, Door, World, open_door, raw, request, told

from csirtlab.cohorts.store import GATE_UID
from csirtlab.errors import SetupError
from csirtlab.hub.gatekeeper import find_nginx
from csirtlab.hub.nginx import COOKIE

pytestmark = pytest.mark.slow


@pytest.fixture
def door(world: World) -> Iterator[Door]:
    opened = open_door(world)
    yield opened
    opened.keeper.stop()


def test_a_flood_of_tries_to_sign_in_is_held_and_a_room_is_not(door: Door) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{door.port}", trust_env=False) as client:
        statuses = [client.post("/hub/login", data={"username": "x"}).status_code for _ in range(60)]
        assert set(statuses) == {200}
        while len(statuses) < 2000 and 429 not in statuses:
            statuses.append(client.post("/hub/login", data={"username": "x"}).status_code)
        pages = client.get("/hub/login").status_code

    assert 429 in statuses and pages == 200


# As it is run


@pytest.mark.skipif(not IS_ROOT, reason="only root runs something as somebody else")
def test_nginx_has_no_right_but_to_listen_at_low_ports(door: Door) -> None:
    status = Path(f"/proc/{door.keeper.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    assert fields["Uid"].split() == [str(GATE_UID)] * 4 and fields["Groups"].strip() == ""
    assert {fields[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {f"{1 << 10:016x}"}
    assert fields["NoNewPrivs"] == "1"


def test_an_nginx_that_ends_is_started_again(door: Door) -> None:
    before = door.keeper.pid
    assert before
    os.kill(before, 9)
    deadline = time.monotonic() + 30
    answer = b""
    while not answer:
        door.keeper.look_after()
        assert time.monotonic() < deadline
        time.sleep(0.05)
        if door.keeper.pid != before:
            try:
                answer = raw(door.port, request("/hub/x"))
            except OSError:
                continue

    assert told(answer)["who"] == "hub"
    assert any("started again" in line for line in door.world.said)


def test_where_there_is_no_nginx_one_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)

    with pytest.raises(SetupError, match="apt-get install nginx"):
        find_nginx()


# TLS


@pytest.fixture
def secured(world: World, tmp_path: Path) -> Iterator[Door]:
    make_certificate(tmp_path, "first")
    opened = open_door(world, certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem")
    yield opened
    opened.keeper.stop()


def shown_name(port: int) -> str:
    """Return the common name in the certificate that is shown now."""
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    name = x509.load_pem_x509_certificate(pem.encode()).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0]
    return str(name.value)


def test_a_renewed_certificate_is_taken_and_no_open_socket_ends(secured: Door, tmp_path: Path) -> None:
    trusting = ssl._create_unverified_context()
    plain = socket.create_connection(("127.0.0.1", secured.port), timeout=20)
    with trusting.wrap_socket(plain) as line:
        cookie = secured.world.cookie("irene")
        line.sendall(
            f"GET /user/grade-demo/ws HTTP/1.1\r\nHost: x\r\nCookie: {COOKIE}={cookie}\r\n"
            "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n".encode()
        )
        assert line.recv(65536).startswith(b"HTTP/1.1 101 ")

        make_certificate(tmp_path, "second")
        deadline = time.monotonic() + 30
        while shown_name(secured.port) != "second":
            secured.keeper.look_after()
            assert time.monotonic() < deadline
            time.sleep(0.05)

        line.settimeout(20)
        line.sendall(b"still here")
        heard = b""
        while b"still here" not in heard:
            heard += line.recv(65536)


def test_a_broken_renewal_is_told_and_the_certificate_before_stays(secured: Door, tmp_path: Path) -> None:
    said = len(secured.world.said)
    (tmp_path / "cert.pem").write_text("half a file")

    for _ in range(3):
        secured.keeper.look_after()

    assert shown_name(secured.port) == "first"
    (line,) = secured.world.said[said:]  # once
    assert "the one before stays in use" in line and "cert.pem" in line


def test_a_key_of_another_certificate_is_refused_at_the_start(world: World, tmp_path: Path) -> None:
    make_certificate(tmp_path, "one")
    certificate = (tmp_path / "cert.pem").read_bytes()
    make_certificate(tmp_path, "two")
    (tmp_path / "cert.pem").write_bytes(certificate)

    with pytest.raises(SetupError, match="is not that of the first certificate"):
        open_door(world, certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem")


def test_over_tls_browsers_are_told_to_stay_there(secured: Door) -> None:
    with httpx.Client(base_url=f"https://127.0.0.1:{secured.port}", verify=False, trust_env=False) as client:
        answer = client.get("/hub/x")
    plain = raw(secured.port, request("/hub/x"))

    assert answer.headers["strict-transport-security"] == "max-age=15552000"
    assert (answer.json()["headers"]["x-scheme"], answer.http_version) == ("https", "HTTP/1.1")
    assert plain.startswith(b"HTTP/1.1 308 ") and b"Location: https://labs.example/hub/x" in plain


def test_a_reverse_proxy_of_the_operators_own_is_believed_and_nobody_else(world: World) -> None:
    forwarded = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    opened = open_door(world, trusted=("127.0.0.1/32",))
    try:
        headers = told(raw(opened.port, request("/hub/x", "", *forwarded)))["headers"]
    finally:
        opened.keeper.stop()

    assert (headers["x-forwarded-for"], headers["x-scheme"]) == ("203.0.113.9", "https")
