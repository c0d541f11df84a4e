"""The walls around a single-user server: the bubblewrap command that starts it."""

import ctypes
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import csirtlab
from csirtlab.cohorts.store import FIRST_UID
from csirtlab.errors import SetupError
from csirtlab.grading.seccomp import write_filter

HOME_INSIDE = Path("/home/trainee")
"""Where everybody finds their own home; ``--uid 1000`` makes it theirs in there."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SOCKET_INSIDE = Path("/run/csirtlab")
"""Where everybody finds the one socket that leads out."""

ETC_FOLDERS = ("/etc/alternatives", "/etc/ssl", "/etc/ca-certificates", "/etc/fonts", "/etc/wireshark")
ETC_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/protocols", "/etc/services", "/etc/manuf")
"""Copied, not bound: a running system replaces these, and what is bound would then be a file without a name, which
no walls inside could bind again."""

_KEYCTL = {"x86_64": 250, "aarch64": 219}  # linux: __NR_keyctl
_JOIN_SESSION_KEYRING = 1  # linux/keyctl.h: KEYCTL_JOIN_SESSION_KEYRING

MOST_MEMORY_B = 6 << 30  # address space of one process; Node and NumPy map far more than they use
MOST_FILE_B = 2 << 30
MOST_OPEN_FILES = 4096
MOST_TEMPORARY_B = 2 << 30  # /tmp; captures are taken apart there
MOST_SHARED_B = 1 << 30  # /dev/shm
MOST_PROCESSES = 400  # per uid, and each trainee has their own


@dataclass(frozen=True)
class Walls:
    """What a server may see of the host, beside the system itself.

    ``home`` is writable inside as ``HOME_INSIDE``; ``inner`` is the folder with the socket that leads out, inside
    ``SOCKET_INSIDE``; ``readable`` lies at the same place inside.
    ``hidden`` are folders under ``readable`` that appear empty. ``may_nest`` allows user
    namespaces inside: a cohort's server needs them for the grader's box.
    """

    home: Path
    inner: Path
    etc: Path
    readable: Sequence[Path]
    hidden: Sequence[Path] = ()
    may_nest: bool = False
    has_network: bool = False  # the machine's own


@dataclass(frozen=True)
class Handed:
    """Open files that bubblewrap reads: the filter of system calls, and copies for ``/etc``."""

    seccomp: int
    etc: Sequence[tuple[str, int]]

    @property
    def descriptors(self) -> list[int]:
        """All of them, for the child to inherit."""
        return [self.seccomp, *(descriptor for _, descriptor in self.etc)]


@contextmanager
def handed_files(walls: Walls) -> Iterator[Handed]:
    """Open what ``wall_command`` speaks of, until the child has inherited it."""
    with ExitStack() as stack:
        seccomp = stack.enter_context(tempfile.TemporaryFile())
        write_filter(seccomp, may_nest=walls.may_nest)
        copies = [
            (name, stack.enter_context(Path(name).open("rb")).fileno()) for name in ETC_FILES if Path(name).is_file()
        ]
        yield Handed(seccomp.fileno(), copies)


def wall_command(walls: Walls, handed: Handed, command: Sequence[str]) -> list[str]:
    """Return the ``bwrap`` command line that runs ``command`` inside ``walls``.

    Of the network there is a loopback of its own and nothing else. Not ``--die-with-parent``: a server
    outlives a hub that was killed, and the next hub takes it over.
    """
    line = ["bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000"]
    if not walls.has_network:
        line += ["--unshare-net"]
    line += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "csirtlab"]
    if not walls.may_nest:
        line += ["--disable-userns"]
    for name in SYSTEM:
        folder = Path(name)
        if folder.is_symlink():
            line += ["--symlink", str(folder.readlink()), name]
        elif folder.is_dir():
            line += ["--ro-bind", name, name]
    line += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--dir", "/run"]
    # What is in them takes the machine's memory.
    for name, most in (("/tmp", MOST_TEMPORARY_B), ("/dev/shm", MOST_SHARED_B)):  # noqa: S108  # names inside the walls
        line += ["--size", str(most), "--tmpfs", name]
    line += ["--symlink", "../tmp", "/var/tmp"]  # noqa: S108  # names inside the walls
    for name in ETC_FOLDERS:
        line += ["--ro-bind-try", name, name]
    for name, descriptor in handed.etc:
        line += ["--perms", "0644", "--file", str(descriptor), name]
    for file in sorted(walls.etc.iterdir()):
        line += ["--ro-bind", str(file), f"/etc/{file.name}"]
    for folder in walls.readable:
        line += ["--ro-bind", str(folder), str(folder)]
    for folder in walls.hidden:
        line += ["--tmpfs", str(folder), "--remount-ro", str(folder)]
    line += ["--ro-bind", str(walls.inner), str(SOCKET_INSIDE)]
    line += ["--bind", str(walls.home), str(HOME_INSIDE), "--chdir", str(HOME_INSIDE)]
    line += ["--seccomp", str(handed.seccomp)]
    line += ["--remount-ro", "/"]  # also /etc, /var and /opt, which bubblewrap made up
    return [*line, "--", *command]


def programs_and_pages(content: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders with the installed programs, and those among them a trainee need not see.

    Hidden are lab sources with their reference solutions, and scenarios. They are public; a
    workshop's exam is still better off without them at hand.
    """
    readable = {Path(sys.prefix), Path(sys.base_prefix), content / "hub_config"}
    package = Path(csirtlab.__file__).resolve().parents[1]
    if Path(sys.prefix) not in package.parents:  # an editable installation
        readable |= {package, package.parent / "grader"}
    inside_usr = [path for path in readable if Path("/usr") in (path, *path.parents)]
    wanted = sorted(path for path in readable if path not in inside_usr)
    shown = [path for path in wanted if not any(other in path.parents for other in wanted)]
    hidden = [
        content / name
        for name in ("labs", "datasets", "courses")
        if (content / name).is_dir() and any(path in content.parents or path == content for path in shown)
    ]
    return shown, hidden


