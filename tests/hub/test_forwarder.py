"""The way from a server's loopback to the one socket that leads out."""

import socket
import threading
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from csirtlab.hub.forwarder import forward
from csirtlab.sockets import LONGEST_PATH_B, listen, path_of, sockets_of, unix_url


async def answer(request: Request) -> Response:
    return PlainTextResponse(f"{request.url.path} {len(await request.body())}")


def test_what_is_said_on_loopback_reaches_the_socket(tmp_path: Path) -> None:
    app = Starlette(routes=[Route("/x", answer, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=0))
    listening = listen(tmp_path / "hub.sock")
    thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{forward(tmp_path / 'hub.sock')}", trust_env=False) as client:
            assert client.get("/x").text == "/x 0"
            assert client.post("/x", content=b"x" * 5_000_000).text == "/x 5000000"
    finally:
        server.should_exit = True
        thread.join(30)


def test_where_nobody_listens_one_is_cut_off_and_not_kept_waiting(tmp_path: Path) -> None:
    port = forward(tmp_path / "nothing.sock")

    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/x", timeout=10, trust_env=False)


def test_the_forwarder_listens_on_loopback_alone(tmp_path: Path) -> None:
    port = forward(tmp_path / "nothing.sock")

    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert f"0100007F:{port:04X}" in listening and f"00000000:{port:04X}" not in listening


def test_a_home_has_the_same_sockets_each_time_and_no_two_homes_share_them() -> None:
    first, second = sockets_of(Path("/srv/a")), sockets_of(Path("/srv/b"))

    assert first == sockets_of(Path("/srv/a")) and first != second
    longest = first.server("x" * 32)
    assert len(str(longest)) <= LONGEST_PATH_B and str(longest) == str(longest).lower()


def test_a_sockets_address_is_read_back() -> None:
    assert path_of(unix_url(Path("/run/csirtlab/x y.sock"))) == Path("/run/csirtlab/x y.sock")
    assert path_of("http://127.0.0.1:8000/x") is None


def test_a_socket_that_a_killed_process_left_is_taken_over(tmp_path: Path) -> None:
    listen(tmp_path / "s").close()

    with listen(tmp_path / "s"), socket.socket(socket.AF_UNIX) as knocking:
        knocking.connect(str(tmp_path / "s"))
