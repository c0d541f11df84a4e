"""Rules on hidden material of real scenarios: what they find, what that is worth, and what a hostile one gets."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.grading.questions import ask

from csirtlab.content.labs import RULE_MATERIALS, Form, Kind, Lab, Question, RuleLanguage, read_lab
from csirtlab.content.scenarios import Scenario, read_scenario
from csirtlab.errors import ContentError
from csirtlab.evidence.applications.labelled import log_fields, log_rows
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.plan import make_plan
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.grading import rule_box, rules, walls
from csirtlab.grading.rules import Material, judge_rule, make_material, read_hits, run_rule, worth_of
from csirtlab.languages import Language
from csirtlab.settings import content_root

SIGMA, YARA = RuleLanguage.SIGMA, RuleLanguage.YARA
INJECTION = """
title: Injection and web shell
logsource: {category: webserver}
detection:
  injection: {cs-uri-query|contains: ["%27", "union", "%20and%20", "+and+", "+or+", "--"]}
  search: {cs-uri-stem: /buscar.php}
  shell: {cs-uri-stem|startswith: /uploads/, cs-uri-stem|endswith: .php}
  condition: (injection and not search) or shell
"""
LONG_NAMES = """
title: Names that carry data
logsource: {category: dns}
detection:
  data: {query|re: "^(d[0-9a-f]{11}|k[0-9a-f]{10})\\\\."}
  condition: data
"""
SQL_IN_A_FIELD = """
title: x
logsource: {category: a}
detection:
  a: {'x` FROM logs; ATTACH "/tmp/y" AS z --': 1}
  condition: a
