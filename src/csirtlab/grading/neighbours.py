"""Wrong for me, right for you: wrong answers that are the truth of somebody else's case.

It is a reason to talk with two people, not a proof, and no score depends on it.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

from csirtlab.content.labs import Form, Kind, Lab, Question, read_lab
from csirtlab.content.scenarios import Scenario, read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import case_seed
from csirtlab.grading.cohort_folder import read_cohort_folder
from csirtlab.grading.findings import findings_in
from csirtlab.grading.released import released_content
from csirtlab.grading.verdicts import judge
from csirtlab.languages import Language
from csirtlab.settings import content_root

FOLDER = "neighbours"
MOST_CHANCE = 0.05
"""A coincidence that is likelier than this is not told: it would accuse people who did nothing."""

_LEAST_CASES = 80  # from which the chance is estimated: 3,160 pairs
_UNRELATED = "unrelated"


@dataclass(frozen=True)
class Neighbour:
    """A wrong answer that is true for others; ``chance`` is how likely it is without anybody copying."""

    trainee: str
    question: str
    value: object
    true_for: tuple[str, ...]
    chance: float


@dataclass(frozen=True)
class Compared:
    """What was found, and when (aware, UTC)."""

    time: datetime
    found: tuple[Neighbour, ...]


def kept_neighbours(folder: Path, lab_name: str) -> Compared | None:
    """Return what the last comparison of a lab found; None if there was none, or its file is damaged."""
    path = folder / FOLDER / f"{lab_name}.json"
    try:
        time = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        found = [Neighbour(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return None
    return Compared(time, tuple(replace(each, true_for=tuple(each.true_for)) for each in found))


def find_neighbours(folder: Path, lab_name: str, pool: Executor) -> list[Neighbour]:
    """Compare every wrong answer of a lab's graded submissions with everybody's truths; keep what was found.

    ``pool`` recomputes the truths, each once for a state of the lab. Doing it again gives the same.
    """
    content = content_root()
    lab, cohort = read_lab(content, lab_name), read_cohort_folder(folder)
    scenarios = released_content(folder, lab_name) or content
    scenario = read_scenario(scenarios, lab.scenario)
    questions = telling(lab, scenario)
    answers = {
        path.parent.parent.name: findings_in(path.read_text(encoding="utf-8"))
        for path in sorted((folder / "autograded").glob(f"*/{lab_name}/{lab_name}.ipynb"))
    }
    key = hashlib.sha256(repr((scenario, lab)).encode() + cohort.secret).hexdigest()
    truths = _Truths(folder / FOLDER / f".{lab_name}.truths", key)

    def known(who: Sequence[str]) -> dict[str, dict[str, object]]:
        truths.ensure(who, lambda new: pool.map(_facts, [(scenarios, lab, folder, each) for each in new]))
        return {each: truths.of[each] for each in who}

    # One step at a time: truths take a while, and mostly there is nothing to look at.
    found: list[Neighbour] = []
    if wrong := wrong_answers(questions, answers, known(sorted(answers))):
        everybody = known(sorted({*cohort.languages, *answers}))
        if any(_whose(question, said.get(question.id), everybody) for said in wrong.values() for question in questions):
            strangers = known([f"{_UNRELATED}/{number}" for number in range(max(0, _LEAST_CASES - len(everybody)))])
            found = compare(questions, wrong, everybody, strangers)
    _write(folder / FOLDER / f"{lab_name}.json", [asdict(each) for each in found])
    return found


def telling(lab: Lab, scenario: Scenario) -> list[Question]:
    """Return the questions whose answers can tell of a neighbour: findings, but no choice and no short list."""
    short = {fact.name for fact in scenario.facts if fact.is_from_short_list}
    return [
        question
        for question in lab.questions
        if question.kind is Kind.FINDING
        and question.fact not in short
        and Form.CHOICE not in (question.form, question.items)
    ]


def compare(
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, object]],
    truths: Mapping[str, Mapping[str, object]],
    strangers: Mapping[str, Mapping[str, object]],
) -> list[Neighbour]:
    """Return the wrong answers that are somebody else's truth and unlikely to be so by chance.

    The chance is that of an answer that fits its own case to fit one of the others too: from all pairs of
    cases, those of ``strangers`` as well, and the number of others.
    """
    found = []
    for question in questions:
        chance: float | None = None
        for trainee, said in sorted(answers.items()):
            value = said.get(question.id)
            whose = _whose(question, value, truths)
            if not whose or trainee in whose:
                continue
            if chance is None:
                chance = _chance(question, [*truths.values(), *strangers.values()], len(truths) - 1)
            if chance <= MOST_CHANCE:
                found.append(Neighbour(trainee, question.id, value, whose, round(chance, 4)))
    return sorted(found, key=lambda each: (each.trainee, each.question))


def wrong_answers(
    questions: Sequence[Question], answers: Mapping[str, Mapping[str, object]], own: Mapping[str, Mapping[str, object]]
) -> dict[str, dict[str, object]]:
    """Return the answers that are wrong for who gave them, by trainee and question."""
    wrong: dict[str, dict[str, object]] = {}
    for trainee, said in answers.items():
        for question in questions:
            value = said.get(question.id)
            if value is not None and not _fits(question, value, own[trainee]):
                wrong.setdefault(trainee, {})[question.id] = value
    return wrong


def _whose(question: Question, value: object, truths: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """Return for whom a value is true."""
    return () if value is None else tuple(who for who in sorted(truths) if _fits(question, value, truths[who]))


def _chance(question: Question, cases: Sequence[Mapping[str, object]], others: int) -> float:
    pairs = alike = 0
    for one, other in combinations(cases, 2):
        pairs += 1
        alike += _fits(question, one[question.id], other)
    # Never zero: that no pair was alike does not show that none can be.
    share = (alike + 1) / (pairs + 1)
    return float(1 - (1 - share) ** others)


def _fits(question: Question, value: object, truth: Mapping[str, object]) -> bool:
    return judge(question, value, truth[question.id], Language.EN).worth == 1


class _Truths:
    """Everybody's true answers, kept in the cohort's folder while lab and scenario stay what they are."""

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key
        self.of: dict[str, dict[str, object]] = {}
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["key"] == key:
                self.of = kept["truths"]
        except (OSError, ValueError, KeyError, TypeError):
            self.of = {}  # none kept, or of another state

    def ensure(self, who: Sequence[str], make: Callable[[list[str]], Iterable[dict[str, object]]]) -> None:
        missing = [each for each in who if each not in self.of]
        self.of.update(zip(missing, make(missing), strict=True))
        if missing:
            _write(self._path, {"key": self._key, "truths": self.of})


def _facts(wanted: tuple[Path, Lab, Path, str]) -> dict[str, object]:
    """Return somebody's true answers as JSON holds them, by question."""
    scenarios, lab, folder, who = wanted
    scenario, cohort = read_scenario(scenarios, lab.scenario), read_cohort_folder(folder)
    facts = ground_truth(scenario, case_seed(cohort.secret, lab.name, who))
    return {
        question.id: plain(facts[question.fact]) for question in lab.questions
        if question.kind is Kind.FINDING and question.fact is not None
    }  # fmt: skip


def plain(value: object) -> object:
    """Return a fact as JSON holds it, in the form in which a finding is reported."""
    if isinstance(value, frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # A name of its own: grading and somebody who looks may compare at the same time.
    descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    Path(aside).replace(path)
