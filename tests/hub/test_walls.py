"""What the walls are made of, and what is said where they cannot be built."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from csirtlab.cohorts.store import FIRST_UID
from csirtlab.errors import SetupError
from csirtlab.hub.walls import (
    ETC_FILES,
    Walls,
    become,
    forbidding_setting,
    handed_files,
    probe_walls,
    programs_and_pages,
    wall_command,
)

ETC = Path(__file__).resolve().parents[2] / "hub_config" / "etc"


@pytest.fixture
def walls(tmp_path: Path) -> Walls:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "programs" / "answers").mkdir(parents=True)
    (tmp_path / "programs" / "answers" / "solution").write_text("42")
    (tmp_path / "inner").mkdir()
    return Walls(home, tmp_path / "inner", ETC, [tmp_path / "programs"], [tmp_path / "programs" / "answers"])


def inside(walls: Walls, script: str) -> str:
    """Run a shell script behind the walls; return what it says on both channels."""
    return run_inside(walls, ["sh", "-c", script])


def run_inside(walls: Walls, command: list[str]) -> str:
    with handed_files(walls) as handed:
        done = subprocess.run(
            wall_command(walls, handed, command),
            capture_output=True, text=True, check=False, cwd="/", pass_fds=handed.descriptors, preexec_fn=become(None),
        )  # fmt: skip
    return done.stdout + done.stderr


def python(walls: Walls, code: str) -> str:
    return run_inside(walls, ["/usr/bin/python3", "-I", "-c", code]).strip()


# Made of


def test_a_server_does_not_end_with_the_hub(walls: Walls) -> None:
    with handed_files(walls) as handed:
        assert "--die-with-parent" not in wall_command(walls, handed, ["true"])


def test_only_the_home_and_temporary_folders_can_be_written(walls: Walls) -> None:
    places = ["/home/trainee", "/tmp", "/var/tmp", "/dev/shm", "/", "/etc", "/usr", "/var", "/opt", "/run", "/dev"]
    places += [str(walls.readable[0]), str(walls.hidden[0])]

    written = inside(walls, "\n".join(f"( : > {place}/probe ) 2>/dev/null && echo {place}" for place in places))

    assert written.split() == places[:4]


def test_what_is_hidden_is_an_empty_folder(walls: Walls) -> None:
    assert inside(walls, f"ls -A {walls.hidden[0]} && echo listed") == "listed\n"


def test_a_home_outlives_the_walls(walls: Walls) -> None:
    inside(walls, "echo kept > note")

    assert (walls.home / "note").read_text() == "kept\n"


def test_temporary_files_cannot_fill_the_memory(walls: Walls) -> None:
    sizes = inside(walls, "df --output=size --block-size=1G /tmp /dev/shm | tail -2")

    assert sizes.split() == ["2", "1"]


def test_no_user_namespace_can_be_made_inside_a_trainees_walls(walls: Walls) -> None:
    assert "failed" in inside(walls, "unshare -U true")


def test_a_cohorts_server_may_build_the_graders_box(walls: Walls) -> None:
    nesting = replace(walls, may_nest=True)

    assert inside(nesting, "unshare -U echo built") == "built\n"
    nested = "bwrap --unshare-user --unshare-net --ro-bind / / --proc /proc --dev /dev echo a box"
    assert inside(nesting, nested) == "a box\n"


# The network


CONNECT = """
import socket, sys
def tell(what, family, kind, address, protocol=0):
    try:
        with socket.socket(family, kind, protocol) as knocking:
            knocking.settimeout(2)
            if address is not None:
                knocking.connect(address)
        print(what, "open")
    except OSError as error:
        print(what, error.strerror)
"""


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of the host's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        yield port


@pytest.fixture
def abstract() -> Iterator[str]:
    """A socket of the host that has a name and no file."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0csirtlab-test-{os.getpid()}")
        listening.listen()
        yield f"csirtlab-test-{os.getpid()}"


