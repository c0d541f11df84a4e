"""``csirtlab bench attacks``: every attack on grading, ours and stock nbgrader's, and on the hub, in one run."""

import logging
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from csirtlab.bench.attacks.evidence import Outcome, remove
from csirtlab.bench.attacks.ours import Ground, Way, broken_promises
from csirtlab.bench.attacks.siege.attacks import HubAttack
from csirtlab.bench.attacks.siege.attacks import find_attacks as find_hub_attacks
from csirtlab.bench.attacks.siege.play import Played, play_on_a_new_hub
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
    "hub": "csirtlab up with the demo cohort and one more, ana's server replaced by a hostile one; Chromium where a "
    "browser is attacked. An attack succeeds when its evidence shows any harm, and when it cannot be played",
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Chosen:
    """What is to be played."""

    grading: list[Attack]
    hub: list[HubAttack]

    @property
    def steps(self) -> int:
        """How many steps are told: on grading three times, by two of our commands and by stock nbgrader."""
        return 3 * len(self.grading) + len(self.hub) + 1


def chosen(folder: Path | None, *, quick: bool, only: Sequence[str] = ()) -> Chosen:
    """Return the attacks to be played: all, or those named; a fixed sample of them when it has to be quick.

    Raises:
        SetupError: There are none, one is not written as an attack is, or none has a name that is asked for.
    """
    grading, hub = read_attacks(find_attacks(folder)), find_hub_attacks()
    if unknown := set(only) - {each.name for each in grading} - {each.name for each in hub}:
        raise SetupError(
            f"no attack is called {', '.join(sorted(unknown))}. Their names: tests/attacks/*.md, and --json."
        )
    if only:
        return Chosen([each for each in grading if each.name in only], [each for each in hub if each.name in only])
    return Chosen(
        [each for each in grading if each.is_quick or not quick], [each for each in hub if not (each.is_slow and quick)]
    )


def measure_all(folder: Path | None, attacks: Chosen, *, say: Say) -> dict[str, object]:
    """Play attacks on grading and on the hub, and return one report.

    Raises:
        SetupError: No box can be built here, honest notebooks are not graded, or no hub starts.
    """
    played = play_on_a_new_hub(attacks.hub, say=say)
    return {**measure_attacks(folder, attacks.grading, say=say), **hub_report(played)}


def hub_report(played: Sequence[Played]) -> dict[str, object]:
    """Return the part of the report on the hub."""
    return {
        "hub_attacks": len(played),
        "hub_succeeded": sum(bool(each.harms) for each in played),
        "hub_by_name": [
            {
                "name": each.attack.name,
                "family": each.attack.family,
                "tries": each.attack.tries,
                "must": each.attack.must,
                "succeeded": bool(each.harms),
                "evidence": list(each.harms),
                "seconds": round(each.seconds, 1),
            }
            for each in played
        ],
    }


def measure_attacks(folder: Path | None, attacks: Sequence[Attack], *, say: Say) -> dict[str, object]:
    """Play attacks on grading on both sides and return the report.

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
