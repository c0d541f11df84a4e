"""A trainee's case made again for grading: evidence for the box, truth for the judge."""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from csirtlab.content.labs import Kind, Lab, Question
from csirtlab.content.scenarios import Scenario, read_scenario
from csirtlab.evidence.cases import evidence_digest, ground_truth, make_evidence
from csirtlab.evidence.seeds import case_seed, sibling_seed
from csirtlab.grading.cohort_folder import CohortFolder
from csirtlab.grading.refusing import RefusalError, WayOut
from csirtlab.grading.rules import Material, make_material
from csirtlab.kit.dissections import write as write_dissection
from csirtlab.kit.readers import dissect
from csirtlab.kit.show import KitError
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.languages import Language

HIDDEN = "hidden-case"
"""Whose case a sibling is, as its case sheet says."""


@dataclass(frozen=True)
class CaseFolders:
    """Folders with ``evidence/``: the trainee's own, and those of each method question's siblings."""

    own: Path
    siblings: Mapping[str, Sequence[Path]]
    digest: str  # of the trainee's own evidence


@dataclass(frozen=True)
class Truths:
    """The facts that answer a lab's questions, for one trainee; by question id."""

    own: Mapping[str, object]
    siblings: Mapping[str, Sequence[object]]
    facts: Mapping[str, object]  # everything that is true in the trainee's case, by the scenario's names
    materials: Mapping[str, Sequence[Material]] = field(default_factory=dict)  # of rules


_shared: list[Path] = []