@pytest.mark.parametrize("may_nest", [False, True])
def test_nothing_of_the_hosts_network_is_reached(walls: Walls, listener: int, abstract: str, may_nest: bool) -> None:
    outside = subprocess.check_output(["hostname", "-I"], text=True).split()
    told = python(
        replace(walls, may_nest=may_nest),
        CONNECT
        + f"""
tell("loopback", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", {listener}))
tell("loopback6", socket.AF_INET6, socket.SOCK_STREAM, ("::ffff:127.0.0.1", {listener}))
tell("abstract", socket.AF_UNIX, socket.SOCK_STREAM, "\\0{abstract}")
for address in {outside!r}:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    tell("own address", family, socket.SOCK_STREAM, (address, {listener}))
tell("name server", socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.53", 53))
""",
    )

    assert [line for line in told.splitlines() if line.endswith("open")] == []
    assert "loopback Connection refused" in told and "name server Network is unreachable" in told


@pytest.mark.parametrize("may_nest", [False, True])
def test_no_socket_below_the_network_can_be_made(walls: Walls, may_nest: bool) -> None:
    told = python(
        replace(walls, may_nest=may_nest),
        CONNECT
        + """
tell("raw", socket.AF_INET, socket.SOCK_RAW, None, socket.IPPROTO_ICMP)
tell("raw6", socket.AF_INET6, socket.SOCK_RAW, None, 58)
tell("packet", 17, socket.SOCK_RAW, None, 0x0300)
tell("vsock", 40, socket.SOCK_STREAM, None)
tell("bluetooth", 31, socket.SOCK_RAW, None)
tell("crypto", 38, socket.SOCK_SEQPACKET, None)
""",
    )

    assert [line for line in told.splitlines() if line.endswith("open")] == []
    assert len(told.splitlines()) == 6


def test_the_network_of_the_machine_is_there_for_who_asks_for_it(walls: Walls, listener: int) -> None:
    code = CONNECT + f'tell("loopback", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", {listener}))'

    assert python(replace(walls, has_network=True), code) == "loopback open"


def test_the_one_socket_that_leads_out_is_found_after_its_owner_made_it_anew(walls: Walls) -> None:
    path = walls.inner / "hub.sock"
    code = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); sys.stdin.read(1); s.connect('/run/csirtlab/hub.sock')"
    )
    with handed_files(walls) as handed, socket.socket(socket.AF_UNIX) as before, socket.socket(socket.AF_UNIX) as after:
        before.bind(str(path))
        process = subprocess.Popen(
            wall_command(walls, handed, ["/usr/bin/python3", "-I", "-c", code]),
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=handed.descriptors,
        )  # fmt: skip
        path.unlink()
        after.bind(str(path))
        after.listen()
        _, said = process.communicate(b"x", timeout=30)

    assert (process.returncode, said) == (0, b"")


# The kernel


