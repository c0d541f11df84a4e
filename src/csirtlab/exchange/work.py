"""A lab's folder in a trainee's home: packed to be submitted, filled without touching their own work."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from csirtlab.errors import ExchangeError
from csirtlab.exchange.archives import Bounds, checked_members, open_archive, pack, read_member
from csirtlab.exchange.durable import write_durably
from csirtlab.exchange.limits import MIB
from csirtlab.exchange.receipts import Receipt

OWN_FILE_LIMIT = MIB
OWN_FILES_LIMIT = 5 * MIB
NOT_OWN = ("evidence", "feedback", "__pycache__")
"""Folders of a lab that hold what the trainee got, not what they made."""

_RECEIPT = re.compile(r"receipt-[0-9]+\.json")  # packed, each receipt would make the next submission another one


@dataclass(frozen=True)
class Packing:
    """A submission packed, with what was left out for its size."""

    content: bytes
    files: tuple[str, ...]
    left_out: tuple[str, ...]


def pack_submission(folder: Path, lab: str) -> bytes:
    """Return the zip to submit: the notebook and the trainee's own small files, byte for byte the same each time.

    Raises:
        ExchangeError: The notebook is not there.
    """
    return pack_work(folder, lab).content


def pack_work(folder: Path, lab: str) -> Packing:
    """Pack as ``pack_submission`` does, and tell what went in.

    Evidence, hidden files, links, other notebooks (nobody would grade them) and files over 1 MiB
    stay out, and of the rest whatever exceeds 5 MiB in all.
    """
    notebook = folder / f"{lab}.ipynb"
    if notebook.is_symlink() or not notebook.is_file():
        raise ExchangeError(
            f"{notebook} is not there. Save your notebook under this name, or open the lab again to get a fresh one; "
            "then submit."
        )
    files, left_out, total = {notebook.name: notebook.read_bytes()}, [], 0
    for path in _own_files(folder):
        name = path.relative_to(folder).as_posix()
        size = path.stat().st_size
        if name == notebook.name or _RECEIPT.fullmatch(name):
            continue
        if path.suffix == ".ipynb" or size > OWN_FILE_LIMIT or total + size > OWN_FILES_LIMIT or len(files) >= 200:
            left_out.append(name)
            continue
        total += size
        files[name] = path.read_bytes()
    return Packing(pack(files.items()), tuple(sorted(files)), tuple(left_out))


def _own_files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NOT_OWN and not name.startswith("."))
        for name in sorted(names):
            path = Path(place) / name
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


@dataclass(frozen=True)
class Unpacked:
    """What unpacking did."""

    written: tuple[Path, ...]
    stayed: tuple[Path, ...]  # the trainee's own files, left as they were


def unpack(content: bytes, into: Path, *, replace: bool = False) -> Unpacked:
    """Unpack a zip into a lab's folder. What exists there stays, except below ``evidence/``.

    With ``replace`` the folder is set back to the zip's files; what they take the place of is kept
    beside them as ``NAME.mine-1.ipynb``, ``-2`` and so on.

    Raises:
        ExchangeError: The zip is damaged or unsafe, or something in the folder is in the way.
    """
    written, stayed = [], []
    with open_archive(BytesIO(content)) as archive:
        members = [(member, _place(into, member.filename)) for member in checked_members(archive, Bounds())]
        for member, place in members:
            fresh = read_member(archive, member)
            is_evidence = PurePosixPath(member.filename).parts[0] == "evidence"
            if place.exists():
                if place.is_file() and place.read_bytes() == fresh:
                    continue
                if not (replace or is_evidence):
                    stayed.append(place)
                    continue
                if not is_evidence:
                    place.rename(_free_name(place))
            _write(place, fresh)
            written.append(place)
    return Unpacked(tuple(written), tuple(stayed))


def _place(into: Path, name: str) -> Path:
    """Return where a member goes; a link on the way would lead the writing elsewhere."""
    place = into / name
    for part in (place, *place.parents[: len(PurePosixPath(name).parts)]):
        if part.is_symlink():
            raise ExchangeError(f"{part} is a link, and nothing is written through links. Remove it, then try again.")
    return place


def keep_receipt(receipt: Receipt, folder: Path) -> Path:
    """Write a receipt beside the notebook, and return where."""
    path = folder / f"receipt-{receipt.position}.json"
    write_durably(path, receipt.to_json().encode(), mode=0o644)
    return path


def _free_name(path: Path) -> Path:
    number = 1
    while (free := path.with_name(f"{path.stem}.mine-{number}{path.suffix}")).exists():
        number += 1
    return free


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        with aside.open("xb") as file:
            file.write(content)
        aside.replace(path)
    except OSError as error:
        raise ExchangeError(
            f"{path} cannot be written ({error.strerror}). Move what is in its way, or free some space; then try again."
        ) from error
