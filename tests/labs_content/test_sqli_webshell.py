"""What is particular to the lab ``sqli-webshell``: what cases may share weighs little."""

import pytest

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.labs import last_hints, reference_answers
from csirtlab.settings import content_root

LAB = read_lab(content_root(), "sqli-webshell")
SCENARIO = read_scenario(content_root(), LAB.scenario)
WORTH = {"intruder_address": 10, "false_alarm": 10, "parameter": 5, "first_injection": 15, "dumped_tables": 5,
         "rows_exposed": 15, "shell_path": 10, "commands": 10, "find_intruder": 20}  # fmt: skip


def test_what_cases_may_share_weighs_little() -> None:
    assert {question.id: question.points for question in LAB.questions} == WORTH


@pytest.mark.parametrize("seed", ["first seed", "second seed"])
def test_neither_solution_nor_hints_hold_a_value_of_a_case(seed: str) -> None:
    source = "\n".join([*reference_answers(LAB).values(), *last_hints(LAB).values()])
    truth = ground_truth(SCENARIO, seed_of_text(seed))

    assert not [
        fact for fact in ("intruder_address", "false_alarm", "shell_path", "rows_exposed") if str(truth[fact]) in source
    ]