def become(uid: int | None) -> Callable[[], None]:
    """Return what a child does before it starts: limits first, then the uid (None: stay who you are).

    Raises:
        SetupError: The uid is none of those that are given to accounts; root's above all.
    """
    if uid is not None and uid < FIRST_UID:
        raise SetupError(
            f"no server runs under uid {uid}: accounts have uids from {FIRST_UID}. "
            "The table of accounts was changed by hand or is damaged: restore it from a backup."
        )

    def before_start() -> None:
        _leave_keyring()
        for limit, most in (
            (resource.RLIMIT_AS, MOST_MEMORY_B),
            (resource.RLIMIT_FSIZE, MOST_FILE_B),
            (resource.RLIMIT_NOFILE, MOST_OPEN_FILES),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(limit, (most, most))
        if uid is not None:
            # Counted per uid: under a shared uid it would count the operator's own processes.
            resource.setrlimit(resource.RLIMIT_NPROC, (MOST_PROCESSES, MOST_PROCESSES))
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        os.umask(0o077)

    return before_start


def _leave_keyring() -> None:
    """Take a new session keyring: the one of the hub's terminal would be everybody's (keyrings(7))."""
    number = _KEYCTL.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, _JOIN_SESSION_KEYRING, None)


def probe_walls(uid: int | None) -> None:
    """Try the walls with an empty command.

    Raises:
        SetupError: bubblewrap is missing, or this kernel forbids it; the message names the setting.
    """
    if shutil.which("bwrap") is None:
        raise SetupError("bubblewrap is missing. Install it: apt-get install bubblewrap")
    line = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    line += ["--ro-bind", "/", "/"]
    line += ["--proc", "/proc", "--dev", "/dev", "true"]
    tried = subprocess.run(line, preexec_fn=become(uid), capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise SetupError(
            f"bubblewrap cannot build walls here: {tried.stderr.strip()}\n"
            f"{forbidding_setting()}\n"
            "Then start again. To go without walls, for people who trust each other entirely: --unsafe-no-box"
        )


def forbidding_setting(proc_sys: Path = Path("/proc/sys")) -> str:
    """Say which kernel setting forbids user namespaces, and the command that changes it."""
    wanted = {
        "user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=15000"),
        "kernel/unprivileged_userns_clone": ("0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        "kernel/apparmor_restrict_unprivileged_userns": (
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    }
    for name, (forbids, command) in wanted.items():
        path = proc_sys / name
        if path.exists() and path.read_text().strip() == forbids:
            setting = name.replace("/", ".")
            kept = f"echo '{command.removeprefix('sysctl -w ')}' > /etc/sysctl.d/60-csirtlab.conf"
            return f"{setting} is {forbids}. Run: {command}\nTo keep it: {kept}"
    return (
        "No known setting forbids it. Inside a container, its seccomp profile may: "
        "allow unshare, clone and mount with CLONE_NEWUSER."
    )
