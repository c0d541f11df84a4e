"""What is particular to the lab ``scan-and-spray``: sets that cases share in part weigh little."""

import pytest

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.labs import last_hints, reference_answers
from csirtlab.settings import content_root

LAB = read_lab(content_root(), "scan-and-spray")
SCENARIO = read_scenario(content_root(), LAB.scenario)
WORTH = {"slow_scanner": 10, "swept_hosts": 15, "open_ports": 5, "spray_source": 10, "sprayed_accounts": 10,
         "fallen_account": 10, "fall_time": 10, "false_alarm": 10, "find_fallen": 20}  # fmt: skip


def test_sets_that_cases_share_in_part_weigh_little() -> None:
    assert {question.id: question.points for question in LAB.questions} == WORTH


@pytest.mark.parametrize("seed", ["first seed", "second seed"])
def test_neither_solution_nor_hints_hold_a_value_of_a_case(seed: str) -> None:
    source = "\n".join([*reference_answers(LAB).values(), *last_hints(LAB).values()])
    truth = ground_truth(SCENARIO, seed_of_text(seed))

    assert not [
        fact for fact in ("slow_scanner", "spray_source", "fallen_account", "false_alarm") if str(truth[fact]) in source
    ]
