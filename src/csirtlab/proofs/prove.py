"""A scenario proven over many seeds: in parallel, and resumed where it was stopped."""

import datetime as dt
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from csirtlab.content.labs import Form, Tolerance, lab_names, read_lab
from csirtlab.content.scenarios import Fact, Scenario
from csirtlab.errors import EvidenceError
from csirtlab.evidence.cases import facts_of, write_evidence
from csirtlab.evidence.plan import make_plan
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.proofs.dissection import ndpi_agreement
from csirtlab.proofs.journal import SeedOutcome, journal_folder, journal_name, resumed, spread
from csirtlab.proofs.leaks import field_accuracies, unexplained
from csirtlab.proofs.run_solvers import agree, guesses, named, run_solvers

SAME_ANSWER_LIMIT = 0.01
"""At most this share of pairs of cases may have the same value of a fact."""
BASELINE_LIMIT = 0.05
"""At most in this share of seeds may a guess be right."""
_MEASURED = (Form.TIME, Form.DURATION, Form.COUNT, Form.BYTES, Form.PORT)
NDPI_LIMIT = 0.95
"""At least this share of flows must look like what they are meant to be."""
_LEAK_CASES = 48  # a port or a number names the host: among few cases chance alone separates them
_FEWEST_LEAK_CASES = 8  # within fewer, a field such as the port merely names the host


@dataclass(frozen=True)
class Outcome(SeedOutcome):
    """What came out for one seed."""

    is_ambiguous: bool
    refuted: Mapping[str, str]  # fact -> truth and what the witness found
    values: Mapping[str, str]  # fact -> truth
    baselines: Mapping[str, bool]  # guess -> right
    ndpi: tuple[int, int] | None = None  # flows named as meant, flows; None where nDPI is not installed


@dataclass(frozen=True)
class Proof:
    """What came out for a scenario."""

    scenario: str
    seeds: int
    proven: int
    ambiguous: int
    same_answer_share: Mapping[str, float]
    lazy_right_share: Mapping[str, float]
    leak_accuracy: Mapping[str, float]
    leaks: Mapping[str, float]  # those over the limit that no real tool's behaviour explains
    short_lists: tuple[str, ...]  # facts whose values come from a short list
    ndpi_agree_share: float | None = None  # of the flows; None where nDPI is not installed
    refuted: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # seed -> fact -> why

    @property
    def holds(self) -> bool:
        """Say whether everything that was promised is so."""
        long_lists = [share for name, share in self.same_answer_share.items() if name not in self.short_lists]
        cases = self.seeds - self.ambiguous
        # Over few cases some coincidences more than the limit are no more than chance (twice their spread);
        # over a thousand the limit is what it says.
        pairs = cases * (cases - 1) / 2
        same_limit = SAME_ANSWER_LIMIT + 2 * math.sqrt(SAME_ANSWER_LIMIT / pairs) if pairs else 1
        baseline_limit = max(BASELINE_LIMIT, 1 / cases if cases else 1)
        return (
            self.proven == self.seeds
            and max(long_lists, default=0.0) <= same_limit
            and max(self.lazy_right_share.values(), default=0.0) <= baseline_limit
            and not self.leaks
            and (self.ndpi_agree_share is None or self.ndpi_agree_share >= NDPI_LIMIT)
        )

    def as_json(self) -> dict[str, object]:
        """Return the proof as JSON holds it, with the worst of each kind."""
        long_lists = [share for name, share in self.same_answer_share.items() if name not in self.short_lists]
        return asdict(self) | {
            "holds": self.holds,
            "same_answer_share_max": max(long_lists, default=0.0),
            "lazy_right_share_max": max(self.lazy_right_share.values(), default=0.0),
            "leak_accuracy_max": max(self.leak_accuracy.values(), default=0.5),
        }


