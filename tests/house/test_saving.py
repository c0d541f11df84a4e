"""A notebook that is being saved can be read at any moment, and is never lost."""

import asyncio
from pathlib import Path
from typing import Any

import nbformat
import pytest

from csirtlab.saving import WholeFileManager


@pytest.fixture
def manager(tmp_path: Path) -> Any:
    return WholeFileManager(root_dir=str(tmp_path))


def notebook(text: str) -> dict[str, Any]:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    return {"type": "notebook", "content": made}


async def test_readers_and_writers_at_once_see_whole_notebooks(manager: Any, tmp_path: Path) -> None:
    """With Jupyter's own manager this loses the file within a second."""
    long = "x" * 2_000_000
    await manager.save(notebook(long + "0"), "lab.ipynb")

    async def write() -> None:
        for number in range(1, 15):
            await manager.save(notebook(f"{long}{number}"), "lab.ipynb")

    async def read() -> None:
        for _ in range(30):
            found = await manager.get("lab.ipynb", content=True)
            assert found["content"]["cells"][0]["source"].startswith(long)

    await asyncio.gather(write(), read())

    assert (await manager.get("lab.ipynb"))["content"]["cells"][0]["source"] == long + "14"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["lab.ipynb"]


def test_a_save_that_fails_leaves_the_old_content(manager: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("old")

    with pytest.raises(RuntimeError), manager.atomic_writing(str(tmp_path / "notes.txt")) as file:
        file.write("half")
        raise RuntimeError

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("notes.txt", "old")]


def test_a_file_keeps_its_mode(manager: Any, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("old")
    path.chmod(0o640)

    with manager.atomic_writing(str(path)) as file:
        file.write("new")

    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)


def test_writing_through_a_link_keeps_the_link(manager: Any, tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")

    with manager.atomic_writing(str(tmp_path / "link.txt")) as file:
        file.write("new")

    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / "real.txt").read_text() == "new"
