"""Courses and labs are typed by hand: what is wrong in them is refused with its place and the way out."""

from pathlib import Path

import pytest

from csirtlab.content.courses import course_names, read_course
from csirtlab.content.labs import Form, Kind, hint_code, read_lab
from csirtlab.errors import ContentError
from csirtlab.languages import Language
from csirtlab.settings import content_root

LAB = """\
title = "A lab"
summary = "About something."
scenario = "c2-beacon"
minutes = 10
level = "beginner"

[[question]]
id = "host"
kind = "finding"
form = "address"
fact = "infected_host"
points = 5
prompt = "Which host?"
feedback = "Look at the table."
tolerance = { relative = 0.05 }
"""


@pytest.fixture
def content(tmp_path: Path) -> Path:
    (tmp_path / "labs" / "first").mkdir(parents=True)
    (tmp_path / "labs" / "first" / "lab.toml").write_text(LAB)
    (tmp_path / "courses" / "basics").mkdir(parents=True)
    write_course(tmp_path, 'title = "Basics"\nsummary = "First things."\nlabs = ["first"]\n')
    return tmp_path


def write_course(content: Path, text: str) -> None:
    (content / "courses" / "basics" / "course.toml").write_text(text)


def write_lab(content: Path, *changes: tuple[str, str]) -> None:
    text = LAB
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (content / "labs" / "first" / "lab.toml").write_text(text)


def refusal(content: Path) -> str:
    with pytest.raises(ContentError) as caught:
        read_course(content, "basics")
    return str(caught.value).replace(f"{content}/", "")


def test_a_course_has_its_labs_in_order(content: Path) -> None:
    course = read_course(content, "basics")

    assert course_names(content) == ["basics"]
    assert [lab.name for lab in course.labs] == ["first"]


def test_a_course_is_told_in_a_language_and_in_english_where_it_has_none(content: Path) -> None:
    text = 'title = "Basics"\nsummary = "First things."\nlabs = ["first"]\n'
    write_course(content, text + '[es]\ntitle = "Lo básico"\nsummary = "Primeras cosas."\n')

    course = read_course(content, "basics")

    assert course.texts(Language.ES) == ("Lo básico", "Primeras cosas.")
    assert course.texts(Language.FR) == ("Basics", "First things.")


def test_half_a_translation_of_a_course_is_refused_at_its_line(content: Path) -> None:
    text = 'title = "Basics"\nsummary = "First things."\nlabs = ["first"]\n'
    write_course(content, text + '[es]\ntitle = "Lo básico"\n')

    assert refusal(content).startswith('courses/basics/course.toml:4: "summary" must be a text')


def test_a_language_that_nobody_reads_is_refused_at_its_line(content: Path) -> None:
    text = 'title = "Basics"\nsummary = "First things."\nlabs = ["first"]\n'
    write_course(content, text + '\n[de]\ntitle = "Erstes"\nsummary = "Erste Dinge."\n')

    assert refusal(content).startswith("courses/basics/course.toml:5: unknown table [de]. Known here: es, pt, fr")


@pytest.mark.parametrize("name", course_names(content_root()))
def test_every_course_is_translated(name: str) -> None:
    assert set(read_course(content_root(), name).translations) == set(Language) - {Language.EN}


def test_a_question_is_read_with_its_kind_form_and_tolerance(content: Path) -> None:
    question = read_lab(content, "first").question("host")

    assert (question.kind, question.form, question.tolerance.relative) == (Kind.FINDING, Form.ADDRESS, 0.05)


def test_a_lab_that_does_not_exist_is_refused_with_those_that_do(content: Path) -> None:
    write_course(content, 'title = "Basics"\nsummary = "First things."\nlabs = ["frist"]\n')

    message = refusal(content)

    assert message.startswith('courses/basics/course.toml:3: there is no lab "frist".')
    assert "Labs here: first." in message