"""
SMALL = [Material({"columns": ["raw", "field"], "rows": [["a" * 40 + "!", "one"], ["b", "two"]]}, (True, False))]
FILES = [Material({"files": ["Y21kPWlk", "aGVsbG8="]}, (True, False))]  # cmd=id, hello


def rule_question(language: RuleLanguage, material: str, positive: tuple[str, ...], enough: float = 1.0) -> Question:
    asked = replace(ask(Form.TEXT, kind=Kind.RULE), form=None, fact=None)
    return replace(asked, language=language, material=material, positive=positive, enough=enough)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return read_lab(content_root(), "c2-beacon")  # only its folder is named


@pytest.fixture(scope="module")
def website() -> Scenario:
    return read_scenario(content_root(), "sqli-webshell")


@pytest.fixture(scope="module")
def tunnel() -> Scenario:
    return read_scenario(content_root(), "dns-tunnel")


@pytest.mark.parametrize(("scenario", "name"), [("sqli-webshell", "access.log"), ("dns-tunnel", "queries.log"),
                                                ("scan-and-spray", "auth.log")])  # fmt: skip
def test_labelled_rows_are_the_lines_of_the_log_and_all_have_fields(scenario: str, name: str, tmp_path: Path) -> None:
    read, seed = read_scenario(content_root(), scenario), seed_of_text("rules")
    make_evidence(read, seed, tmp_path)

    rows = [row for _, row in log_rows(make_plan(read, seed), name)]

    assert sorted(str(row["raw"]) for row in rows) == sorted((tmp_path / name).read_text().splitlines())
    assert all(len(row) > 2 for row in rows)
    assert {field for row in rows for field in row} <= {"raw", *log_fields(name)}


def test_every_log_that_a_lab_may_name_is_read_by_fields() -> None:
    assert all(log_fields(name) for name in RULE_MATERIALS[SIGMA])


@pytest.mark.slow
def test_a_good_sigma_rule_on_a_web_log_is_worth_much_and_copied_addresses_nothing(lab: Lab, website: Scenario) -> None:
    question = rule_question(SIGMA, "access.log", ("intrusion",))
    seeds = [seed_of_text(f"hidden/{number}") for number in range(2)]
    materials = [make_material(lab, question, website, seed) for seed in seeds]
    address = next(row["c-ip"] for label, row in log_rows(make_plan(website, seed_of_text("own")), "access.log")
                   if label == "intrusion")  # fmt: skip
    copied = f"title: x\nlogsource: {{category: webserver}}\ndetection:\n  a: {{c-ip: {address}}}\n  condition: a\n"
    everything = INJECTION.replace(
        "condition: (injection and not search) or shell", "condition: injection or not injection"
    )

    good = judge_rule(question, INJECTION, materials, Language.EN)

    assert good.worth > 0.8, good
    assert good.reason.startswith("The rule found ")
    assert judge_rule(question, copied, materials, Language.EN).worth == 0
    assert judge_rule(question, everything, materials, Language.EN).worth == 0


@pytest.mark.slow
def test_a_sigma_rule_finds_the_tunnel_among_long_names(lab: Lab, tunnel: Scenario) -> None:
    question = rule_question(SIGMA, "queries.log", ("tunnel",))
    materials = [make_material(lab, question, tunnel, seed_of_text("hidden"))]

    assert judge_rule(question, LONG_NAMES, materials, Language.EN).worth > 0.95
    # Names of an antivirus and of a mail scanner begin like that, too, and carry no data.
    hasty = LONG_NAMES.replace("(d[0-9a-f]{11}|k[0-9a-f]{10})", "[dk][0-9a-f]{10,}")
    assert judge_rule(question, hasty, materials, Language.EN).worth == 0


@pytest.mark.slow
def test_a_yara_rule_finds_the_web_shell_in_what_clients_sent(lab: Lab, website: Scenario) -> None:
    question = rule_question(YARA, "streams", ("intrusion",), enough=0.1)
    materials = [make_material(lab, question, website, seed_of_text("hidden"))]
    text = r"rule shell { strings: $order = /GET \/uploads\/[a-z0-9-]+\.php\?[a-z]+=/ condition: $order }"

    found = judge_rule(question, text, materials, Language.EN)

    assert found.worth > 0.9, found


def test_the_worth_is_the_share_found_less_what_false_alarms_take() -> None:
    question = rule_question(SIGMA, "access.log", ("intrusion",), enough=0.8)

    assert worth_of(question, 0.4, 0) == 0.5
    assert worth_of(question, 0.9, 0) == 1
    assert worth_of(question, 0.9, rules.FALSE_ALARMS / 4) == 0.75
    assert worth_of(question, 1, rules.FALSE_ALARMS) == 0


def test_keywords_numbers_and_case_mean_what_sigma_says() -> None:
    pieces = {"columns": ["raw", "sc-status"], "rows": [["GET Union", 500], ["GET /", 200], ["POST", 500]]}
    material = [Material(pieces, (True, False, False))]
    head = "title: x\nlogsource: {category: webserver}\ndetection:\n"

    assert run_rule(SIGMA, f"{head}  k: [union]\n  condition: k\n", material) == [frozenset({0})]
    assert run_rule(SIGMA, f"{head}  s: {{sc-status: 500}}\n  condition: s\n", material) == [frozenset({0, 2})]
    both = f"{head}  s: {{sc-status|gte: 500}}\n  k: [POST]\n  condition: s and not k\n"
    assert run_rule(SIGMA, both, material) == [frozenset({0})]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (SIGMA, "title: x\nlogsource: {category: a}\ndetection:\n  a: {raw|re: '^(a+)+$'}\n  condition: a\n"),
        (SIGMA, "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
        )),
    ],
    ids=["regex bomb", "YAML bomb"],
)  # fmt: skip
@pytest.mark.slow
def test_a_bomb_ends_with_its_process(language: RuleLanguage, text: str) -> None:
    began = time.monotonic()

    hits = run_rule(language, text, SMALL)

    assert hits in (rules.TOO_MUCH, rules.UNREADABLE)
    assert time.monotonic() - began < rule_box.PATIENCE_S + 30


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (YARA, 'include "/etc/passwd" rule x { condition: true }'),
        (YARA, "rule x { condition:"),
        (SIGMA, "title: x"),
        (SIGMA, SQL_IN_A_FIELD),
        (SIGMA, ""),
    ],
    ids=["include", "half a rule", "no detection", "SQL in a field", "empty"],
)  # fmt: skip
def test_what_cannot_be_run_is_worth_nothing_and_harms_nothing(language: RuleLanguage, text: str) -> None:
    question = rule_question(language, RULE_MATERIALS[language][0], ("x",))

    verdict = judge_rule(question, text, SMALL if language is SIGMA else FILES, Language.EN)

    assert verdict.worth == 0
    assert not Path("/tmp/y").exists()


def test_a_yara_rule_is_run_on_files() -> None:
    assert run_rule(YARA, 'rule x { strings: $a = "cmd=" condition: $a }', FILES) == [frozenset({0})]


def test_a_rule_that_shall_find_an_unknown_action_names_those_there_are(lab: Lab, website: Scenario) -> None:
    question = rule_question(SIGMA, "access.log", ("intrusoin",))

    with pytest.raises(ContentError, match=r"It has: .*intrusion"):
        make_material(lab, question, website, seed_of_text("hidden"))


@pytest.mark.parametrize("value", [None, 7, ["x"], "x" * 30_000])
def test_a_forged_report_is_no_rule(value: object) -> None:
    assert judge_rule(rule_question(SIGMA, "access.log", ("x",)), value, SMALL, Language.EN).worth == 0


@pytest.mark.parametrize(
    "answer",
    [b"", b"x", b"[]", b"{}", b'{"hits": 1}', b'{"hits": [[0]]}', b'{"hits": [[0], [9]]}', b'{"hits": [[0], [-1]]}',
     b'{"hits": [[0], [true]]}', b'{"hits": [[0], ["0"]]}', b"[" * 100_000],
)  # fmt: skip
def test_what_no_rule_could_have_found_is_not_believed(answer: bytes) -> None:
    assert read_hits(answer, [2, 2]) is None


def test_a_rule_runs_without_a_box_where_it_is_the_owners_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walls, "rule_arguments", lambda *_: pytest.fail("a box was built"))

    hits = run_rule(YARA, "rule x { condition: filesize > 5 }", FILES, is_own=True)

    assert hits == [frozenset({0})]
