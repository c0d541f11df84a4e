"""Zip files from and for strangers: checked before use, packed so that the same files give the same bytes."""

import io
import json
import stat
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from csirtlab.exchange.limits import MIB
from csirtlab.exchange.refusals import Refusal

_ENCRYPTED = 0x1  # general purpose bit 0, PKWARE APPNOTE 4.4.4
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Bounds:
    """How much an archive may hold once unpacked."""

    members: int = 500
    size: int = 200 * MIB
    notebook: int = 20 * MIB


def checked_members(archive: zipfile.ZipFile, bounds: Bounds) -> list[zipfile.ZipInfo]:
    """Return the archive's files, once all of it is known to unpack harmlessly.

    Raises:
        Refusal: Too much, or a name or kind of member that has no place in a folder of work.
    """
    members = archive.infolist()
    if len(members) > bounds.members:
        raise Refusal(
            f"The zip file holds {len(members)} files, at most {bounds.members} are taken. Leave some out.", 413
        )
    # zipfile never unpacks more of a member than its directory entry declares, so the sum is a true bound.
    size = sum(member.file_size for member in members)
    if size > bounds.size:
        raise Refusal(
            f"The zip file unpacks to {size // MIB} MiB, at most {bounds.size // MIB} MiB are taken. "
            "Clear the notebook's outputs (Edit, Clear Outputs of All Cells) and leave large files out.",
            413,
        )
    files, names = [], set()
    for member in members:
        _check_member(member)
        if not member.is_dir():
            files.append(member)
            if member.filename in names:
                raise _odd(member, "is in it twice")
            names.add(member.filename)
    for name in names:
        if any(str(parent) in names for parent in PurePosixPath(name).parents):
            raise Refusal(f'The zip file holds "{name}" both as a file and inside a file. Pack the folder again.')
    return files


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.filename
    if problem := unsafe_name(name.removesuffix("/")):
        raise _odd(member, problem)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if member.is_dir() else stat.S_IFREG):
        raise _odd(member, "is a link or another special file")
    if member.flag_bits & _ENCRYPTED:
        raise _odd(member, "is encrypted")
    if member.compress_type not in _METHODS:
        raise _odd(member, "is compressed in an unusual way")


def _odd(member: zipfile.ZipInfo, problem: str) -> Refusal:
    return Refusal(
        f"The zip file cannot be taken: {member.filename[:200]!r} {problem}. Pack plain files, with plain names."
    )


def unsafe_name(name: str) -> str | None:
    """Return why ``name`` may not become a file below a folder; None when it may."""
    parts = name.split("/")
    if name.startswith("/"):
        return "has an absolute name"
    if ".." in parts:
        return "leads out of the folder"
    if "\\" in name or ":" in name or any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        return "has letters in its name that no file here may have"
    if any(part in ("", ".") or len(part.encode(errors="surrogatepass")) > 255 for part in parts) or len(parts) > 20:
        return "has a name that no file here may have"
    return None


def open_archive(source: Path | IO[bytes]) -> zipfile.ZipFile:
    """Open a zip file; Refusal when it is none."""
    try:
        return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, EOFError) as error:
        raise Refusal(f"This is not a whole zip file ({error}). Pack the folder again, then send it again.") from error


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return one member's bytes, their checksum verified; Refusal when they are damaged."""
    try:
        return archive.read(member)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, RuntimeError, zlib.error) as error:
        raise _odd(member, f"is damaged ({error})") from error


def check_notebook(content: bytes, name: str) -> None:
    """Refuse what is not a notebook's JSON; what the notebook says is judged when it is graded."""
    way_out = "Save the notebook in JupyterLab (Ctrl+S), then submit again."
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"{name} is not a notebook: it is not JSON ({error}). {way_out}") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Refusal(f"{name} is not a notebook: it has no cells. {way_out}")


def check_lab_archive(source: Path | IO[bytes], lab: str, bounds: Bounds) -> None:
    """Refuse an archive that is unsafe, damaged or without ``LAB.ipynb`` at its top."""
    with open_archive(source) as archive:
        members = {member.filename: member for member in checked_members(archive, bounds)}
        notebook = members.pop(f"{lab}.ipynb", None)
        if notebook is None:
            raise Refusal(f"The zip file does not hold {lab}.ipynb. Submit the folder of this lab, with its notebook.")
        if notebook.file_size > bounds.notebook:
            raise Refusal(
                f"{lab}.ipynb has {notebook.file_size // MIB} MiB, at most {bounds.notebook // MIB} MiB are taken. "
                "Clear its outputs (Edit, Clear Outputs of All Cells), save it, then submit again.",
                413,
            )
        check_notebook(read_member(archive, notebook), notebook.filename)
        for member in members.values():
            _check_readable(archive, member)


def check_archive(source: Path | IO[bytes], bounds: Bounds) -> list[str]:
    """Refuse an archive that is unsafe or damaged; return the names of its files."""
    with open_archive(source) as archive:
        members = checked_members(archive, bounds)
        for member in members:
            _check_readable(archive, member)
        return [member.filename for member in members]


def check_feedback_archive(source: Path | IO[bytes], bounds: Bounds) -> None:
    """Refuse an archive that is unsafe, damaged or without a page."""
    if not any(name.endswith(".html") for name in check_archive(source, bounds)):
        raise Refusal("There is no .html file in this feedback. Generate the feedback first, then release it.")


def _check_readable(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    try:
        with archive.open(member) as file:
            while file.read(MIB):
                pass
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, RuntimeError, zlib.error) as error:
        raise _odd(member, f"is damaged ({error})") from error


def pack(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip file of names and contents: the same files give the same bytes, whenever they were written."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # the format's zero
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            member.create_system = 3  # Unix, on whatever it is packed
            archive.writestr(member, content)
    return packed.getvalue()
