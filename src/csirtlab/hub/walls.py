"""The walls around a single-user server: the bubblewrap command that starts it."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import csirtlab
from csirtlab.cohorts.store import FIRST_UID
from csirtlab.errors import SetupError

HOME_INSIDE = Path("/home/trainee")
"""Where everybody finds their own home; ``--uid 1000`` makes it theirs in there."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = (
    "/etc/alternatives", "/etc/ssl", "/etc/ca-certificates", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime",
    "/etc/mime.types", "/etc/wireshark", "/etc/protocols", "/etc/services", "/etc/manuf",
)  # fmt: skip

MOST_MEMORY_B = 6 << 30  # address space of one process; Node and NumPy map far more than they use
MOST_FILE_B = 2 << 30
MOST_OPEN_FILES = 4096
MOST_TEMPORARY_B = 2 << 30  # /tmp; captures are taken apart there
MOST_SHARED_B = 1 << 30  # /dev/shm
MOST_PROCESSES = 400  # per uid, and each trainee has their own


@dataclass(frozen=True)
class Walls:
    """What a server may see of the host, beside the system itself.

    ``home`` is writable inside as ``HOME_INSIDE``; ``readable`` lies at the same place inside.
    ``hidden`` are folders under ``readable`` that appear empty. ``may_nest`` allows user
    namespaces inside: a cohort's server needs them for the grader's box.
    """

    home: Path
    etc: Path
    readable: Sequence[Path]
    hidden: Sequence[Path] = ()
    may_nest: bool = False


def wall_command(walls: Walls, command: Sequence[str]) -> list[str]:
    """Return the ``bwrap`` command line that runs ``command`` inside ``walls``.

    The network is shared: the server must be reached by the proxy, and reach the hub. Not
    ``--die-with-parent``: a server outlives a hub that was killed, and the next hub takes it over.
    """
    line = ["bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000"]
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
    for name in ETC:
        line += ["--ro-bind-try", name, name]
    for file in sorted(walls.etc.iterdir()):
        line += ["--ro-bind", str(file), f"/etc/{file.name}"]
    for folder in walls.readable:
        line += ["--ro-bind", str(folder), str(folder)]
    for folder in walls.hidden:
        line += ["--tmpfs", str(folder), "--remount-ro", str(folder)]
    line += ["--bind", str(walls.home), str(HOME_INSIDE), "--chdir", str(HOME_INSIDE)]
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


def probe_walls(uid: int | None) -> None:
    """Try the walls with an empty command.

    Raises:
        SetupError: bubblewrap is missing, or this kernel forbids it; the message names the setting.
    """
    if shutil.which("bwrap") is None:
        raise SetupError("bubblewrap is missing. Install it: apt-get install bubblewrap")
    line = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--ro-bind", "/", "/"]
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
