"""Packets of a capture, as scapy, pyshark and tshark read them, inside a notebook or not."""

import functools
import logging
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from csirtlab.kit import dissections, simple_filters
from csirtlab.kit.remembered import Memory
from csirtlab.kit.show import KitError, tell

Packet: TypeAlias = Any  # scapy's and pyshark's packets have no types

_memory = Memory(most_bytes=64 * 2**20)


def scapy_packets(path: Path) -> Iterator[Packet]:
    """Yield scapy packets one by one; ``packet.time`` has the capture's full resolution."""
    # scapy warns about a missing /etc/resolv.conf and missing routes, which no lab needs.
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    import scapy.all

    with scapy.all.PcapReader(str(path)) as reader:
        yield from reader


class PysharkCapture:
    """Packets as ``pyshark.FileCapture`` hands them out, in a notebook too.

    pyshark's own capture classes need an event loop of their own, and a notebook's is already running.
    Here tshark is read without one, and pyshark's parser makes the packets: they are the same.
    Iterate it as often as needed; ``capture[0]`` and ``len`` work, and read the file anew.
    """

    def __init__(self, path: Path, display_filter: str | None = None, language: str = "en") -> None:
        self.path = path
        self.display_filter = display_filter
        self.language = language

    def __iter__(self) -> Iterator[Packet]:
        from pyshark.tshark.output_parser.tshark_xml import packet_from_xml_packet

        process = _start(self.path, ["-T", "pdml"], self.display_filter, self.language)
        assert process.stdout
        packet: list[bytes] = []
        try:
            for line in process.stdout:
                if line.startswith(b"<packet>"):
                    packet = [line]
                elif line.startswith(b"</packet>"):
                    yield packet_from_xml_packet(b"".join([*packet, line]))
                else:
                    packet.append(line)
            _end(process, self.display_filter, self.language)
        finally:
            process.kill()
            process.communicate()

    def __getitem__(self, index: int) -> Packet:
        if index < 0:
            return list(self)[index]
        for number, packet in enumerate(self):
            if number == index:
                return packet
        raise IndexError(index)

    def __len__(self) -> int:
        return len(tshark_columns(self.path, ["frame.number"], self.display_filter, self.language)[0])

    def __enter__(self) -> "PysharkCapture":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: tshark ends with each iteration. Here because pyshark's examples call it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path.name} {self.display_filter or ''}>"


def tshark_rows(path: Path, fields: Sequence[str], display_filter: str | None, language: str) -> list[list[str]]:
    """Return one list of texts for each frame, empty where a field is absent: each field's first value."""
    return [list(row) for row in zip(*tshark_columns(path, fields, display_filter, language), strict=True)]


def tshark_columns(
    path: Path, fields: Sequence[str], display_filter: str | None, language: str, *, every: bool = False
) -> list[list[str]]:
    """Return one list for each field, with a text for each frame, empty where the field is absent.

    A field that occurs several times in a frame gives its first value, or with ``every`` all of them
    separated by the unit separator U+001F. What tshark has said is remembered until the file changes.
    """
    if (found := _from_dissection(path, fields, display_filter, language, every=every)) is not None:
        return found
    options = ["-T", "fields", "-E", "separator=/t", "-E", "quote=n"]
    options += ["-E", "occurrence=a", "-E", f"aggregator={simple_filters.SEVERAL}"] if every else ["-E", "occurrence=f"]
    for field in fields:
        options += ["-e", field]
    said = _memory.get(
        path, (tuple(options), display_filter), lambda: _Said(_output_of(path, options, display_filter, language))
    )
    # Not splitlines: a field may hold U+2028 and the like, tshark ends its rows with a line feed alone.
    lines = said.output.decode("utf-8", "replace").split("\n")[:-1]
    rows = [line.rstrip("\r").split("\t") for line in lines]
    return [[row[index] if index < len(row) else "" for row in rows] for index in range(len(fields))]


def dissect(path: Path, language: str = "en") -> dissections.Dissection | None:
    """Return the fields that labs ask for most, of all frames; None if the capture cannot be read that way.

    Raises:
        KitError: tshark failed, or is not installed.
    """
    if not path.is_file() or path.stat().st_size > dissections.MOST_CAPTURE:
        return None

    def find_out() -> dissections.Dissection | dissections.Unusable:
        ready = dissections.read(path)
        return ready or dissections.read_output(_output_of(path, dissections.OPTIONS, None, language))

    found = _memory.get(path, "dissection", find_out)
    return found if isinstance(found, dissections.Dissection) else None


def _from_dissection(
    path: Path, fields: Sequence[str], display_filter: str | None, language: str, *, every: bool
) -> list[list[str]] | None:
    if not fields or not set(fields) <= set(dissections.FIELDS):
        return None
    matches = simple_filters.parse(display_filter, dissections.FIELDS) if display_filter else None
    if display_filter and matches is None:
        return None
    dissection = dissect(path, language)
    return dissection.cut(fields, matches, every=every) if dissection else None


@dataclass(frozen=True)
class _Said:
    output: bytes

    @property
    def size(self) -> int:
        return len(self.output)


def _output_of(path: Path, options: Sequence[str], display_filter: str | None, language: str) -> bytes:
    process = _start(path, options, display_filter, language)
    output, errors = process.communicate()
    _check(process.returncode, errors, display_filter, language)
    return output


def dissection(path: Path, number: int, language: str) -> str:
    """Return tshark's full dissection and hex dump of one frame as text."""
    # -c ends the reading there; frames before it are read all the same, a dissection may depend on them.
    process = _start(path, ["-V", "-x", "-c", str(number)], f"frame.number == {number}", language)
    output, errors = process.communicate()
    _check(process.returncode, errors, None, language)
    return output.decode("utf-8", "replace")


@functools.cache
def _tshark(language: str) -> str:
    if found := shutil.which("tshark"):
        return found
    raise KitError(
        tell(
            language, "tshark is not installed. Install Wireshark's command line: apt install tshark, or wireshark.org."
        )
    )


def _start(path: Path, options: Sequence[str], display_filter: str | None, language: str) -> "subprocess.Popen[bytes]":
    command = [_tshark(language), "-n", "-r", str(path), *options]
    if display_filter:
        command += ["-Y", display_filter]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _end(process: "subprocess.Popen[bytes]", display_filter: str | None, language: str) -> None:
    _, errors = process.communicate()
    _check(process.returncode, errors, display_filter, language)


def _check(returncode: int, errors: bytes, display_filter: str | None, language: str) -> None:
    if returncode == 0:
        return
    said = [line for line in errors.decode("utf-8", "replace").splitlines() if not line.startswith("Running as user")]
    problem = " ".join(line.removeprefix("tshark: ").strip() for line in said if line.strip(" ^"))
    with suppress(ValueError):
        problem = problem[: problem.index("(tshark:")]  # GLib's warnings follow
    if display_filter and "fields aren't valid" not in problem:
        raise KitError(
            tell(
                language,
                "tshark does not understand the display filter {filter}: {problem}. "
                "See wireshark.org/docs/dfref for the fields.",
                filter=repr(display_filter),
                problem=problem.rstrip("."),
            )
        )
    raise KitError(tell(language, "tshark failed: {problem}.", problem=problem.rstrip(".")))