@pytest.mark.parametrize("may_nest", [False, True])
def test_calls_that_reach_into_the_kernel_are_refused(walls: Walls, may_nest: bool) -> None:
    calls = {"ptrace": 101, "bpf": 321, "keyctl": 250, "add_key": 248, "io_uring_setup": 425, "perf_event_open": 298,
             "userfaultfd": 323, "open_by_handle_at": 304, "setns": 308}  # fmt: skip
    told = python(
        replace(walls, may_nest=may_nest),
        f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for name, number in {calls!r}.items():
    result = libc.syscall(number, 0, 0, 0, 0, 0)
    print(name, result, ctypes.get_errno())
""",
    )

    assert told.splitlines() == [f"{name} -1 1" for name in calls]


def test_the_keyring_of_the_session_is_ones_own() -> None:
    mine = Path("/proc/keys").read_text() if Path("/proc/keys").exists() else ""
    code = "import ctypes; print(ctypes.CDLL(None).syscall(250, 0, -3, 0))"  # KEYCTL_GET_KEYRING_ID, session
    own, other = (
        subprocess.check_output([sys.executable, "-c", code], text=True, preexec_fn=first)
        for first in (None, become(None))
    )

    assert int(other) > 0 and int(own) != int(other), mine


# A system that is kept up to date


@pytest.mark.skipif(os.geteuid() != 0, reason="only root replaces the system's files")
@pytest.mark.parametrize("name", [name for name in ETC_FILES if Path(name).is_file() and not Path(name).is_symlink()])
def test_walls_are_built_inside_after_the_system_replaced_a_file(walls: Walls, name: str) -> None:
    """What is bound, not copied, would be a file without a name by then, which cannot be bound again."""
    nested = f"bwrap --unshare-user --unshare-net --ro-bind /usr /usr --ro-bind {name} {name}"
    nested += " --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin /usr/bin/echo a box"
    nesting = replace(walls, may_nest=True)
    with handed_files(nesting) as handed:
        process = subprocess.Popen(
            wall_command(nesting, handed, ["sh", "-c", f"read started; {nested}"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=handed.descriptors,
        )  # fmt: skip
        assert process.stdin
        shutil.copy2(name, f"{name}.csirtlab-test")
        Path(f"{name}.csirtlab-test").rename(name)  # the same content, as an update replaces it
        said, _ = process.communicate(b"now\n", timeout=30)

    assert said == b"a box\n"


def test_passwd_inside_names_no_account_of_the_host(walls: Walls) -> None:
    names = inside(walls, "cut -d: -f1 /etc/passwd").split()

    assert names == ["root", "trainee", "nobody"]


def test_labs_scenarios_and_courses_are_hidden_where_programs_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    content = Path(sys.prefix) / "share" / "csirtlab"
    monkeypatch.setattr(Path, "is_dir", lambda path: path.parent == content)

    _, hidden = programs_and_pages(content)

    assert [folder.name for folder in hidden] == ["labs", "datasets", "courses"]


def test_an_installed_environment_is_shown_and_nothing_above_it() -> None:
    shown, _ = programs_and_pages(Path("/nowhere"))

    assert Path(sys.prefix) in shown
    assert not {Path("/"), Path("/root"), Path.home()} & set(shown)


@pytest.mark.parametrize("uid", [0, 1000, FIRST_UID - 1])
def test_nothing_is_started_under_a_uid_that_is_no_accounts(uid: int) -> None:
    with pytest.raises(SetupError, match="restore it from a backup"):
        become(uid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_a_child_has_its_own_uid_no_groups_and_its_limits() -> None:
    told = subprocess.check_output(
        ["sh", "-c", "id -u; id -G; ulimit -c; ulimit -n; umask"], preexec_fn=become(FIRST_UID), text=True
    )

    assert told.split() == [str(FIRST_UID), str(FIRST_UID), "0", "4096", "0077"]


# Where they cannot be built


@pytest.mark.parametrize(
    ("setting", "forbids", "command"),
    [
        ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
        ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_setting_that_forbids_them_is_named_with_its_command(
    tmp_path: Path, setting: str, forbids: str, command: str
) -> None:
    (tmp_path / setting).parent.mkdir()
    (tmp_path / setting).write_text(forbids + "\n")

    said = forbidding_setting(tmp_path)

    assert f"{setting.replace('/', '.')} is {forbids}. Run: {command}" in said
    assert "/etc/sysctl.d/" in said


def test_a_container_is_named_where_no_setting_forbids_them(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "max_user_namespaces").write_text("15000\n")

    assert "seccomp" in forbidding_setting(tmp_path)


def test_missing_bubblewrap_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SetupError, match="apt-get install bubblewrap"):
        probe_walls(None)


def test_walls_that_fail_are_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    failing = tmp_path / "bwrap"
    failing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(SetupError, match=r"(?s)No permissions to create new namespace.*--unsafe-no-box"):
        probe_walls(None)
