"""What was handed in, in a cohort's server: it is read, and nothing of it is run, imported or trusted.

A kernel that starts beside a submission would import what lies there, ``numpy.py`` or ``conftest.py``, with the
cohort's rights: its secret, its gradebook, everybody's work.
"""

import os
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.services.sessions.handlers import SessionRootHandler
from jupyter_server.services.sessions.sessionmanager import SessionManager
from tornado import web  # type: ignore[attr-defined]  # tornado does not list it

from csirtlab.languages import Language, translator
from csirtlab.saving import WholeFileManager
from csirtlab.web.inert_files import InertNotebook

FOLDERS = ("submitted", "autograded", "feedback")
"""In a cohort's folder: what trainees handed in, and what was made of it."""


def is_handed_in(root: Path, path: str) -> bool:
    """Return whether an address of Jupyter's, or what it leads to, lies in what was handed in.

    ``path`` is relative to ``root``, with or without a slash before it; it need not exist.
    """
    given = os.path.join(root, path.lstrip("/"))  # noqa: PTH118  # pathlib has no way to take ".." as text
    places = {Path(os.path.normpath(given)), Path(given).resolve()}
    folders = [place for name in FOLDERS for place in (root / name, (root / name).resolve())]
    return any(place.is_relative_to(folder) for place in places for folder in folders)


def refusal(sentence: str) -> web.HTTPError:
    """Return the error for what is not done with what was handed in, in the cohort's language."""
    tell = translator("web", Language(os.environ.get("CSIRTLAB_LANGUAGE", "en")))
    return web.HTTPError(403, tell(sentence))


NO_KERNEL = (
    "No kernel starts here: what was handed in would run with the rights of your cohort. Read the notebook as it is. "
    "To run it, grade it: in the formgrader, or with csirtlab grade in a terminal."
)
NOT_MOVED = (
    "What was handed in stays where it is: in another folder it could be run with the rights of your cohort. "
    "To keep a copy, download it."
)
NOT_CONVERTED = "What was handed in is not converted here. The formgrader shows it, or download the notebook."
NOT_TRUSTED = (
    "A notebook that was handed in is never trusted: it could act in this page in your name. "
    "The formgrader shows it without what could."
)


def _parent(handler: Any) -> Any:
    """Return a Jupyter handler's ``super()``: its methods are coroutines, which tornado's types do not say."""
    return handler


class CohortKernels(AsyncMappingKernelManager):
    """Kernels, none of which starts in what was handed in."""

    def cwd_for_path(self, path: str, **kwargs: Any) -> str:
        """Return the folder for a kernel; refused in what was handed in, whoever asks and however it is called."""
        folder = str(super().cwd_for_path(path, **kwargs))
        root = Path(self.root_dir)
        if is_handed_in(root, path) or is_handed_in(root, os.path.relpath(folder, root)):
            raise refusal(NO_KERNEL)
        return folder


class CohortSessions(SessionManager):
    """Sessions, none of which belongs to a file that was handed in, from the start or later."""

    async def save_session(
        self,
        session_id: str,
        path: str | None = None,
        name: str | None = None,
        type: str | None = None,
        kernel_id: str | None = None,
    ) -> Any:
        """Keep a session that is new."""
        self._check(path)
        return await super().save_session(session_id, path=path, name=name, type=type, kernel_id=kernel_id)

    async def update_session(self, session_id: str, **kwargs: Any) -> None:
        """Change a session: its file may have been moved."""
        self._check(kwargs.get("path"))
        await super().update_session(session_id, **kwargs)

    def _check(self, path: str | None) -> None:
        if path is not None and is_handed_in(Path(self.kernel_manager.root_dir), path):
            raise refusal(NO_KERNEL)


class SessionsHandler(SessionRootHandler):
    """Answers with the reason, where Jupyter's own would call it a fault of the server."""

    async def post(self) -> None:
        """Start a session."""
        path = (self.get_json_body() or {}).get("path")
        if isinstance(path, str) and is_handed_in(Path(self.kernel_manager.root_dir), path):
            raise refusal(NO_KERNEL)
        await _parent(super()).post()


class ConversionHandler(InertNotebook):
    """Gives out a notebook in another format, unless it was handed in: drawing it may take endless time."""

    async def get(self, format: str, path: str) -> None:
        """Convert a notebook."""
        if is_handed_in(Path(self.contents_manager.root_dir), path):
            raise refusal(NOT_CONVERTED)
        await _parent(super()).get(format, path)


class CohortFiles(WholeFileManager):
    """The cohort's files; what was handed in is not carried out of its folders, and no notebook there is trusted."""

    def _is_handed_in(self, path: str) -> bool:
        return is_handed_in(Path(self.root_dir), path)

    async def rename_file(self, old_path: str, new_path: str) -> None:
        """Rename a file or folder."""
        if self._is_handed_in(old_path) and not self._stays(old_path, new_path):
            raise refusal(NOT_MOVED)
        await super().rename_file(old_path, new_path)

    async def copy(self, from_path: str, to_path: str | None = None) -> dict[str, Any]:
        """Copy a file or folder, beside itself where no place is named."""
        if to_path is not None and self._is_handed_in(from_path) and not self._is_handed_in(to_path):
            raise refusal(NOT_MOVED)
        copied: dict[str, Any] = await super().copy(from_path, to_path)
        return copied

    def _stays(self, old_path: str, new_path: str) -> bool:
        """Return whether something handed in is still so under its new name; the folders themselves never move."""
        return self._is_handed_in(new_path) and old_path.strip("/") not in FOLDERS

    async def trust_notebook(self, path: str) -> None:
        """Trust a notebook from now on."""
        if self._is_handed_in(path):
            raise refusal(NOT_TRUSTED)
        await super().trust_notebook(path)

    def check_and_sign(self, nb: Any, path: str = "", **kwargs: Any) -> None:
        """Sign a notebook that is saved, if all in it was made here."""
        if self._is_handed_in(path):
            self.notary.check_cells(nb)  # takes the marks off that a browser has put there
            return
        super().check_and_sign(nb, path, **kwargs)

    def mark_trusted_cells(self, nb: Any, path: str = "") -> None:
        """Say of the cells of a notebook that is opened whether they are trusted."""
        if self._is_handed_in(path):
            self.notary.mark_cells(nb, False)
            return
        super().mark_trusted_cells(nb, path)
