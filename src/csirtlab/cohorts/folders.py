"""Where everything lies under the home folder, and who owns it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from csirtlab.cohorts.store import SERVICE_UID


@dataclass(frozen=True)
class Home:
    """The one folder with all state (``--home``).

    Layout: ``csirtlab.sqlite`` people and cohorts; ``cohorts/NAME`` an nbgrader course folder;
    ``homes/USER`` what a trainee writes; ``exchange`` releases, submissions, feedback;
    ``hub`` JupyterHub's own files; ``gate`` nginx's; ``sign-ins`` passphrases to hand out; ``log``.
    """

    root: Path

    def cohort(self, name: str) -> Path:
        """Return a cohort's folder."""
        return self.root / "cohorts" / name

    def person(self, username: str) -> Path:
        """Return a person's own home folder."""
        return self.root / "homes" / username

    @property
    def exchange(self) -> Path:
        """The exchange's store."""
        return self.root / "exchange"

    @property
    def hub(self) -> Path:
        """The hub's database, cookie secret, ports."""
        return self.root / "hub"

    @property
    def gate(self) -> Path:
        """nginx's configuration, and its copy of the certificate."""
        return self.root / "gate"

    @property
    def sign_ins(self) -> Path:
        """Passphrases in clear, to hand out and then delete."""
        return self.root / "sign-ins"

    @property
    def log(self) -> Path:
        """Logs of the hub and its proxy."""
        return self.root / "log"

    def ensure(self) -> None:
        """Make the folders with their owners and modes; twice changes nothing.

        The folders above homes can be passed (0711), not listed: each server starts under a uid of
        its own and must reach its own folder, which nobody else may open.
        """
        for folder, mode in ((self.root, 0o711), (self.root / "cohorts", 0o711), (self.root / "homes", 0o711)):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)
        for folder in (self.hub, self.sign_ins, self.log):
            folder.mkdir(mode=0o700, exist_ok=True)
        ensure_owned(self.exchange, SERVICE_UID)


def ensure_owned(folder: Path, uid: int) -> None:
    """Make ``folder`` private (0700); as root, its own belongs to ``uid``."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(folder, uid, uid)


def give_tree(folder: Path, uid: int) -> None:
    """As root, make ``folder`` and everything below belong to ``uid``; links are not followed.

    ``folder`` itself comes last: while it is root's and private, nobody else gets in to change what lies below.
    For what root has made; in a folder that was given, work ``as_owner``.
    """
    if os.geteuid() != 0:
        return
    # By descriptors: whoever owns the tree already could put a link in a folder's place meanwhile.
    for _parent, folders, files, descriptor in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(folder, uid, uid, follow_symlinks=False)


def write_private(path: Path, text: str) -> None:
    """Write ``text`` so that only the owner reads it: aside, synced, renamed. A link in its place is not followed."""
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def move_aside(folder: Path) -> None:
    """If there is a folder, give it another, hidden name beside its own: ``.NAME.left-1``, ``-2`` and so on."""
    number = 1
    while (free := folder.with_name(f".{folder.name}.left-{number}")).exists():
        number += 1
    if folder.exists():
        folder.rename(free)


def remove_tree(folder: Path) -> None:
    """Remove a half-made folder if it is there."""
    if folder.exists():
        shutil.rmtree(folder)
