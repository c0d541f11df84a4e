"""What the walls are made of, and what is said where they cannot be built."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from csirtlab.cohorts.store import FIRST_UID
from csirtlab.errors import SetupError
from csirtlab.hub.walls import Walls, become, forbidding_setting, probe_walls, programs_and_pages, wall_command

ETC = Path(__file__).resolve().parents[2] / "hub_config" / "etc"


@pytest.fixture
def walls(tmp_path: Path) -> Walls:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "programs" / "answers").mkdir(parents=True)
    (tmp_path / "programs" / "answers" / "solution").write_text("42")
    return Walls(home, ETC, [tmp_path / "programs"], [tmp_path / "programs" / "answers"])


def inside(walls: Walls, script: str) -> str:
    """Run a shell script behind the walls; return what it says on both channels."""
    done = subprocess.run(
        wall_command(walls, ["sh", "-c", script]), capture_output=True, text=True, check=False, cwd="/"
    )
    return done.stdout + done.stderr


# Made of


def test_a_server_does_not_end_with_the_hub(walls: Walls) -> None:
    assert "--die-with-parent" not in wall_command(walls, ["true"])


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
    nesting = Walls(walls.home, walls.etc, walls.readable, may_nest=True)

    assert inside(nesting, "unshare -U echo built") == "built\n"


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
