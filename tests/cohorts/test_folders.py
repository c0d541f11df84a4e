"""What root writes and gives away in folders that belong to others."""

import os
import stat
from pathlib import Path

import pytest

from csirtlab.cohorts.folders import give_tree, write_private

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
SOMEBODY = 200_000


def test_a_private_file_is_the_owners_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "secret", "word")

    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_writing_in_anothers_folder_is_not_led_astray_by_a_link(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    cohort = tmp_path / "cohort"
    cohort.mkdir()
    (cohort / ".roster.json.new").symlink_to(precious)
    (cohort / "roster.json").symlink_to(precious)

    write_private(cohort / "roster.json", "{}")

    assert precious.read_text() == "as it was"
    assert (cohort / "roster.json").read_text() == "{}" and not (cohort / "roster.json").is_symlink()


@as_root
def test_a_tree_is_given_away_without_what_links_point_to(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("")
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "folder").symlink_to(precious)
    (tree / "below" / "file").symlink_to(precious / "file")

    give_tree(tree, SOMEBODY)

    assert {(tree / name).lstat().st_uid for name in (".", "below", "below/folder", "below/file")} == {SOMEBODY}
    assert (precious.stat().st_uid, (precious / "file").stat().st_uid) == (0, 0)
