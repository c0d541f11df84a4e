"""What a finding is worth, for every form, and what the reason says."""

import re
from datetime import UTC, datetime
from pathlib import Path

import polib
import pytest
from tests.grading.questions import ask

from csirtlab.content.labs import Form, Kind, Tolerance
from csirtlab.grading import verdicts
from csirtlab.grading.verdicts import judge, judge_method, kendall
from csirtlab.languages import CATALOGUES, Language

EN = Language.EN
TRUE_TIME = datetime(2026, 3, 4, 10, 11, 12, 345678, UTC)
COLUMNS = {"host": Form.ADDRESS, "count": Form.COUNT}


@pytest.mark.parametrize(
    ("form", "value", "truth"),
    [
        (Form.ADDRESS, "10.1.2.3", "10.1.2.3"),
        (Form.DOMAIN, "Update.Example.ORG.", "update.example.org"),
        (Form.PORT, 443, 443),
        (Form.HASH, "AABBCCDD", "aabbccdd"),
        (Form.TEXT, "Word  two", "word two"),
        (Form.TIME, "2026-03-04T10:11:12.345678Z", TRUE_TIME),
        (Form.TIME, "2026-03-04T10:11:12.345679Z", TRUE_TIME),
        (Form.COUNT, 7, 7),
        (Form.SET, ["b", "a"], frozenset({"a", "b"})),
        (Form.LIST, ["b", "a"], ("b", "a")),
    ],
)
def test_an_answer_equal_to_the_truth_is_worth_everything(form: Form, value: object, truth: object) -> None:
    assert judge(ask(form), value, truth, EN).worth == 1


@pytest.mark.parametrize(
    ("form", "value", "truth", "reason"),
    [
        (Form.ADDRESS, "10.1.2.4", "10.1.2.3", "10.1.2.4 is not right."),
        (Form.COUNT, 8, 7, "8 is too high."),
        (Form.DURATION, 59.0, 60.0, "59.0 is too low."),
        (Form.TIME, "2026-03-04T10:11:13.000000Z", TRUE_TIME, "2026-03-04T10:11:13.000000Z is too late."),
    ],
)
def test_a_wrong_answer_is_worth_nothing_and_the_reason_says_in_which_direction(
    form: Form, value: object, truth: object, reason: str
) -> None:
    verdict = judge(ask(form), value, truth, EN)

    assert (verdict.worth, verdict.reason) == (0, reason)


@pytest.mark.parametrize(
    ("form", "tolerance", "truth", "inside", "outside"),
    [
        (Form.COUNT, Tolerance(absolute=2), 100, 98, 97),
        (Form.BYTES, Tolerance(relative=0.02), 1000, 1020, 1021),
        (Form.DURATION, Tolerance(absolute=1, relative=0.05), 60.0, 63.0, 63.1),
        (
            Form.TIME,
            Tolerance(absolute=2),
            TRUE_TIME,
            "2026-03-04T10:11:14.345678Z",
            "2026-03-04T10:11:14.345700Z",
        ),
    ],
)
def test_the_tolerance_is_the_border_between_right_and_wrong(
    form: Form, tolerance: Tolerance, truth: object, inside: object, outside: object
) -> None:
    question = ask(form, tolerance=tolerance)

    assert judge(question, inside, truth, EN).worth == 1
    assert judge(question, outside, truth, EN).worth == 0


def test_a_relative_tolerance_does_not_widen_a_time() -> None:
    question = ask(Form.TIME, tolerance=Tolerance(relative=0.5))

    assert judge(question, "2026-03-04T10:11:13.345678Z", TRUE_TIME, EN).worth == 0


def test_a_set_is_worth_its_f1_score() -> None:
    question = ask(Form.SET, items=Form.ADDRESS)
    truth = frozenset({"10.0.0.1", "10.0.0.2", "10.0.0.3"})

    verdict = judge(question, ["10.0.0.1", "10.0.0.2", "10.9.9.9"], truth, EN)

    assert verdict.worth == pytest.approx(2 / 3)
    assert verdict.reason == "2 of the 3 reported are right; 1 are missing."


def test_reporting_everything_is_worth_little() -> None:
    question = ask(Form.SET, items=Form.PORT)

    verdict = judge(question, list(range(1000)), frozenset({22, 443}), EN)

    assert verdict.worth < 0.01


def test_members_that_are_numbers_keep_the_tolerance() -> None:
    question = ask(Form.SET, items=Form.DURATION, tolerance=Tolerance(absolute=1))

    assert judge(question, [10.5, 20.9], frozenset({10.0, 20.0}), EN).worth == 1


def test_a_row_of_a_table_counts_when_all_its_cells_are_right() -> None:
    question = ask(Form.TABLE, columns=COLUMNS)
    truth = ({"host": "10.0.0.1", "count": 5}, {"host": "10.0.0.2", "count": 6})

    verdict = judge(question, [{"host": "10.0.0.2", "count": 6}, {"host": "10.0.0.1", "count": 4}], truth, EN)

    assert verdict.worth == 0.5


