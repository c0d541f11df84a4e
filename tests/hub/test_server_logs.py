"""Each server has a log of its own, which says nothing of others."""

import stat
from pathlib import Path

from csirtlab.cohorts.folders import Home
from csirtlab.hub.spawner import open_log


def test_a_log_is_private_and_the_one_before_is_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.ensure()
    for text in (b"first", b"second"):
        with open_log(home, "ana") as log:
            log.write(text)

    folder = home.log / "servers"
    assert (folder / "ana.log").read_bytes() == b"second"
    assert (folder / "ana.log.before").read_bytes() == b"first"
    assert stat.S_IMODE((folder / "ana.log").stat().st_mode) == 0o600


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.ensure()
    (home.log / "servers").mkdir()
    other = tmp_path / "other"
    other.write_text("kept")
    (home.log / "servers" / "ana.log").symlink_to(other)

    with open_log(home, "ana") as log:
        log.write(b"x")

    assert other.read_text() == "kept"
