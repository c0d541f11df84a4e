"""Grading against what was released: an update in between costs nobody a point in silence."""

import json
import shutil
from pathlib import Path

import pytest
from tests.grading.workshops import LAB, SECRET, Workshop, make_workshop

from csirtlab.content.scenarios import read_scenario
from csirtlab.errors import GradingError
from csirtlab.evidence.cases import case_digest, evidence_digest, ground_truth, make_evidence
from csirtlab.evidence.seeds import case_seed
from csirtlab.grading.released import refuse_other_case
from csirtlab.labs.kept_scenario import CASE_FILE
from csirtlab.settings import content_root

SCENARIO = "c2-beacon"
NAMES = ("ana", "ben")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A cohort of two who answered right, made once and copied for each test."""
    workshop = make_workshop(tmp_path_factory.mktemp("template"), NAMES)
    for trainee in NAMES:
        workshop.hand_in(trainee, workshop.right(trainee))
    return workshop


@pytest.fixture
def workshop(tmp_path: Path, template: Workshop) -> Workshop:
    """A copy of it, with content of its own."""
    shutil.copytree(template.root, tmp_path / "workshop")
    return template.at(tmp_path / "workshop")


def update_scenario(workshop: Workshop) -> None:
    """Let captures come from another year, so that every time in every case is another one."""
    path = workshop.root / "content" / "datasets" / SCENARIO / "scenario.toml"
    text = path.read_text()
    assert "days = [2026" in text
    path.write_text(text.replace("days = [2026", "days = [2025"))


def note_case(workshop: Workshop, trainee: str, digest: str) -> None:
    (workshop.cohort / "submitted" / trainee / LAB / CASE_FILE).write_text(f"{digest}\n")


def case_of(trainee: str, folder: Path) -> str:
    """Return the digest of a trainee's case as the exchange notes it."""
    scenario, secret = read_scenario(content_root(), SCENARIO), bytes.fromhex(SECRET)
    seed = case_seed(secret, LAB, trainee)
    make_evidence(scenario, seed, folder / trainee)
    return case_digest(secret, evidence_digest(folder / trainee), ground_truth(scenario, seed))


@pytest.mark.slow
def test_after_an_update_of_the_scenario_right_answers_stay_right(workshop: Workshop) -> None:
    update_scenario(workshop)

    workshop.grade()

    assert workshop.scores() == dict.fromkeys(NAMES, (10.0, 5.0, None))
    assert [name for name in workshop.autograded() if name.endswith(".zip")] == []


@pytest.mark.slow
def test_a_case_that_this_version_makes_otherwise_is_refused_with_what_to_do(
    workshop: Workshop, tmp_path: Path
) -> None:
    note_case(workshop, "ana", case_of("ana", tmp_path))
    note_case(workshop, "ben", "the case that another version made")

    done = workshop.run("--json")

    assert done.returncode == 1
    assert workshop.scores() == {"ana": (10.0, 5.0, None)}
    reason = json.loads(done.stdout)["refused"]["ben"]
    assert "Grade with the version from before the update" in reason


def test_the_digest_tells_nothing_without_the_cohorts_secret() -> None:
    facts = {"host": "10.0.0.5", "ports": frozenset({80, 443})}

    assert case_digest(b"a" * 32, "evidence", facts) != case_digest(b"b" * 32, "evidence", facts)


@pytest.mark.parametrize("changed", [("other evidence", {"host": "a"}), ("evidence", {"host": "b"})])
def test_other_evidence_and_other_truth_are_another_case(changed: tuple[str, dict[str, str]]) -> None:
    assert case_digest(b"a", *changed) != case_digest(b"a", "evidence", {"host": "a"})


def test_a_submission_brought_by_hand_is_graded_without_a_note(tmp_path: Path) -> None:
    refuse_other_case(tmp_path, "any case")


def test_somebody_who_never_fetched_the_lab_is_graded(tmp_path: Path) -> None:
    (tmp_path / CASE_FILE).write_text("\n")

    refuse_other_case(tmp_path, "any case")


def test_a_note_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / CASE_FILE).write_bytes(b"\xff")

    with pytest.raises(GradingError, match="Collect"):
        refuse_other_case(tmp_path, "any case")
