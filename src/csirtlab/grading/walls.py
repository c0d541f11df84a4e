"""The walls of the box: what bubblewrap is told, as a list of arguments."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import csirtlab
import csirtlab_grader
from csirtlab.errors import SetupError

HOSTNAME = "casebox"
INSIDE_UID = 1000
WORK = Path("/tmp/work")  # noqa: S108  # the box's own, a tmpfs
HOME = Path("/tmp/home")  # noqa: S108  # likewise
CASE = Path("/case")
RUNNER = Path("/rule/runner.py")
MATERIAL = Path("/rule/material.json")
RULE_ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
_KIT_ALONE = ("__init__.py", "errors.py", "languages.py", "kit", "translations")
_FROM_ETC = ("ld.so.cache", "alternatives", "fonts", "localtime", "mime.types", "wireshark")
_ROOT_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

ETC = {
    "passwd": f"analyst:x:{INSIDE_UID}:{INSIDE_UID}::{HOME}:/bin/sh\n",
    "group": f"analyst:x:{INSIDE_UID}:\n",
    "hosts": f"127.0.0.1 localhost {HOSTNAME}\n",
    "resolv.conf": "nameserver 127.0.0.1\n",  # scapy complains when there is none
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
"""The box's own files below ``/etc``."""


@dataclass(frozen=True)
class Sizes:
    """How much memory the box's folders may take, in MiB."""

    tmp: int = 512
    shm: int = 64


def environment(*, sealed: bool, work: Path, home: Path, case: Path, scratch: tuple[Path, ...]) -> dict[str, str]:
    """Return the environment of a worker: nothing of the caller's own is in it."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(home),
        "TMPDIR": str(work.parent),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",  # the same submission gives the same answers
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "IPYTHONDIR": str(home / ".ipython"),
        "MPLCONFIGDIR": str(home / ".matplotlib"),
        "CSIRTLAB_BOX_SEALED": "1" if sealed else "0",
        "CSIRTLAB_BOX_WORK": str(work),
        "CSIRTLAB_BOX_CASE": str(case),
        "CSIRTLAB_BOX_SCRATCH": ":".join(map(str, scratch)),
    }


def worker_command() -> list[str]:
    """Return the command that starts a worker; ``-P``: nothing is imported from the current folder."""
    return [sys.executable, "-P", "-m", "csirtlab_grader"]


def bwrap_arguments(spool: Path, seccomp: int, sizes: Sizes) -> list[str]:
    """Return bubblewrap's arguments, without the command to be run.

    ``spool`` holds ``etc/`` and ``case/``, prepared by the caller; ``seccomp`` is the descriptor from which
    bubblewrap reads the filter.
    """
    return [
        *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--as-pid-1", "--new-session", "--clearenv", "--cap-drop", "ALL"),
        *("--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID), "--hostname", HOSTNAME),
        *_system(),
        *_etc(spool / "etc"),
        *_python(),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--size", str(sizes.shm * 2**20), "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--size", str(sizes.tmp * 2**20), "--tmpfs", "/tmp"),  # noqa: S108
        *("--ro-bind", str(spool / "case"), str(CASE)),
        *("--remount-ro", "/"),
        *("--chdir", "/", "--seccomp", str(seccomp)),
        *_setenv(environment(
            sealed=True, work=WORK, home=HOME, case=CASE, scratch=(Path("/tmp"), Path("/dev/shm")))),  # noqa: S108
    ]  # fmt: skip


def rule_arguments(runner: Path, material: int, seccomp: int) -> list[str]:
    """Return bubblewrap's arguments for one rule: the rule engines, the runner and the material, none of our code.

    ``material`` is a descriptor whose content the box gets as ``MATERIAL``, read-only.
    """
    return [
        *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--as-pid-1", "--new-session", "--clearenv", "--cap-drop", "ALL"),
        *("--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID), "--hostname", HOSTNAME),
        *_system(),
        *("--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"),
        *_engines(),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--ro-bind", str(runner), str(RUNNER), "--ro-bind-data", str(material), str(MATERIAL)),
        *("--remount-ro", "/"),
        *("--chdir", "/", "--seccomp", str(seccomp)),
        *_setenv(RULE_ENVIRONMENT),
    ]


def _setenv(values: Mapping[str, str]) -> list[str]:
    return [argument for name, value in values.items() for argument in ("--setenv", name, value)]


def _system() -> list[str]:
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in _ROOT_LINKS:
        folder = Path("/", name)
        if folder.is_symlink():
            arguments += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            arguments += ["--ro-bind", str(folder), str(folder)]
    return arguments


def _etc(own: Path) -> list[str]:
    arguments: list[str] = []
    for name in _FROM_ETC:
        arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in ETC:
        arguments += ["--ro-bind", str(own / name), f"/etc/{name}"]
    return arguments


def _python() -> list[str]:
    """Bind the interpreter and its packages; of our own code the kit and the worker alone.

    Labs with their solutions, scenarios and the code that judges stay outside, wherever they lie.
    """
    arguments = _prefixes()
    ours, grader = _folder_of(csirtlab.__file__), _folder_of(csirtlab_grader.__file__)
    arguments += ["--tmpfs", str(ours)]
    for name in _KIT_ALONE:
        arguments += ["--ro-bind", str(ours / name), str(ours / name)]
    arguments += ["--remount-ro", str(ours)]
    return [*arguments, "--ro-bind", str(grader), str(grader)]


def _engines() -> list[str]:
    """Bind the interpreter and its packages, without ours."""
    arguments = _prefixes()
    for ours in (_folder_of(csirtlab.__file__), _folder_of(csirtlab_grader.__file__)):
        if any(ours.is_relative_to(shown) for shown in ("/usr", sys.base_prefix, sys.prefix)):
            arguments += ["--tmpfs", str(ours), "--remount-ro", str(ours)]
    return arguments


def _prefixes() -> list[str]:
    arguments: list[str] = []
    for prefix in dict.fromkeys((sys.base_prefix, sys.prefix)):
        if not Path(prefix).is_relative_to("/usr"):
            arguments += ["--ro-bind", prefix, prefix]
    shared = Path(sys.prefix, "share", "csirtlab")
    if shared.is_dir():
        arguments += ["--tmpfs", str(shared), "--remount-ro", str(shared)]
    return arguments


def _folder_of(module: str | None) -> Path:
    if module is None:
        raise SetupError("The package csirtlab is not installed from files. Install it with pip.")
    return Path(module).resolve().parent
