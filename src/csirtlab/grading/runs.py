"""What came out of a box: outputs, answers and how it ended, read from messages that nobody vouches for."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from csirtlab.kit.case import FINDING

_MOST_DEPTH = 100
_MOST_CURTAIN = 64


class Ending(StrEnum):
    """How a submission's run ended."""

    FINISHED = "finished"
    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    FILES = "files"
    DIED = "died"


STOPPED: Mapping[Ending, str] = {
    Ending.TIME: "The notebook was stopped because it ran too long. What it had reported by then counts.",
    Ending.MEMORY: "The notebook was stopped because it used too much memory. What it had reported by then counts.",
    Ending.OUTPUT: "The notebook was stopped because it printed too much. What it had reported by then counts.",
    Ending.FILES: "The notebook was stopped because it made too many files. What it had reported by then counts.",
    Ending.DIED: (
        "The notebook ended its own program before its last cell. What it had reported by then counts."
    ),
}  # fmt: skip
"""What trainee and instructor are told of a run that did not come to its end, English."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use; sizes in MiB, times in seconds."""

    cell_s: float = 30
    total_s: float = 120
    cpu_s: int = 120
    memory_mib: int = 2048  # address space of each process, and resident memory of all together
    processes: int = 64
    file_mib: int = 64
    open_files: int = 256
    output_mib: int = 8


@dataclass(frozen=True)
class Cell:
    """A code cell to be run: its place in the notebook, and its source."""

    index: int
    source: str


@dataclass(frozen=True)
class BoxRun:
    """What a submission showed and answered. Nothing in it is a score, and all of it may be forged.

    ``outputs`` are nbformat outputs by the cell's index; ``methods`` the answers on the sibling cases, in
    their order, None where there was none.
    """

    ended: Ending
    outputs: Mapping[int, Sequence[dict[str, Any]]] = field(default_factory=dict)
    counts: Mapping[int, int] = field(default_factory=dict)
    methods: Mapping[str, Sequence[object]] = field(default_factory=dict)
    method_errors: Mapping[str, Sequence[str | None]] = field(default_factory=dict)

    @property
    def findings(self) -> dict[str, object]:
        """The last value reported for each question, in the order of the cells."""
        found: dict[str, object] = {}
        for index in sorted(self.outputs):
            for output in self.outputs[index]:
                said = output.get("data", {}).get(FINDING)
                if isinstance(said, dict) and isinstance(said.get("question"), str) and "value" in said:
                    found[said["question"]] = said["value"]
        return found


def is_curtain(message: bytes) -> bool:
    """Return whether a submission says, or pretends, that all its cells have run."""
    return len(message) < _MOST_CURTAIN and _parsed(message).get("curtain") is True


def read_run(
    shown: Iterable[bytes], tried: Iterable[bytes], ended: str, cells: Sequence[Cell], siblings: Mapping[str, int]
) -> BoxRun:
    """Read a submission's messages, dropping whatever does not have the shape of one.

    Outputs of cells are taken from ``shown`` alone, what came before hidden cases were in the box, and what
    methods returned from ``tried`` alone, what came after.
    """
    known = {cell.index for cell in cells}
    outputs: dict[int, list[dict[str, Any]]] = {}
    counts: dict[int, int] = {}
    methods: dict[str, list[object]] = {question: [None] * count for question, count in siblings.items()}
    errors: dict[str, list[str | None]] = {question: [None] * count for question, count in siblings.items()}
    for message in shown:
        said = _parsed(message)
        index = said.get("cell")
        if isinstance(index, int) and index in known and isinstance(said.get("outputs"), list):
            outputs[index] = [output for raw in said["outputs"] if (output := _output(raw))]
            if isinstance(said.get("count"), int):
                counts[index] = said["count"]
    for message in tried:
        said = _parsed(message)
        question, sibling = said.get("method"), said.get("sibling")
        if isinstance(question, str) and isinstance(sibling, int) and 0 <= sibling < siblings.get(question, 0):
            methods[question][sibling] = said.get("value")
            errors[question][sibling] = str(said["error"])[:500] if said.get("error") is not None else None
    ending = Ending(ended) if ended in list(Ending) else Ending.DIED
    if ending is Ending.FINISHED and not known <= set(outputs):
        ending = Ending.DIED
    return BoxRun(ending, outputs, counts, methods, errors)


def _parsed(message: bytes) -> dict[str, Any]:
    try:
        said = _clean(json.loads(message))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _clean(value: Any, depth: int = 0) -> Any:  # JSON
    """Replace what JSON lets through and UTF-8 does not: half of a surrogate pair."""
    if depth > _MOST_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_clean(key, depth + 1): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return value


def _output(raw: object) -> dict[str, Any] | None:
    """Return ``raw`` as an nbformat output with exactly the keys of its type, None if it is none."""
    if not isinstance(raw, dict):
        return None
    kind = raw.get("output_type")
    if kind == "stream" and raw.get("name") in ("stdout", "stderr") and isinstance(raw.get("text"), str):
        return {"output_type": kind, "name": raw["name"], "text": raw["text"]}
    if kind == "error":
        lines = raw.get("traceback")
        traceback = [str(line) for line in lines] if isinstance(lines, list) else []
        return {
            "output_type": kind,
            "ename": str(raw.get("ename")),
            "evalue": str(raw.get("evalue")),
            "traceback": traceback,
        }
    if kind in ("display_data", "execute_result") and isinstance(raw.get("data"), dict):
        output: dict[str, Any] = {"output_type": kind, "data": raw["data"], "metadata": {}}
        if kind == "execute_result":
            count = raw.get("execution_count")
            output["execution_count"] = count if isinstance(count, int) else None
        return output
    return None