def share_hidden_cases(folder: Path) -> None:
    """Let this process, a worker of several, keep hidden cases in ``folder``, where the others find them too."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _shared[:] = [folder]


def shared_folder() -> Path | None:
    """Return where this process keeps hidden cases together with others; None if it is alone."""
    return _shared[0] if _shared else None


class Shelf:
    """Writes evidence for grading; sibling cases are the same for a whole cohort and are kept for the next one.

    With ``shared``, a folder that exists, sibling cases are put there, and made once for all shelves that share it.
    A context manager; at its end everything written is removed, but for what is shared.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self._folder = TemporaryDirectory(prefix="csirtlab-cases-")
        self._siblings = shared or Path(self._folder.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything; safe to be called twice."""
        self._folder.cleanup()

    @contextmanager
    def folders(self, content: Path, lab: Lab, cohort: CohortFolder, trainee: str) -> Iterator[CaseFolders]:
        """Give the folders for one submission; the trainee's own is removed at the end."""
        scenario = read_scenario(content, lab.scenario)
        with TemporaryDirectory(prefix="own-", dir=self._folder.name) as temporary:
            own = Path(temporary)
            make_evidence(scenario, case_seed(cohort.secret, lab.name, trainee), own / "evidence")
            digest = evidence_digest(own / "evidence")
            write_case_sheet(
                lab, own / "evidence", cohort=cohort.name, trainee=trainee, language=cohort.language_of(trainee)
            )
            seeds = {
                question.id: [
                    sibling_seed(cohort.secret, lab.name, question.id, index) for index in range(question.siblings)
                ]
                for question in lab.questions
                if question.kind is Kind.METHOD
            }
            # Those that another worker makes now are left to it, as long as there are others to be made.
            for is_patient in (False, True):
                for seed in (seed for of_question in seeds.values() for seed in of_question):
                    self._ensure_sibling(scenario, lab, cohort, seed, is_patient=is_patient)
            siblings = {
                name: [self._place_of(scenario, lab, seed) for seed in of_question]
                for name, of_question in seeds.items()
            }
            yield CaseFolders(own, siblings, digest)

    def _place_of(self, scenario: Scenario, lab: Lab, seed: bytes) -> Path:
        # The lab and the scenario may change while a formgrader runs: both belong to the key.
        return self._siblings / hashlib.sha256(seed + repr((scenario, lab)).encode()).hexdigest()

    def _ensure_sibling(
        self, scenario: Scenario, lab: Lab, cohort: CohortFolder, seed: bytes, *, is_patient: bool
    ) -> None:
        place = self._place_of(scenario, lab, seed)
        if place.is_dir():
            return
        with _alone(place.with_suffix(".lock"), is_patient=is_patient) as is_ours:
            if not is_ours or place.is_dir():
                return
            with TemporaryDirectory(prefix="new-", dir=self._siblings) as temporary:
                made = Path(temporary, "case")
                make_evidence(scenario, seed, made / "evidence")
                write_case_sheet(lab, made / "evidence", cohort=cohort.name, trainee=HIDDEN, language=Language.EN)
                read_beforehand(made / "evidence")
                made.rename(place)


@contextmanager
def _alone(path: Path, *, is_patient: bool) -> Iterator[bool]:
    """Hold a lock that ends with the process; give False where another one has it and nobody is to wait."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if is_patient else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def read_beforehand(evidence: Path) -> None:
    """Put beside each capture the fields that labs ask for most: a method reads them on every submission.

    They hold what tshark says of the capture and nothing else; they come into the box with it, when nothing is
    shown any more. Where they are missing, the kit asks tshark in the box.
    """
    for capture in sorted(evidence.glob("*.pcap*")):
        with suppress(KitError):
            if found := dissect(capture):
                write_dissection(found, capture)


_MOST_KEPT = 64
_kept_facts: dict[bytes, Mapping[str, object]] = {}


def _sibling_facts(scenario: Scenario, seed: bytes) -> Mapping[str, object]:
    """Return a sibling's facts, which are the same for the whole cohort."""
    key = hashlib.sha256(seed + repr(scenario).encode()).digest()
    if key not in _kept_facts:
        if len(_kept_facts) >= _MOST_KEPT:
            _kept_facts.clear()
        _kept_facts[key] = ground_truth(scenario, seed)
    return _kept_facts[key]


_kept_materials: dict[bytes, Material] = {}


def _material(lab: Lab, question: Question, scenario: Scenario, seed: bytes) -> Material:
    """Return a hidden case cut up for a rule, which is the same for the whole cohort."""
    key = hashlib.sha256(seed + repr((scenario, question)).encode()).digest()
    if key not in _kept_materials:
        if len(_kept_materials) >= _MOST_KEPT:
            _kept_materials.clear()
        _kept_materials[key] = make_material(lab, question, scenario, seed)
    return _kept_materials[key]


def truths(content: Path, lab: Lab, cohort: CohortFolder, trainee: str) -> Truths:
    """Return what is true in a trainee's case and in its siblings; nothing is written anywhere."""
    scenario = read_scenario(content, lab.scenario)
    facts = ground_truth(scenario, case_seed(cohort.secret, lab.name, trainee))
    if unknown := sorted({question.fact for question in lab.questions if question.fact} - set(facts)):
        raise RefusalError(
            'The lab "{lab}" asks for {facts}, which its scenario as it was released does not know: the lab was '
            "updated since.",
            WayOut.INSTRUCTORS_OLD_VERSION,
            lab=lab.name,
            facts=", ".join(unknown),
        )
    own = {
        question.id: facts[question.fact]
        for question in lab.questions
        if question.kind is Kind.FINDING and question.fact is not None
    }
    siblings = {
        question.id: [
            _sibling_facts(scenario, sibling_seed(cohort.secret, lab.name, question.id, index))[question.fact]
            for index in range(question.siblings)
        ]
        for question in lab.questions
        if question.kind is Kind.METHOD and question.fact is not None
    }
    materials = {
        question.id: [
            _material(lab, question, scenario, sibling_seed(cohort.secret, lab.name, question.id, index))
            for index in range(question.siblings)
        ]
        for question in lab.questions
        if question.kind is Kind.RULE
    }
    return Truths(own, siblings, facts, materials)
