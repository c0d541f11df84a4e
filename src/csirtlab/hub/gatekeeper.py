"""Runs nginx before the hub: writes its configuration, starts it, looks after it, renews its certificate."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from csirtlab.cohorts.folders import Home, write_private
from csirtlab.cohorts.store import GATE_UID
from csirtlab.errors import SetupError
from csirtlab.hub.nginx import CONNECTIONS, Public, Shared, configuration
from csirtlab.hub.orphans import PROGRAM, end_orphaned_gate
from csirtlab.sockets import Sockets

OPEN_FILES = 2 * CONNECTIONS
SECONDS_TO_END = 5.0
SECONDS_BETWEEN_STARTS = 1.0


def find_nginx() -> str:
    """Return nginx's program.

    Raises:
        SetupError: It is not installed.
    """
    # Debian keeps it where only root's PATH leads.
    found = shutil.which(PROGRAM, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))
    if found is None:
        raise SetupError("nginx is missing: it stands before everybody's server. Install it: apt-get install nginx")
    return found


def shared_files() -> Shared:
    """Return JupyterLab's files in this environment."""
    return Shared(Path(sys.prefix) / "share" / "jupyter" / "lab" / "static", version("jupyterlab"))


@dataclass
class Gatekeeper:
    """nginx of one home. As root it runs under a uid of its own, with no right but to listen at low ports."""

    home: Home
    sockets: Sockets
    public: Public  # with the certificate and key that the operator named
    say: Callable[[str], None]
    _process: "subprocess.Popen[bytes] | None" = None
    _started_at: float = 0.0
    _taken: tuple[object, ...] = field(default_factory=tuple)

    @property
    def pid(self) -> int | None:
        """The process, once it was started."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether nginx runs now."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Write the configuration, have nginx check it, and start it.

        Raises:
            SetupError: nginx is missing, or refuses; what it says is told.
        """
        program = find_nginx()
        folder = self.home.gate
        _ensure_folders(folder)
        self._take_certificate()
        taken = self.public
        if self.public.certificate and self.public.key:
            taken = replace(self.public, certificate=folder / "cert.pem", key=folder / "key.pem")
        (folder / "nginx.conf").write_text(configuration(taken, self.sockets, folder / "nginx"), encoding="utf-8")
        self._check(program)
        end_orphaned_gate(self.home)
        self.sockets.inner.unlink(missing_ok=True)
        with (self.home.log / "gate.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(program), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                env={"PATH": os.defpath}, start_new_session=True, umask=0o077,
            )  # fmt: skip
        self._started_at = time.monotonic()

    def look_after(self) -> None:
        """Start nginx again if it has ended, and let it take a certificate that was renewed."""
        if self._process is not None and self._process.poll() is not None:
            if time.monotonic() - self._started_at > SECONDS_BETWEEN_STARTS:
                self.say(f"nginx had ended (code {self._process.returncode}); started again. See log/gate.log")
                self.start()
        elif self._process is not None and self.public.certificate and self._taken != self._seen():
            self._renew()

    def stop(self) -> None:
        """End nginx, connections and all."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _renew(self) -> None:
        assert self._process is not None
        try:
            self._take_certificate()
        except SetupError as error:
            self._taken = self._seen()  # said once; the one before goes on
            self.say(f"[yellow]the certificate was changed, and the one before stays in use: {error}[/]")
            return
        # New connections get the new one; those that are open, and everybody's server, go on.
        self._process.send_signal(signal.SIGHUP)
        self.say("the certificate was renewed")

    def _take_certificate(self) -> None:
        """Copy certificate and key to where nginx's uid reads them, once they are whole and belong together."""
        if self.public.certificate is None or self.public.key is None:
            return
        seen = self._seen()
        try:
            certificate, key = self.public.certificate.read_text(), self.public.key.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise SetupError(f"{self.public.certificate} or {self.public.key} cannot be read: {error}") from error
        check_pair(certificate, key, self.public)
        for name, text in (("cert.pem", certificate), ("key.pem", key)):
            path = self.home.gate / name
            write_private(path, text)
            if os.geteuid() == 0:
                os.chown(path, 0, GATE_UID)
                path.chmod(0o640)
        self._taken = seen

    def _seen(self) -> tuple[object, ...]:
        marks: list[object] = []
        for path in (self.public.certificate, self.public.key):
            try:
                found = path.stat() if path else None  # through links: certbot's "live" files are links
            except OSError:
                found = None
            marks.append((found.st_ino, found.st_mtime_ns, found.st_size) if found else None)
        return tuple(marks)

    def _command(self, program: str) -> list[str]:
        line = [program, "-e", "stderr", "-p", str(self.home.gate), "-c", str(self.home.gate / "nginx.conf")]
        if os.geteuid() != 0:
            return line
        rights = "-all,+net_bind_service"
        most = min(OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])  # in a container root may not have more
        return [
            "prlimit", f"--nofile={most}",
            "setpriv", f"--reuid={GATE_UID}", f"--regid={GATE_UID}", "--clear-groups", "--no-new-privs",
            f"--inh-caps={rights}", f"--ambient-caps={rights}", f"--bounding-set={rights}", *line,
        ]  # fmt: skip

    def _check(self, program: str) -> None:
        tried = subprocess.run([*self._command(program), "-t", "-q"], capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            raise SetupError(
                f"nginx refuses its configuration, {self.home.gate / 'nginx.conf'}:\n{tried.stderr.strip()}\n"
                "If that speaks of an unknown directive, install Debian's nginx: apt-get install nginx"
            )


def check_pair(certificate: str, key: str, public: Public) -> None:
    """Return if a certificate chain is one, and the key is its own.

    Raises:
        SetupError: It is not; the message says what to look at.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        chain = x509.load_pem_x509_certificates(certificate.encode())
        own = load_pem_private_key(key.encode(), password=None).public_key().public_bytes(*form)
    except (ValueError, TypeError) as error:
        raise SetupError(
            f"{public.certificate} or {public.key} is no PEM file of a certificate, or of a key without password: "
            f"{error}"
        ) from error
    if chain[0].public_key().public_bytes(*form) != own:
        raise SetupError(
            f"the key in {public.key} is not that of the first certificate in {public.certificate}. "
            "Is the order of the chain right, the server's own certificate first?"
        )


def _ensure_folders(folder: Path) -> None:
    """Make the folder that nginx reads, and the one in it that nginx writes: its pid, and bodies that are large."""
    own = folder / "nginx"
    for path in (folder, own):
        path.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, 0, GATE_UID)
        folder.chmod(0o710)
        os.chown(own, GATE_UID, GATE_UID)