def test_a_row_that_is_repeated_counts_once() -> None:
    question = ask(Form.TABLE, columns=COLUMNS)
    row = {"host": "10.0.0.1", "count": 5}

    assert judge(question, [row, row, row], (row,), EN).worth == 0.5


@pytest.mark.parametrize(
    ("value", "worth"),
    [
        (["a", "b", "c", "d"], 1),
        (["b", "a", "c", "d"], 2 / 3),
        (["d", "c", "b", "a"], 0),
        (["a", "b"], 1 / 6),
        (["a", "b", "c", "d", "z"], 4 / 5),
        ([], 0),
    ],
)
def test_a_list_is_worth_kendalls_tau_times_the_share_that_belongs(value: list[str], worth: float) -> None:
    assert judge(ask(Form.LIST), value, ("a", "b", "c", "d"), EN).worth == pytest.approx(worth)


def test_the_order_of_a_single_member_is_right() -> None:
    assert kendall([0], 1) == 1


def test_no_answer_is_worth_nothing_and_says_so() -> None:
    assert judge(ask(Form.ADDRESS), None, "10.0.0.1", EN).reason == "No answer was reported."


@pytest.mark.parametrize(
    "hostile",
    [
        10**5000, float("nan"), float("inf"), True, {"a": 1}, [[[[]]]], "x" * 100_000, "\ud800", "1e999999999",
        {"__class__": "str"}, [None], -1,
    ],
    ids=lambda hostile: type(hostile).__name__,
)  # fmt: skip
@pytest.mark.parametrize("form", list(Form))
def test_no_value_at_all_can_upset_the_judge(form: Form, hostile: object) -> None:
    truths = {
        Form.PORT: 1, Form.COUNT: 1, Form.BYTES: 1, Form.DURATION: 1.0, Form.TIME: TRUE_TIME, Form.ADDRESS: "10.0.0.1",
        Form.HASH: "aabbccdd", Form.DOMAIN: "a.b", Form.CHOICE: "yes", Form.TEXT: "t", Form.SET: {"t"},
        Form.LIST: ("t",),
        Form.TABLE: ({"host": "10.0.0.1", "count": 5},),
    }  # fmt: skip
    question = ask(form, columns=COLUMNS, choices={"yes": "Yes", "no": "No"} if form is Form.CHOICE else None)

    assert judge(question, hostile, truths[form], EN).worth == 0


def test_the_reason_never_holds_the_truth() -> None:
    verdict = judge(ask(Form.ADDRESS), "10.0.0.9", "10.77.66.55", EN)

    assert "10.77.66.55" not in verdict.reason


def test_a_method_is_worth_the_share_of_hidden_cases_on_which_it_is_right() -> None:
    question = ask(Form.ADDRESS, kind=Kind.METHOD)

    verdict = judge_method(question, ["10.0.0.1", "10.0.0.9", None], ["10.0.0.1", "10.0.0.2", "10.0.0.3"], EN)

    assert verdict.worth == pytest.approx(1 / 3)
    assert verdict.reason == (
        "The method was right on 1 of 3 hidden cases. "
        "On 1 it stopped with an error or returned nothing that can be read."
    )


def test_a_method_that_never_came_to_an_answer_is_worth_nothing() -> None:
    assert judge_method(ask(Form.ADDRESS, kind=Kind.METHOD), [], ["10.0.0.1"], EN).worth == 0


def test_answers_beyond_the_hidden_cases_are_not_read() -> None:
    question = ask(Form.ADDRESS, kind=Kind.METHOD)

    assert judge_method(question, ["10.0.0.9", "10.0.0.1"], ["10.0.0.1"], EN).worth == 0


@pytest.mark.parametrize("language", [Language.ES, Language.PT, Language.FR])
def test_every_sentence_of_the_grading_is_translated_with_the_same_blanks(language: Language) -> None:
    folder = Path(verdicts.__file__).parent
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    catalogue = {entry.msgid: entry.msgstr for entry in polib.pofile(str(CATALOGUES / f"grading.{language}.po"))}

    assert catalogue
    for sentence, translated in catalogue.items():
        assert f'"{sentence}"' in sources or f"'{sentence}'" in sources
        assert set(re.findall(r"{\w+}", translated)) == set(re.findall(r"{\w+}", sentence))
    for sentence in re.findall(r'tell\(\s*"((?:[^"\\]|\\.)*)"', sources):
        assert catalogue.get(sentence), sentence


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        (Language.ES, "8 es demasiado alto."),
        (Language.PT, "8 é alto demais."),
        (Language.FR, "8\u00a0: c’est trop élevé."),
    ],
)
def test_the_reason_is_in_the_language_of_the_trainee(language: Language, reason: str) -> None:
    assert judge(ask(Form.COUNT), 8, 7, language).reason == reason
