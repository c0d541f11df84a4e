"""The same gate once more, under TLS: a second nginx before the hub that runs, for as long as it is asked."""

import datetime
import ipaddress
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from csirtlab.bench.attacks.siege.raw import Line, wait_until
from csirtlab.bench.subjects import free_port
from csirtlab.cohorts.folders import Home
from csirtlab.errors import SetupError
from csirtlab.hub.gatekeeper import Gatekeeper
from csirtlab.hub.nginx import Public
from csirtlab.sockets import Sockets

if TYPE_CHECKING:
    from csirtlab.bench.attacks.siege.ground import Siege

SECONDS_TO_START = 10.0


class _Beside(Sockets):
    """The hub's sockets, but for the one at which nginx itself listens."""

    @property
    def inner(self) -> Path:
        return self.root / "gate" / "tls.sock"


@contextmanager
def tls_gate(siege: "Siege") -> Iterator[Line]:
    """Run nginx with the hub's own configuration, with a certificate; returns the way to it."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-tls-") as folder:
        Path(folder).chmod(0o711)
        home = Home(Path(folder) / "home")
        home.ensure()
        certificate, key = _draw_pair(Path(folder))
        sockets = _Beside(siege.sockets.root)
        line = Line(free_port(), tls=True)
        keeper = Gatekeeper(home, sockets, Public("127.0.0.1", line.port, certificate, key), lambda _text: None)
        keeper.start()
        try:
            if not wait_until(lambda: _answers(line), patience_s=SECONDS_TO_START):
                raise SetupError(f"nginx does not answer under TLS:\n{(home.log / 'gate.log').read_text()[-2000:]}")
            yield line
        finally:
            keeper.stop()
            sockets.inner.unlink(missing_ok=True)


def _answers(line: Line) -> bool:
    try:
        line.connect().close()
    except OSError:
        return False
    return True


def _draw_pair(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for loopback, signed by itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "siege")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[1].write_bytes(key.private_bytes(*form))
    return paths
