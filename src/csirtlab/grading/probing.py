"""Why this machine cannot build a box, and which setting to change."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SYSCTLS = {
    "kernel.unprivileged_userns_clone": "/proc/sys/kernel/unprivileged_userns_clone",
    "user.max_user_namespaces": "/proc/sys/user/max_user_namespaces",
    "kernel.apparmor_restrict_unprivileged_userns": "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
}


def read_settings() -> dict[str, str]:
    """Return the kernel's settings on user namespaces, those that this kernel has."""
    found = {}
    for name, path in _SYSCTLS.items():
        try:
            found[name] = Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue
    return found


def explain_failure(said: str, settings: Mapping[str, str] | None = None) -> str:
    """Return what to change on this machine, from what bubblewrap said and the kernel's settings."""
    settings = read_settings() if settings is None else settings
    if "not installed" in said:
        return "No box can be built: bwrap is not installed. Install it: apt-get install bubblewrap."
    if settings.get("kernel.unprivileged_userns_clone") == "0":
        way_out = (
            "Users may not create namespaces. Set kernel.unprivileged_userns_clone=1: "
            "sysctl -w kernel.unprivileged_userns_clone=1, and a line in /etc/sysctl.d/ to keep it."
        )
    elif settings.get("user.max_user_namespaces") == "0":
        way_out = (
            "No user namespaces are allowed. Set user.max_user_namespaces to 10000: "
            "sysctl -w user.max_user_namespaces=10000, and a line in /etc/sysctl.d/ to keep it."
        )
    elif settings.get("kernel.apparmor_restrict_unprivileged_userns") == "1" and _is_about_namespaces(said):
        way_out = (
            "AppArmor keeps bwrap from user namespaces. Set kernel.apparmor_restrict_unprivileged_userns=0, or give "
            "/usr/bin/bwrap an AppArmor profile with the rule userns."
        )
    elif _is_about_namespaces(said):
        way_out = (
            "A container or service around this process forbids user namespaces: allow them there "
            "(Docker: --security-opt seccomp=unconfined; systemd: RestrictNamespaces=no)."
        )
    else:
        way_out = (
            "Python and its packages must lie where other users can read them: "
            "neither below a private home nor below /tmp."
        )
    return f"No box can be built: {said[-500:]}. {way_out}"


def _is_about_namespaces(said: str) -> bool:
    return any(word in said for word in ("namespace", "uid map", "uid_map", "Operation not permitted", "user ns"))


def versions() -> dict[str, str]:
    """Return the versions of the programs that the box needs, ``missing`` for those that are not there."""
    found = {}
    for program in ("bwrap", "tshark"):
        path = shutil.which(program)
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False) if path else None
        found[program] = said.stdout.splitlines()[0] if said and said.stdout else "missing"
    return found
