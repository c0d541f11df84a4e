"""A lab proven over many seeds: its reference solution and its last hints run in the box, with real verdicts."""

import hashlib
import importlib.util
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
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

NEIGHBOUR_LIMIT = 0.10
"""At most this share of a lab's points may be had with a neighbour's right answers."""
BATCH = 5  # seeds that share a box and the hidden cases of methods
_VERDICT, _ANSWER = "verdict-", "answer-"


@dataclass(frozen=True)
class Outcome:
    """What came out for one seed; shares are of the points that are not given by hand."""

    seed: int
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
    done = {outcome.seed: outcome for outcome in _remembered(journal, seeds)}
    for _ in done:
        tick()
    left = [number for number in range(seeds) if number not in done]
    for outcome in _run(content, lab, left, jobs):
        done[outcome.seed] = outcome
        if journal:
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
        tick()
    return _sum_up(lab, [done[number] for number in range(seeds)])


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


def journal_name(content: Path, lab: Lab) -> str:
    """Return a name that changes with the lab's sources, its scenario, and the program that makes and judges it."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    sources = [lab.folder / name for name in ("lab.toml", "lab.md", "solution.py")]
    sources.append(content / "datasets" / lab.scenario / "scenario.toml")
    for folder in ("content", "evidence", "kit", "labs", "grading", "proofs"):
        sources += sorted(path for path in (package / folder).rglob("*") if path.suffix in (".py", ".json"))
    for path in sources:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return f"lab-{lab.name}-{digest.hexdigest()[:16]}.jsonl"


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


def _run(content: Path, lab: Lab, numbers: list[int], jobs: int) -> Iterator[Outcome]:
    batches: dict[int, list[int]] = {}
    for number in numbers:
        batches.setdefault(number // BATCH, []).append(number)
    if jobs <= 1 or len(batches) <= 1:
        for batch in batches.values():
            yield from prove_batch(content, lab, batch)
        return
    # Spawned, not forked: a progress bar's thread runs in this process.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(prove_batch, content, lab, batch) for batch in batches.values()]):
            yield from future.result()


def _remembered(journal: Path | None, seeds: int) -> Iterator[Outcome]:
    if journal is None or not journal.exists():
        return
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            outcome = Outcome(**json.loads(line))
        except (ValueError, TypeError):
            continue  # the last line of a run that was cut off
        if outcome.seed < seeds:
            yield outcome


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
