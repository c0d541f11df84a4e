"""Saves of notebooks that are whole at every moment, whoever reads in between."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class WholeFileManager(AsyncLargeFileManager):
    """Jupyter's files, written aside, synced and renamed into place.

    Jupyter's own way writes into the file itself, with a copy of the old content beside it. Who
    reads a notebook in that moment finds half of it, takes it for damaged, moves it away and puts
    the copy in its place, which the writer then removes: the notebook is gone.

    Source: jupyter_server 2.21, services/contents/fileio.py, ``atomic_writing``, ``_read_notebook``.
    """

    @contextmanager
    def atomic_writing(
        self, os_path: str, text: bool = True, encoding: str = "utf-8", **options: Any
    ) -> Iterator[IO[Any]]:
        """Give a file to write to; it stands at ``os_path`` once the block has ended without an error."""
        with self.perm_to_403(os_path):
            options.pop("log", None)
            target = Path(os_path).resolve()  # a link stays a link
            aside = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.new")
            kind = {"mode": "x", "encoding": encoding, "newline": "\n"} if text else {"mode": "xb"}
            file = aside.open(**{**kind, **options})
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                file.close()
                with suppress(FileNotFoundError):
                    aside.chmod(target.stat().st_mode & 0o777)
                aside.replace(target)
            except BaseException:
                file.close()
                aside.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