def prove(
    scenario: Scenario,
    seeds: int,
    *,
    jobs: int = 1,
    journal: Path | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Proof:
    """Prove ``scenario`` over the seeds 0 to ``seeds`` - 1; ``tick`` is called once for each.

    With a ``journal`` (a file, made if need be) what was proven before is not proven again; it counts
    only for the very same scenario and program.

    Raises:
        EvidenceError: There is nothing to prove, or the journal cannot be kept.
    """
    if not scenario.facts:
        raise EvidenceError(
            f"{scenario.path}:1: nothing can be proven of a scenario without facts. Add a [[fact]] with a witness."
        )
    names, pairs = {fact.name for fact in scenario.facts}, {named(baseline) for baseline in scenario.baselines}

    def run(numbers: list[int]) -> Generator[Outcome]:
        return spread(prove_seed, [(scenario, number) for number in numbers], jobs)

    def is_whole(outcome: Outcome) -> bool:
        return outcome.is_ambiguous or (set(outcome.values) == names and set(outcome.baselines) == pairs)

    return _sum_up(scenario, resumed(Outcome, journal, seeds, run, tick, is_whole))


def prove_seed(scenario: Scenario, number: int) -> Outcome:
    """Make one case, let the witnesses look at it, and compare."""
    seed = proof_seed(scenario, number)
    try:
        plan = make_plan(scenario, seed)
    except EvidenceError as error:
        return Outcome(number, True, {"": str(error)}, {}, {})
    truth = facts_of(scenario, plan)
    with tempfile.TemporaryDirectory(prefix="csirtlab-proof-") as folder:
        write_evidence(plan, Path(folder))
        view = CaptureView(Path(folder))
        findings = run_solvers(scenario, view)
        baselines = guesses(scenario, view, truth)
        ndpi = ndpi_agreement(Path(folder) / "capture.pcap")
    refuted = {
        name: f"truth {_text(value)}, witness {_text(findings[name])}"
        for name, value in truth.items()
        if not agree(value, findings[name])
    }
    return Outcome(number, False, refuted, {name: _text(value) for name, value in truth.items()}, baselines, ndpi)


def proof_seed(scenario: Scenario, number: int) -> bytes:
    """Return the seed of the ``number``-th case of a proof."""
    return seed_of_text(f"proof/{scenario.name}/{number}")


def journal_of(scenario: Scenario) -> Path:
    """Return where the outcomes of this scenario's proof are kept: another place for each state of it."""
    return journal_folder() / journal_name(scenario.name, [scenario.path], ("content", "evidence", "proofs"))


def same_share(values: Iterable[str]) -> float:
    """Return the share of pairs that are equal."""
    counts = Counter(values)
    total = counts.total()
    return sum(count * (count - 1) for count in counts.values()) / (total * (total - 1)) if total > 1 else 0.0


def near_share(numbers: Iterable[float], tolerance: Tolerance) -> float:
    """Return the share of pairs of which one would be accepted in the place of the other."""
    ordered = sorted(numbers)
    first = pairs = 0
    for place, number in enumerate(ordered):
        # Of two numbers the larger gives the wider relative tolerance.
        while number - ordered[first] > max(tolerance.absolute, tolerance.relative * abs(number)):
            first += 1
        pairs += place - first
    return 2 * pairs / (len(ordered) * (len(ordered) - 1)) if len(ordered) > 1 else 0.0


def accepted_errors(scenario: Scenario) -> dict[str, Tolerance]:
    """Return for each fact that some lab asks with a tolerance the widest of them."""
    content = scenario.path.parents[2]
    widest: dict[str, Tolerance] = {}
    for lab in (read_lab(content, name) for name in lab_names(content)):
        for question in lab.questions:
            if lab.scenario == scenario.name and question.fact and question.tolerance != Tolerance():
                known = widest.get(question.fact, Tolerance())
                widest[question.fact] = Tolerance(
                    max(known.absolute, question.tolerance.absolute), max(known.relative, question.tolerance.relative)
                )
    return widest


def _sum_up(scenario: Scenario, outcomes: list[Outcome]) -> Proof:
    sound = [outcome for outcome in outcomes if not outcome.is_ambiguous]
    judged = len(outcomes) >= _FEWEST_LEAK_CASES
    numbers = [
        number
        for number in range(_LEAK_CASES if judged else len(outcomes))
        if number >= len(outcomes) or not outcomes[number].is_ambiguous
    ]
    accuracies = field_accuracies(scenario, (make_plan(scenario, proof_seed(scenario, number)) for number in numbers))
    baselines = sorted({name for outcome in sound for name in outcome.baselines})
    errors = accepted_errors(scenario)
    return Proof(
        scenario=scenario.name,
        seeds=len(outcomes),
        proven=sum(not outcome.refuted for outcome in outcomes),
        ambiguous=sum(outcome.is_ambiguous for outcome in outcomes),
        same_answer_share={
            fact.name: _shared(fact, [outcome.values[fact.name] for outcome in sound], errors)
            for fact in scenario.facts
        },
        lazy_right_share={name: sum(outcome.baselines[name] for outcome in sound) / len(sound) for name in baselines},
        leak_accuracy=accuracies,
        leaks=unexplained(scenario, accuracies) if judged else {},
        short_lists=tuple(fact.name for fact in scenario.facts if fact.is_from_short_list),
        ndpi_agree_share=_agree_share(sound),
        refuted={str(outcome.seed): dict(outcome.refuted) for outcome in outcomes if outcome.refuted},
    )


def _shared(fact: Fact, values: list[str], errors: Mapping[str, Tolerance]) -> float:
    """Return the share of pairs of cases in which a copied answer would be right."""
    if fact.name not in errors or fact.form not in _MEASURED:
        return same_share(values)
    if fact.form is Form.TIME:  # as everywhere, a share of a time since 1970 means nothing
        numbers = [dt.datetime.fromisoformat(value).timestamp() for value in values]
        return near_share(numbers, replace(errors[fact.name], relative=0.0))
    return near_share(map(float, values), errors[fact.name])


def _agree_share(outcomes: list[Outcome]) -> float | None:
    counted = [outcome.ndpi for outcome in outcomes if outcome.ndpi]
    flows = sum(total for _, total in counted)
    return sum(agreed for agreed, _ in counted) / flows if flows else None


def _text(value: object) -> str:
    return repr(sorted(value)) if isinstance(value, frozenset) else str(value)
