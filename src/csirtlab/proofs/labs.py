"""A lab proven over many seeds: its reference solution and its last hints run in the box, with real verdicts."""

import importlib.util
import logging
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path

from csirtlab.content.labs import Kind, Lab, hint_code
from csirtlab.errors import ContentError
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.grading.box import Box
from csirtlab.grading.cases import Shelf, Truths, truths
from csirtlab.grading.cohort_folder import CohortFolder
from csirtlab.grading.runs import BoxRun, Cell
from csirtlab.grading.verdict_cells import judge_run
from csirtlab.grading.verdicts import judge
from csirtlab.labs.compile import compile_lab
from csirtlab.languages import Language
from csirtlab.proofs.journal import SeedOutcome, journal_folder, journal_name, resumed, spread

NEIGHBOUR_LIMIT = 0.10
"""At most this share of a lab's points may be had with a neighbour's right answers."""
BATCH = 5  # seeds that share a box and the hidden cases of methods
_VERDICT, _ANSWER = "verdict-", "answer-"


@dataclass(frozen=True)
class Outcome(SeedOutcome):
    """What came out for one seed; shares are of the points that are not given by hand."""

    wrong: Mapping[str, str]  # question -> reason, where the reference solution lost points
    wrong_hints: Mapping[str, str]  # question -> reason, where the code of the last hint did
    empty: float | None  # share of the empty notebook; run once in a batch
    neighbour: float  # share of the lab's points that the right answers of the next case earn here
    solution_s: float  # of the notebook with the reference solution, hidden cases included


@dataclass(frozen=True)
class Proof:
    """What came out for a lab."""

    lab: str
    seeds: int
    full_marks: int
    hints_full_marks: int
    empty_score_max: float
    neighbour_score_max: float
    solution_s: float  # the slowest
    wrong: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # seed -> question -> why

    @property
    def holds(self) -> bool:
        """Say whether every seed is solved, and nobody has points without having worked for them."""
        return (
            self.full_marks == self.hints_full_marks == self.seeds
            and self.empty_score_max == 0
            and self.neighbour_score_max <= NEIGHBOUR_LIMIT
        )

    def as_json(self) -> dict[str, object]:
        """Return the proof as JSON holds it."""
        found: dict[str, object] = asdict(self)
        return {**found, "holds": self.holds}


