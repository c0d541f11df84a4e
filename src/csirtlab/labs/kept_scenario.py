"""A lab's scenario, kept with its release: cases are made and judged from it ever after, whatever is installed."""

import hashlib
import io
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from csirtlab.content.labs import Lab
from csirtlab.errors import ContentError

SCENARIO = "scenario.zip"
"""Its name in nbgrader's ``source/LAB`` and ``release/LAB``, and in the release that the exchange keeps."""

CASE_FILE = "case.hmac"
"""In a collected submission: the digest of the case that its trainee had been given; empty if none was."""

_FOLDER = "datasets"
_LEFT_OUT = ("*.py", ".*", "__pycache__")  # what editors and interpreters leave
_MOST_FILES, _MOST_BYTES = 500, 20 * 2**20


def pack_scenario(lab: Lab) -> bytes | None:
    """Return the zip of the folder of a lab's scenario; None where that is not beside the lab.

    The same files give the same bytes.
    """
    content = lab.folder.parents[1]
    scenario = content / "datasets" / lab.scenario
    if not scenario.is_dir():
        return None
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(scenario.rglob("*")):
            parts = path.relative_to(scenario).parts
            if path.is_file() and not any(PurePosixPath(part).match(glob) for part in parts for glob in _LEFT_OUT):
                member = zipfile.ZipInfo(path.relative_to(content).as_posix())  # with zip's first date
                archive.writestr(member, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unpack_scenario(packed: bytes, shelf: Path) -> Path:
    """Return a content folder below ``shelf`` that holds this scenario; unpacked once, whole or not at all.

    Raises:
        ContentError: It is nothing that ``pack_scenario`` made.
    """
    place = shelf / hashlib.sha256(packed).hexdigest()[:32]
    if place.is_dir():
        return place
    shelf.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=shelf))
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = archive.infolist()
            if len(members) > _MOST_FILES or sum(member.file_size for member in members) > _MOST_BYTES:
                raise ContentError(f"{SCENARIO}:1: this is more than a scenario. Generate and release the lab again.")
            for member in members:
                target = aside / _checked(member.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(member))
        try:
            aside.rename(place)
        except OSError:
            if not place.is_dir():  # else another process was first, with the same
                raise
    except (zipfile.BadZipFile, EOFError) as error:
        raise ContentError(f"{SCENARIO}:1: it is damaged ({error}). Generate and release the lab again.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return place


def _checked(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.parts[:1] != (_FOLDER,):
        raise ContentError(f"{SCENARIO}:1: {name!r} has no place in it. Generate and release the lab again.")
    return path
