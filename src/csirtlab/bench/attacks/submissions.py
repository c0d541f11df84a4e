"""What attacker and neighbour hand in: a released notebook, filled in."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csirtlab.bench.attacks.sources import Attack

LAB = "besieged"
ATTACKER = "eve"
NEIGHBOURS = ("abel", "zoe")

Notebook = dict[str, Any]

PREAMBLE = """
import re

def got(what):
    print(f"GOT: {what}")
    try:
        with open("@DROP@", "a") as drop: drop.write(f"GOT: {what}\\n")
    except OSError: pass

def loot(found):
    text = found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
    wanted = r"CANARY-[a-z]+-[0-9a-f]{16}|hidden[-]case|\\b[0-9a-f]{64}\\b"
    for treasure in sorted(set(re.findall(wanted, text))): print("LOOT:", treasure)
"""
LOOK_AROUND = """
import os, re
print(sorted(os.listdir(".")))
for place in ("/tmp", "/dev/shm", os.path.expanduser("~")):
    # Names that differ from run to run by nature: kernels' and tempfile's.
    print(place, sorted(n for n in os.listdir(place) if not re.match(r"tmp|ipykernel_|[.]|pymp-|sem[.]", n)))
names = []
for pid in os.listdir("/proc"):
    try: names += [open(f"/proc/{pid}/comm").read().strip()] if pid.isdigit() else []
    except OSError: pass
print(sorted(names))
"""
"""What the neighbour's notebook shows: whatever an attack leaves behind makes it differ."""


@dataclass(frozen=True)
class Places:
    """Where things are, as the graded notebook sees them."""

    course: str
    drop: str
    port: int
    neighbour: str

    def fill(self, text: str) -> str:
        """Return an attack's text with these places in it."""
        for mark, value in {
            "@COURSE@": self.course, "@DROP@": self.drop, "@PORT@": str(self.port),
            "@NEIGHBOUR@": self.neighbour, "@LAB@": LAB,
        }.items():  # fmt: skip
            text = text.replace(mark, value)
        return text


def code_cell(source: str, name: str) -> Notebook:
    """Return a code cell of nobody's."""
    return {
        "cell_type": "code", "id": name, "metadata": {}, "source": source, "outputs": [], "execution_count": None,
    }  # fmt: skip


def filled(released: Notebook, sources: Mapping[str, str]) -> Notebook:
    """Return the released notebook with some of its cells filled in, by grade id."""
    notebook = copy.deepcopy(released)
    for cell in notebook["cells"]:
        cell["source"] = sources.get(_grade_id(cell), cell["source"])
    return notebook


def attackers(released: Notebook, attack: Attack, places: Places, right: str) -> Notebook:
    """Return the attacker's notebook before ``hand-in`` changes it: one right answer, then the attack."""
    first, *others = [places.fill(cell) for cell in attack.cells] or ["pass"]
    notebook = filled(released, {"infected_host": right, "c2_domain": first, "detector": "pass"})
    cells = notebook["cells"]
    place = next(n for n, cell in enumerate(cells) if _grade_id(cell) == "c2_domain")
    cells[place + 1 : place + 1] = [code_cell(source, f"more{n}") for n, source in enumerate(others)]
    # Behind the first code cell, which opens the case.
    first_code = next(n for n, cell in enumerate(cells) if cell["cell_type"] == "code")
    cells.insert(first_code + 1, code_cell(places.fill(PREAMBLE), "preamble"))
    return notebook


def neighbours(released: Notebook, answers: Mapping[str, str], canary: str) -> Notebook:
    """Return the notebook of an honest neighbour, who has everything right."""
    notebook = filled(released, answers)
    notebook["cells"] += [code_cell(f"# {canary}\n1", "mine"), code_cell(LOOK_AROUND, "around")]
    return notebook


def hand_in(submitted: Path, attack: Attack, notebook: Notebook, places: Places) -> None:
    """Write the attacker's submission, changed by the attack's ``hand-in``, into ``submitted``."""
    folder = submitted / ATTACKER / LAB
    folder.mkdir(parents=True)
    path = folder / f"{LAB}.ipynb"
    names: dict[str, Any] = {
        "json": json, "notebook": notebook, "folder": folder, "path": path, "write": True, "code_cell": code_cell,
        "neighbour": submitted / places.neighbour / LAB / f"{LAB}.ipynb",
        "by_id": lambda wanted: next(cell for cell in notebook["cells"] if _grade_id(cell) == wanted),
    }  # fmt: skip
    # The attacks are the project's own code, kept beside its tests.
    exec(compile(places.fill(attack.hand_in), attack.name, "exec"), names)  # noqa: S102
    if names["write"]:
        path.write_text(json.dumps(notebook), encoding="utf-8")


def _grade_id(cell: Mapping[str, Any]) -> str:
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))
