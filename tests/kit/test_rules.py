"""What a trainee is told of a rule where they write it: whether it can be read, and nothing of what it finds."""

from pathlib import Path

import pytest
from tests.kit.conftest import write_case

from csirtlab.kit import Case, open_case
from csirtlab.kit.rules import MOST_TEXT, problem_of

FIELDS = ("c-ip", "cs-uri-query", "sc-status")
SIGMA = """
title: Quotes
logsource: {category: webserver}
detection:
  quote: {cs-uri-query|contains: "%27"}
  condition: quote
"""
YARA = 'rule shell { strings: $a = "cmd=" condition: $a }'


@pytest.mark.parametrize(("kind", "text"), [("sigma", SIGMA), ("yara", YARA)])
def test_a_rule_that_parses_has_no_problem(kind: str, text: str) -> None:
    assert problem_of(kind, text, FIELDS, "en") is None


def test_keywords_need_no_field() -> None:
    text = "title: x\nlogsource: {category: webserver}\ndetection:\n  k: [union]\n  condition: k\n"

    assert problem_of("sigma", text, FIELDS, "en") is None


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("sigma", None, "There is no rule yet"),
        ("sigma", 7, "A rule is a text, got int"),
        ("sigma", "x" * (MOST_TEXT + 1), "at most 20000 are read"),
        ("sigma", "title: [x\ndetection: {", "not valid YAML, see its line 2"),
        ("sigma", "title: x", "Sigma does not understand the rule"),
        ("sigma", "7", "Sigma does not understand the rule"),
        ("sigma", SIGMA.replace("condition: quote", "condition: qoute"), "Sigma does not understand the rule"),
        ("sigma", SIGMA.replace("cs-uri-query", "url"), "no field url. It has: c-ip, cs-uri-query, sc-status"),
        ("yara", "rule x { condition: $a }", "YARA does not understand the rule"),
        ("yara", 'include "/etc/passwd"\nrule x { condition: true }', "YARA does not understand the rule"),
    ],
)
def test_what_is_wrong_is_said(kind: str, text: object, told: str) -> None:
    assert told in (problem_of(kind, text, FIELDS, "en") or "")


def test_it_is_said_in_the_trainees_language() -> None:
    assert problem_of("sigma", SIGMA.replace("cs-uri-query", "url"), FIELDS, "es") == (
        "El registro no tiene el campo url. Tiene: c-ip, cs-uri-query, sc-status."
    )


def test_the_last_rule_that_can_be_read_is_the_answer(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.rule("webshell", SIGMA)
    case.rule("webshell", "title: x")
    case.rule("payload", YARA)

    assert case.answers() == {"webshell": SIGMA, "payload": YARA}
    assert "It will be run on other cases." in capsys.readouterr().out


def test_a_rule_is_not_taken_as_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = open_case(write_case(tmp_path / "sample"))

    case.answer("webshell", SIGMA)

    assert case.answers() == {}
    assert "case.rule(...)" in capsys.readouterr().out