def reference_answers(lab: Lab) -> dict[str, str]:
    """Return a lab's reference solution: question id to the source of its answer cell, prose for a report.

    Raises:
        ContentError: There is none, or it does not answer exactly the lab's questions.
    """
    path = lab.folder / "solution.py"
    if not path.is_file():
        raise ContentError(f"{path}:1: there is no reference solution. Write ANSWERS there, as in labs/c2-beacon.")
    spec = importlib.util.spec_from_file_location(f"solution_of_{lab.name.replace('-', '_')}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answers: dict[str, str] = module.ANSWERS
    odd = set(answers) ^ {question.id for question in lab.questions}
    if odd:
        raise ContentError(f"{path}:1: ANSWERS and the questions of lab.toml differ: {', '.join(sorted(odd))}.")
    return answers


def last_hints(lab: Lab) -> dict[str, str]:
    """Return the code of each question's last hint, by question id."""
    found = {question.id: hint_code(question.hints[-1]) for question in lab.questions if question.hints}
    return {name: code for name, code in found.items() if code}


def cells_with(lab: Lab, answers: Mapping[str, str]) -> list[Cell]:
    """Return a lab's code cells, those of ``answers`` in place of the lab's own; without verdict cells."""
    cells = []
    for index, cell in enumerate(compile_lab(lab, Language.EN).cells):
        if cell.cell_type == "code" and not cell.id.startswith(_VERDICT):
            own = cell.id.removeprefix(_ANSWER) if cell.id.startswith(_ANSWER) else ""
            cells.append(Cell(index, answers.get(own, cell.source)))
    return cells


def prove_lab(
    content: Path,
    lab: Lab,
    seeds: int,
    *,
    jobs: int = 1,
    journal: Path | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Proof:
    """Prove ``lab`` over the seeds 0 to ``seeds`` - 1; ``tick`` is called once for each.

    With a ``journal`` (a file, made if need be) what was proven before is not proven again; it counts
    only for the very same lab and program.
    """

    def run(numbers: list[int]) -> Generator[Outcome]:
        calls = [(content, lab, list(batch)) for _, batch in groupby(numbers, lambda number: number // BATCH)]
        for outcomes in spread(prove_batch, calls, jobs):
            yield from outcomes

    return _sum_up(lab, resumed(Outcome, journal, seeds, run, tick))


def prove_batch(content: Path, lab: Lab, numbers: Iterable[int]) -> list[Outcome]:
    """Prove some seeds of one batch in one box."""
    solution, hints = cells_with(lab, reference_answers(lab)), cells_with(lab, last_hints(lab))
    outcomes: list[Outcome] = []
    with Box(log=logging.getLogger(__name__)) as box, Shelf() as shelf:
        for number in numbers:
            cohort = _cohort(lab, number)
            own = truths(content, lab, cohort, _trainee(number))
            with shelf.folders(content, lab, cohort, _trainee(number)) as folders:
                began = time.perf_counter()
                run = box.run(solution, folders.own, folders.siblings)
                solution_s = time.perf_counter() - began
                helped = box.run(hints, folders.own, folders.siblings)
                empty = None if outcomes else box.run(cells_with(lab, {}), folders.own, folders.siblings)
            wrong_hints = {name: why for name, why in _wrong(lab, helped, own).items() if lab.question(name).hints}
            outcomes.append(
                Outcome(
                    seed=number,
                    wrong=_wrong(lab, run, own),
                    wrong_hints=wrong_hints,
                    empty=None if empty is None else _share(lab, empty, own),
                    neighbour=neighbour_share(lab, own, truths(content, lab, cohort, _trainee(number + 1))),
                    solution_s=round(solution_s, 2),
                )
            )
    return outcomes


def neighbour_share(lab: Lab, own: Truths, neighbours: Truths) -> float:
    """Return the share of a lab's points that somebody gets who copies another one's right findings."""
    points = sum(
        question.points * judge(question, neighbours.own[question.id], own.own[question.id], Language.EN).worth
        for question in lab.questions
        if question.kind is Kind.FINDING
    )
    return round(points / lab.points, 4)


def journal_of(content: Path, lab: Lab) -> Path:
    """Return where the outcomes of this lab's proof are kept: another place for each state of lab and program."""
    sources = [lab.folder / name for name in ("lab.toml", "lab.md", "solution.py")]
    sources.append(content / "datasets" / lab.scenario / "scenario.toml")
    packages = ("content", "evidence", "kit", "labs", "grading", "proofs")
    return journal_folder() / journal_name(f"lab-{lab.name}", sources, packages)


def _cohort(lab: Lab, number: int) -> CohortFolder:
    secret = seed_of_text(f"proof/labs/{lab.name}/{number // BATCH}")
    return CohortFolder(Path(), "proof", Language.EN, {}, secret)


def _trainee(number: int) -> str:
    return f"seed-{number}"


def _wrong(lab: Lab, run: BoxRun, own: Truths) -> dict[str, str]:
    verdicts = judge_run(lab, run, own, Language.EN)
    return {name: verdict.reason for name, verdict in verdicts.items() if verdict.worth < 1}


def _share(lab: Lab, run: BoxRun, own: Truths) -> float:
    verdicts = judge_run(lab, run, own, Language.EN)
    return round(sum(lab.question(name).points * verdict.worth for name, verdict in verdicts.items()) / lab.points, 4)


def _sum_up(lab: Lab, outcomes: list[Outcome]) -> Proof:
    wrong = {
        str(outcome.seed): {**outcome.wrong, **{f"{name} (hint)": why for name, why in outcome.wrong_hints.items()}}
        for outcome in outcomes
        if outcome.wrong or outcome.wrong_hints
    }
    return Proof(
        lab=lab.name,
        seeds=len(outcomes),
        full_marks=sum(not outcome.wrong for outcome in outcomes),
        hints_full_marks=sum(not outcome.wrong_hints for outcome in outcomes),
        empty_score_max=max((outcome.empty for outcome in outcomes if outcome.empty is not None), default=0.0),
        neighbour_score_max=max((outcome.neighbour for outcome in outcomes), default=0.0),
        solution_s=max((outcome.solution_s for outcome in outcomes), default=0.0),
        wrong=wrong,
    )
