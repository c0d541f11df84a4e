"""What is particular to the lab ``phish-to-download``: its rule, and what cases may share weighs little."""

import pytest

from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.grading.rules import Material, judge_rule, make_material
from csirtlab.languages import Language
from csirtlab.proofs.labs import last_hints, reference_answers
from csirtlab.settings import content_root

LAB = read_lab(content_root(), "phish-to-download")
SCENARIO = read_scenario(content_root(), LAB.scenario)
RULE = LAB.question("lure_rule")
WORTH = {"false_alarm": 10, "lure_recipients": 10, "sender_address": 15, "refused_recipient": 5, "first_click": 10,
         "download_hosts": 10, "file_hash": 10, "find_clickers": 15, "lure_rule": 15}  # fmt: skip
PARTS = {
    "message": '$message = "MAIL FROM:<"', "link": '$link = "http://"', "signature": '$signature = "DKIM-Signature:"',
    "envelope": '$envelope = "MAIL FROM:<bounce-"', "archive": r"$archive = /GET [^ ]+\.zip HTTP/",
}  # fmt: skip


def rule(condition: str) -> str:
    used = "\n".join(text for name, text in PARTS.items() if f"${name}" in condition)
    return f"rule lure {{ strings: {used} condition: {condition} }}"


@pytest.fixture(scope="module")
def hidden() -> list[Material]:
    return [make_material(LAB, RULE, SCENARIO, seed_of_text(f"hidden/{number}")) for number in range(6)]


def test_what_cases_may_share_weighs_little() -> None:
    assert {question.id: question.points for question in LAB.questions} == WORTH


@pytest.mark.parametrize("seed", ["first seed", "second seed"])
def test_neither_solution_nor_hints_hold_a_value_of_a_case(seed: str) -> None:
    source = "\n".join([*reference_answers(LAB).values(), *last_hints(LAB).values()])
    truth = ground_truth(SCENARIO, seed_of_text(seed))

    assert not [
        fact
        for fact in ("false_alarm", "sender_address", "refused_recipient", "file_hash", "download_url")
        if str(truth[fact]) in source
    ]


def test_a_link_without_a_signature_finds_the_lure_and_nobody_else(hidden: list[Material]) -> None:
    found = judge_rule(RULE, rule("$message and $link and not $signature"), hidden, Language.EN)

    assert found.worth == 1, found


@pytest.mark.parametrize(
    "condition", ["$message", "$message and $link", "$envelope", "$archive", "$message and not $signature"]
)
def test_half_a_thought_is_worth_half_the_points_at_most(condition: str, hidden: list[Material]) -> None:
    """Newsletters carry links, too, and come by the same relay; invoices are fetched; partners do not always sign."""
    assert judge_rule(RULE, rule(condition), hidden, Language.EN).worth <= 0.5


def test_a_rule_with_the_names_of_one_case_finds_nothing_in_others(hidden: list[Material]) -> None:
    url = str(ground_truth(SCENARIO, seed_of_text("own"))["download_url"])
    copied = f'rule lure {{ strings: $site = "{url.split("/")[2]}" condition: $site }}'

    assert judge_rule(RULE, copied, hidden, Language.EN).worth == 0
