"""The verdict at once: a notebook's kit asks the service, which judges as the grading does."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from csirtlab.content.labs import Lab
from csirtlab.content.scenarios import Scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import case_seed
from csirtlab.kit import Case, open_case
from csirtlab.languages import Language
from csirtlab.offline.alone import LEARNER, ensure_lab
from csirtlab.offline.verdict_service import VerdictService


@pytest.fixture
def service(lab: Lab, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> Iterator[VerdictService]:
    with VerdictService(lab, scenario, b"seed") as running:
        monkeypatch.setenv("CSIRTLAB_VERDICT_URL", running.address)
        yield running


@pytest.fixture
def case(content: Path, lab: Lab, tmp_path: Path) -> Case:
    ensure_lab(content, lab, tmp_path, Language.EN, "seed")
    return open_case(tmp_path / lab.name)


@pytest.fixture
def truth(lab: Lab, scenario: Scenario) -> dict[str, object]:
    return dict(ground_truth(scenario, case_seed(b"seed", lab.name, LEARNER)))


@pytest.mark.usefixtures("service")
def test_a_right_answer_has_all_points_and_the_explanation(case: Case, truth: dict[str, object]) -> None:
    case.answer("infected_host", truth["infected_host"])

    verdict = case.verdict("infected_host")

    assert verdict.worth == 1
    assert verdict.feedback
    assert verdict.feedback in verdict._repr_mimebundle_()["text/markdown"]


@pytest.mark.usefixtures("service")
def test_a_wrong_answer_is_told_without_truth_or_explanation(case: Case, truth: dict[str, object]) -> None:
    case.answer("infected_host", "192.0.2.77")

    verdict = case.verdict("infected_host")

    assert (verdict.worth, verdict.feedback) == (0, "")
    assert str(truth["infected_host"]) not in repr(verdict)


@pytest.mark.usefixtures("service")
def test_tolerances_are_those_of_the_grading(case: Case, truth: dict[str, object]) -> None:
    first = truth["first_beacon"]
    case.answer("first_beacon", first + timedelta(seconds=1))  # type: ignore[operator]  # a datetime

    assert case.verdict("first_beacon").worth == 1


@pytest.mark.usefixtures("service")
def test_a_method_is_tried_on_other_cases(case: Case, truth: dict[str, object]) -> None:
    seen = []

    def find_beacon(other: Case) -> object:
        seen.append(other.folder)
        return truth["infected_host"]  # right here, wrong there

    case.method("beacon_detector", find_beacon)

    assert case.verdict("beacon_detector").worth == 0
    assert len(set(seen)) == 3
    assert case.folder not in seen


@pytest.mark.usefixtures("service")
def test_a_method_that_fails_on_other_cases_is_worth_nothing(case: Case) -> None:
    def find_beacon(_: Case) -> object:
        raise ValueError("gap")

    case.method("beacon_detector", find_beacon)

    assert case.verdict("beacon_detector").worth == 0


def test_a_service_that_ended_is_told(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSIRTLAB_VERDICT_URL", "http://127.0.0.1:9/nothing")
    case.answer("infected_host", "192.0.2.77")

    assert "Is csirtlab learn still running?" in repr(case.verdict("infected_host"))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/judge", b'{"question": "infected_host", "value": "192.0.2.1"}', 403),  # without the secret
        ("TOKEN/judge", b'{"question": "nothing", "value": 1}', 400),
        ("TOKEN/truth", b'{"question": "infected_host"}', 400),
        ("TOKEN/judge", b"not JSON", 400),
    ],
)
def test_the_service_refuses_what_it_does_not_know(
    service: VerdictService, path: str, body: bytes, status: int
) -> None:
    base, _, token = service.address.rpartition("/")
    address = f"{base}/{path.replace('TOKEN', token).lstrip('/')}"

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(address, data=body, timeout=5)
    caught.value.close()

    assert caught.value.code == status


@pytest.mark.usefixtures("service")
def test_hints_come_one_by_one_and_end_in_code(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.hint("infected_host")
    first = capsys.readouterr().out
    case.hint("infected_host")
    case.hint("infected_host")

    last = capsys.readouterr().out
    assert "```python" not in first
    assert 'case.answer("infected_host"' in last
