"""A trainee's case made again for grading: evidence for the box, truth for the judge."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from csirtlab.content.labs import Kind, Lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth, make_evidence
from csirtlab.evidence.seeds import case_seed, sibling_seed
from csirtlab.grading.cohort_folder import CohortFolder
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.languages import Language

HIDDEN = "hidden-case"
"""Whose case a sibling is, as its case sheet says."""


@dataclass(frozen=True)
class CaseFolders:
    """Folders with ``evidence/``: the trainee's own, and those of each method question's siblings."""

    own: Path
    siblings: Mapping[str, Sequence[Path]]


@dataclass(frozen=True)
class Truths:
    """The facts that answer a lab's questions, for one trainee; by question id."""

    own: Mapping[str, object]
    siblings: Mapping[str, Sequence[object]]


@contextmanager
def case_folders(content: Path, lab: Lab, cohort: CohortFolder, trainee: str) -> Iterator[CaseFolders]:
    """Write the evidence for one submission; it is removed at the end."""
    scenario = read_scenario(content, lab.scenario)
    language = cohort.language_of(trainee)
    with TemporaryDirectory(prefix="csirtlab-case-") as temporary:

        def write(seed: bytes, name: str, owner: str, tongue: Language) -> Path:
            folder = Path(temporary, name)
            make_evidence(scenario, seed, folder / "evidence")
            write_case_sheet(lab, folder / "evidence", cohort=cohort.name, trainee=owner, language=tongue)
            return folder

        own = write(case_seed(cohort.secret, lab.name, trainee), "own", trainee, language)
        siblings = {
            question.id: [
                write(
                    sibling_seed(cohort.secret, lab.name, question.id, index),
                    f"{question.id}-{index}",
                    HIDDEN,
                    Language.EN,
                )
                for index in range(question.siblings)
            ]
            for question in lab.questions
            if question.kind is Kind.METHOD
        }
        yield CaseFolders(own, siblings)


def truths(content: Path, lab: Lab, cohort: CohortFolder, trainee: str) -> Truths:
    """Return what is true in a trainee's case and in its siblings; nothing is written anywhere."""
    scenario = read_scenario(content, lab.scenario)
    facts = ground_truth(scenario, case_seed(cohort.secret, lab.name, trainee))
    own = {
        question.id: facts[question.fact]
        for question in lab.questions
        if question.kind is Kind.FINDING and question.fact is not None
    }
    siblings = {
        question.id: [
            ground_truth(scenario, sibling_seed(cohort.secret, lab.name, question.id, index))[question.fact]
            for index in range(question.siblings)
        ]
        for question in lab.questions
        if question.kind is Kind.METHOD and question.fact is not None
    }
    return Truths(own, siblings)
