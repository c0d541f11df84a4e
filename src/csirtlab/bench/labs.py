"""What labs are worth as they stand: solved on every case, silent when empty, whole in every language."""

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from csirtlab.content.labs import Lab, lab_names, read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.errors import ContentError
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.labs.catalogue import catalogue_problems
from csirtlab.labs.cells import read_source
from csirtlab.labs.leaks import leak_problems
from csirtlab.labs.source import assemble_source
from csirtlab.labs.texts import catalogue_path, units
from csirtlab.languages import Language
from csirtlab.proofs.labs import BATCH, journal_of, prove_lab
from csirtlab.settings import content_root

Say = Callable[[str], None]
WORKERS = 2
_MIB = 2**20


@dataclass(frozen=True)
class Repeats:
    """On how many cases each part is measured."""

    seeds: int  # solved in the box
    leaks: int  # searched for
    releases: int  # weighed

    @property
    def steps(self) -> int:
        """How many steps are told."""
        return len(lab_names(content_root()))


FULL = Repeats(seeds=50, leaks=20, releases=5)
QUICK = Repeats(seeds=1, leaks=1, releases=1)


def measure_labs(repeats: Repeats, *, say: Say) -> dict[str, object]:
    """Measure every lab and return the report; what was proven before of the same labs is not proven again."""
    content = content_root()

    def measured(name: str) -> tuple[str, dict[str, object]]:
        say(name)
        return name, _measured(content, read_lab(content, name), repeats)

    # A lab's cases are proven in batches, in parallel; where there is but one, labs go side by side instead.
    with ThreadPoolExecutor(WORKERS if repeats.seeds <= BATCH else 1) as pool:
        found = dict(pool.map(measured, lab_names(content)))
    return {
        "labs": found,
        "conditions": {
            "full_marks": "seeds on which the reference solution, run in the box, has every point that is not given by "
            "hand; hints_full_marks: the same with the code of the last hints",
            "empty_score_max": "share of the points of the notebook as it is released, on every fifth seed",
            "neighbour_score_max": "share of the points that another trainee's right findings earn",
            "leaks": f"facts of {repeats.leaks} cases found in what a trainee receives beside the evidence",
            "solution_s": "the slowest run of the solved notebook in the box, hidden cases included, beside another",
            "release_mib": "the largest folder of a trainee, unpacked: the notebook and the evidence",
            "untranslated": "entries of a catalogue that are missing, fuzzy, stale or differ in code",
        },
    }


def _measured(content: Path, lab: Lab, repeats: Repeats) -> dict[str, object]:
    proof = prove_lab(content, lab, repeats.seeds, jobs=WORKERS, journal=journal_of(content, lab))
    return {
        "seeds": proof.seeds,
        "full_marks": proof.full_marks,
        "hints_full_marks": proof.hints_full_marks,
        "empty_score_max": proof.empty_score_max,
        "neighbour_score_max": proof.neighbour_score_max,
        "leaks": len(leak_problems(content, lab, repeats.leaks)),
        "solution_s": proof.solution_s,
        "release_mib": round(max(release_mib(content, lab, number) for number in range(repeats.releases)), 2),
        "untranslated": {str(each): untranslated(lab, each) for each in Language if each is not Language.EN},
    }


def release_mib(content: Path, lab: Lab, number: int) -> float:
    """Return the size of what one trainee gets of a lab."""
    scenario = read_scenario(content, lab.scenario)
    with tempfile.TemporaryDirectory(prefix="csirtlab-release-") as name:
        folder = Path(name)
        make_evidence(scenario, seed_of_text(f"release/{lab.name}/{number}"), folder / "evidence")
        write_case_sheet(lab, folder / "evidence", cohort="bench", trainee="nobody", language=Language.EN)
        assemble_source(lab, folder / "source")
        notebook = (folder / "source" / f"{lab.name}.ipynb").stat().st_size
        return (
            notebook + sum(path.stat().st_size for path in (folder / "evidence").rglob("*") if path.is_file())
        ) / _MIB


def untranslated(lab: Lab, language: Language) -> int:
    """Return how many entries keep a lab from being given in a language; all of them without a catalogue."""
    if not catalogue_path(lab, language).is_file():
        return len(units(lab, read_source(lab)))
    try:
        return len(catalogue_problems(lab, language))
    except ContentError:
        return len(units(lab, read_source(lab)))
