"""What is particular to the lab ``c2-beacon``: what it weighs, and that its clocks are told apart."""

import pytest

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.labs import last_hints, reference_answers
from csirtlab.settings import content_root

LAB = read_lab(content_root(), "c2-beacon")
SCENARIO = read_scenario(content_root(), LAB.scenario)
WORTH = {"infected_host": 10, "c2_domain": 10, "look_alike": 10, "first_beacon": 10, "beacon_interval": 15,
         "bytes_out": 10, "beacon_detector": 20, "incident_note": 15}  # fmt: skip


def test_the_method_and_the_note_weigh_a_third() -> None:
    assert {question.id: question.points for question in LAB.questions} == WORTH


@pytest.mark.parametrize("seed", ["first seed", "second seed"])
def test_neither_solution_nor_hints_hold_a_value_of_a_case(seed: str) -> None:
    source = "\n".join([*reference_answers(LAB).values(), *last_hints(LAB).values()])
    truth = ground_truth(SCENARIO, seed_of_text(seed))

    assert not [fact for fact in ("infected_host", "c2_domain", "look_alike") if str(truth[fact]) in source]
