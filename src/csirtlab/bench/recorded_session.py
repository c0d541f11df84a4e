"""A case the other way: real programs say as much to each other on loopback, and dumpcap records it."""

import datetime as dt
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from csirtlab.errors import SetupError
from csirtlab.evidence.model import Plan, TcpFlow
from csirtlab.evidence.protocols.tls import TlsSession
from csirtlab.evidence.seeds import stream

_PORT = 8443


class Talk(NamedTuple):
    """One connection: whether it is TLS, and who says how many bytes in turn."""

    is_tls: bool
    turns: list[tuple[bool, int]]


def record_session(plan: Plan, capture: Path) -> float:
    """Return the seconds that it takes to record the TCP connections of ``plan`` between real sockets.

    They follow each other without a pause, in a network namespace of their own; bytes go back and forth as planned,
    through real TLS 1.3 where the plan says TLS.

    Raises:
        SetupError: dumpcap is not installed, no network namespace can be made, or nothing was recorded.
    """
    if shutil.which("dumpcap") is None:
        raise SetupError("dumpcap is not installed, and the session is recorded with it. Install the package tshark.")
    talks = [_talk(plan, flow) for flow in plan.flows if isinstance(flow, TcpFlow)]
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    command = [*unshare, sys.executable, "-m", "csirtlab.bench.recorded_session", str(capture)]
    began = time.perf_counter()
    done = subprocess.run(command, input=json.dumps(talks), capture_output=True, text=True, check=False)
    if done.returncode or not capture.exists():
        raise SetupError(f"the session could not be recorded: {done.stderr.strip()[-500:]}")
    return time.perf_counter() - began - float(done.stdout)


def _talk(plan: Plan, flow: TcpFlow) -> Talk:
    if isinstance(flow.dialogue, TlsSession):
        pairs = [(request.request_bytes, request.response_bytes) for request in flow.dialogue.requests]
        return Talk(True, [turn for asked, answered in pairs for turn in ((True, asked), (False, answered))])
    turns = flow.dialogue.turns(stream(plan.seed, str(flow.index)))
    return Talk(False, [(turn.by_client, _length(turn.payload)) for turn in turns])


def _length(payload: object) -> int:
    return len(payload if isinstance(payload, bytes) else payload(0))  # type: ignore[operator]  # a Payload


def _record(capture: Path, talks: list[Talk]) -> float:
    """Record the talks; return the seconds spent waiting for the file, which are not the session's."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    serving, asking = _contexts()
    dumpcap = subprocess.Popen(
        ["dumpcap", "-q", "-P", "-i", "lo", "-w", str(capture)], stderr=subprocess.PIPE, text=True
    )
    assert dumpcap.stderr
    if not any(line.startswith("File:") for line in dumpcap.stderr):
        raise SetupError("dumpcap records nothing.")
    listener = socket.create_server(("127.0.0.1", _PORT), backlog=64)
    server = threading.Thread(target=_serve, args=(listener, talks, serving), daemon=True)
    server.start()
    for talk in talks:
        with socket.create_connection(("127.0.0.1", _PORT)) as connection:
            _speak(asking.wrap_socket(connection) if talk.is_tls else connection, talk, is_client=True)
    server.join()
    began = time.perf_counter()
    _until_written(capture)
    waited = time.perf_counter() - began
    dumpcap.terminate()
    dumpcap.wait()
    return waited


def _until_written(capture: Path) -> None:
    """Wait until dumpcap has written all that it has seen; it would throw the rest away at its end."""
    before = -1
    while (size := capture.stat().st_size) != before:
        before = size
        time.sleep(0.4)


def _contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of the server, with a certificate made for now, and of the client."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        serving.load_cert_chain(file.name)
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    return serving, asking


def _serve(listener: socket.socket, talks: list[Talk], context: ssl.SSLContext) -> None:
    for talk in talks:
        connection, _ = listener.accept()
        with connection:
            _speak(
                context.wrap_socket(connection, server_side=True) if talk.is_tls else connection, talk, is_client=False
            )


def _speak(connection: socket.socket, talk: Talk, *, is_client: bool) -> None:
    # Without it, two turns of one side wait for a delayed acknowledgment: 40 ms of nothing.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for by_client, length in talk.turns:
        if by_client == is_client:
            connection.sendall(bytes(length))
            continue
        left = length
        while left > 0:
            part = connection.recv(min(left, 65_536))
            if not part:
                raise SetupError("a connection ended before everything was said.")
            left -= len(part)
    connection.close()


if __name__ == "__main__":
    sys.stdout.write(str(_record(Path(sys.argv[1]), [Talk(is_tls, turns) for is_tls, turns in json.load(sys.stdin)])))
