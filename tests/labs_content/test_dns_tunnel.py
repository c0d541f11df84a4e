"""What is particular to the lab ``dns-tunnel``: what can be guessed weighs little."""

import pytest

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.labs import last_hints, reference_answers
from csirtlab.settings import content_root

LAB = read_lab(content_root(), "dns-tunnel")
SCENARIO = read_scenario(content_root(), LAB.scenario)
WORTH = {"tunnel_domain": 10, "tunnel_host": 10, "look_alike": 10, "first_query": 10, "record_types": 5, "encoding": 5,
         "file_bytes": 15, "file_hash": 15, "find_tunnel": 20}  # fmt: skip


def test_what_can_be_guessed_weighs_little() -> None:
    assert {question.id: question.points for question in LAB.questions} == WORTH


@pytest.mark.parametrize("seed", ["first seed", "second seed"])
def test_neither_solution_nor_hints_hold_a_value_of_a_case(seed: str) -> None:
    source = "\n".join([*reference_answers(LAB).values(), *last_hints(LAB).values()])
    truth = ground_truth(SCENARIO, seed_of_text(seed))

    assert not [
        fact for fact in ("tunnel_domain", "tunnel_host", "look_alike", "file_hash") if str(truth[fact]) in source
    ]