def test_a_course_that_does_not_exist_is_refused_with_those_that_do(content: Path) -> None:
    with pytest.raises(ContentError, match=r'there is no course "advanced"\. Courses here: basics'):
        read_course(content, "advanced")


def test_a_course_without_labs_is_refused_with_an_example(content: Path) -> None:
    write_course(content, 'title = "Basics"\nsummary = "First things."\nlabs = []\n')

    assert 'Name them: labs = ["c2-beacon"]' in refusal(content)


def test_a_key_that_nobody_reads_is_refused(content: Path) -> None:
    write_course(content, 'title = "Basics"\nsummery = "x"\nsummary = "First things."\nlabs = ["first"]\n')

    assert refusal(content).startswith('courses/basics/course.toml:2: unknown key "summery". Known here:')


def test_what_is_not_toml_is_refused_at_its_line(content: Path) -> None:
    write_course(content, 'title = "Basics"\nlabs = [first]\n')

    assert refusal(content).startswith("courses/basics/course.toml:2: not valid TOML")


def test_another_encoding_is_refused_at_its_line(content: Path) -> None:
    (content / "courses" / "basics" / "course.toml").write_bytes('title = "x"\nsummary = "Detección"'.encode("cp1252"))

    assert refusal(content).startswith("courses/basics/course.toml:2: not UTF-8. Save the file as UTF-8.")


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (('kind = "finding"', 'kind = "guess"'), 9, "Known: finding, method, rule, report"),
        (('form = "address"', 'form = "ip"'), 10, "Known: address, port"),
        (("points = 5", "points = 0"), 12, "Give it more than 0"),
        (("points = 5", 'points = "5"'), 12, "must be a number"),
        (('prompt = "Which host?"\n', ""), 7, '"prompt" must be a text'),
        (('id = "host"', 'id = "the host"'), 8, "small letters, digits and _"),
        (("{ relative = 0.05 }", "{ relative = -1 }"), 15, "N not negative"),
        (('form = "address"', 'form = "choice"'), 7, "Give at least two choices"),
        (("points = 5", 'points = 5\nhints = ["Look.", "Look again."]'), 13, "Write exactly 3"),
        (("points = 5", 'points = 5\nhints = ["Look.", "Sort.", "Look again."]'), 13, "must end in code that works"),
        (('level = "beginner"', 'level = "easy"'), 5, "beginner, intermediate or advanced"),
    ],
)
def test_a_mistake_in_a_lab_is_refused_at_its_line(
    content: Path, change: tuple[str, str], line: int, words: str
) -> None:
    write_lab(content, change)

    message = refusal(content)

    assert message.startswith(f"labs/first/lab.toml:{line}: ") and words in message


def test_the_last_hint_ends_in_code_that_can_be_taken_out(content: Path) -> None:
    last = 'In code.\\n\\n```python\\nfound = case.path(\\"x\\")\\n\\nfound\\n```'
    write_lab(content, ("points = 5", f'points = 5\nhints = ["Look.", "Sort.", "{last}"]'))

    hints = read_lab(content, "first").question("host").hints

    assert hint_code(hints[-1]) == 'found = case.path("x")\n\nfound'
    assert hint_code(hints[0]) is None


def test_a_report_with_hints_is_refused(content: Path) -> None:
    write_lab(content, ('kind = "finding"', 'kind = "report"\nhints = ["Look."]'))

    assert "is a report, which has no hints" in refusal(content)


def test_two_questions_with_one_id_are_refused_at_the_second(content: Path) -> None:
    (content / "labs" / "first" / "lab.toml").write_text(LAB + LAB[LAB.index("[[question]]") :])

    assert 'labs/first/lab.toml:17: question "host" is there twice' in refusal(content)


def test_a_lab_that_asks_nothing_is_refused(content: Path) -> None:
    (content / "labs" / "first" / "lab.toml").write_text(LAB[: LAB.index("[[question]]")])

    assert "Add a [[question]]" in refusal(content)
