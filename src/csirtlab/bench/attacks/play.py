"""``csirtlab bench attacks``: every attack against this grader and against stock nbgrader, in one run."""

import logging
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from csirtlab.bench.attacks.evidence import Outcome, remove
from csirtlab.bench.attacks.ours import Ground, Way, broken_promises
from csirtlab.bench.attacks.sources import Attack, find_attacks, read_attacks
from csirtlab.bench.attacks.stock import CELL_S, StockGround
from csirtlab.errors import SetupError

PROGRAMS = ("csirtlab", "nbgrader", "ipykernel", "nbclient")
CONDITIONS = {
    "ours": "a cohort's folder graded by nbgrader autograde with csirtlab's steps, and again by csirtlab grade, in the "
    "real box. An attack succeeds when anything is not as its file says it must be: also when its honest part loses "
    "a point",
    "nbgrader": "nbgrader autograde as documented, hidden tests in the notebook, in a throw-away sandbox with its own "
    f"processes, network, uid and limits; {CELL_S} s for a cell. An attack succeeds when it gains points, gets "
    "hold of a canary, changes the gradebook, files or the neighbour's result, leaves processes, goes beyond "
    "a limit, or keeps the batch from its end; not when it only reaches into a kernel from which nbgrader promises "
    "no walls",
}

Say = Callable[[str], None]


def chosen(folder: Path | None, *, quick: bool) -> list[Attack]:
    """Return the attacks to be played; a fixed sample of them when it has to be quick.

    Raises:
        SetupError: There are none, or one is not written as an attack is.
    """
    return [attack for attack in read_attacks(find_attacks(folder)) if attack.is_quick or not quick]


def measure_attacks(folder: Path | None, attacks: Sequence[Attack], *, say: Say) -> dict[str, object]:
    """Play attacks on both sides and return the report.

    Raises:
        SetupError: No box can be built here, or honest notebooks are not graded.
    """
    workers = max(1, len(os.sched_getaffinity(0)))
    with _aside() as place, ThreadPoolExecutor(workers) as pool:
        stock = StockGround(place)
        # A sample is played side by side, to be quick; all of them one side after the other, because ours
        # have short limits that a loaded machine would make shorter still.
        is_sample = all(attack.is_quick for attack in attacks)
        theirs = stock.begin(pool, attacks) if is_sample else {}
        ours: dict[str, list[str]] = {attack.name: [] for attack in attacks}
        for way in Way:
            with Ground(find_attacks(folder), place / way.name, way) as ground:
                for attack in attacks:
                    say(f"{attack.name}: {way}")
                    ours[attack.name] += broken_promises(attack, ground.play(attack))
        theirs = theirs or stock.begin(pool, attacks)
        names = {future: name for name, future in theirs.items()}
        for future in as_completed(names):
            say(f"{names[future]}: stock nbgrader: {'; '.join(future.result().harms[:2]) or '-'}")
        return _report(attacks, ours, {name: future.result() for name, future in theirs.items()})


def _report(
    attacks: Sequence[Attack], ours: Mapping[str, Sequence[str]], theirs: Mapping[str, Outcome]
) -> dict[str, object]:
    by_name = []
    for attack in attacks:
        broken = list(dict.fromkeys(ours[attack.name]))
        harms = theirs[attack.name].harms
        by_name.append(
            {
                "name": attack.name,
                "tries": attack.tries,
                "ours": bool(broken),
                "nbgrader": bool(harms) and not attack.is_on_walls_alone,
                "evidence": {"ours": broken, "nbgrader": list(harms)},
            }
        )
    return {
        "attacks": len(attacks),
        "succeeded": sum(bool(each["ours"]) for each in by_name),
        "succeeded_nbgrader": sum(bool(each["nbgrader"]) for each in by_name),
        "by_name": by_name,
        "versions": {"python": platform.python_version(), **{program: version(program) for program in PROGRAMS}},
        "conditions": CONDITIONS,
    }


@contextmanager
def _aside() -> Iterator[Path]:
    """Give a folder that other users can reach, while nbgrader's own log is silent."""
    folder = Path(tempfile.mkdtemp(prefix="csirtlab-attacks-"))
    kept = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        folder.chmod(0o711)
        if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in folder.parents):
            raise SetupError(f"other users cannot reach {folder.parent}. Name a folder they can: TMPDIR=/tmp")
        yield folder
    finally:
        logging.disable(kept)
        remove(folder)
