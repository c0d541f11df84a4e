"""What is particular to the lab ``iot-worm-and-plc``: what cases may share weighs little, and nobody sends anything."""

import re

import pytest

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.proofs.labs import last_hints, reference_answers
from csirtlab.settings import content_root

LAB = read_lab(content_root(), "iot-worm-and-plc")
SCENARIO = read_scenario(content_root(), LAB.scenario)
WORTH = {"credential_pair": 10, "infected_devices": 15, "loader_address": 5, "first_fetch": 10, "function_codes": 5,
         "written_value": 15, "process_extreme": 10, "find_rogue_master": 15, "operator_note": 15}  # fmt: skip


def test_what_cases_may_share_weighs_little() -> None:
    assert {question.id: question.points for question in LAB.questions} == WORTH


@pytest.mark.parametrize("seed", ["first seed", "second seed"])
def test_neither_solution_nor_hints_hold_a_value_of_a_case(seed: str) -> None:
    source = "\n".join([*reference_answers(LAB).values(), *last_hints(LAB).values()])
    truth = ground_truth(SCENARIO, seed_of_text(seed))

    assert not [
        fact
        for fact in ("credential_pair", "loader_address", "rogue_master", "target_plc", "written_value")
        if str(truth[fact]) in source
    ]


def test_no_cell_sends_anything_as_the_lab_itself_asks() -> None:
    text = (LAB.folder / "lab.md").read_text(encoding="utf-8")
    cells = "\n".join(re.findall(r"```\{code-cell\}.*?```", text, re.DOTALL))

    assert not re.search(r"\b(?:send|sendp|sr1?|srp1?|sniff|socket|requests\.get|urlopen)\(", cells)
