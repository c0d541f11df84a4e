"""A lab source that does not compile is refused with file, line and the way out."""

from collections.abc import Callable

import pytest

from csirtlab.content.labs import Lab
from csirtlab.errors import ContentError
from csirtlab.labs.cells import read_source

MakeLab = Callable[..., Lab]

HOST_CELL = """```{code-cell} ipython3
:question: host

# your value in place of None
case.answer("host", None)
```
"""


def refusal(lab: Lab) -> str:
    with pytest.raises(ContentError) as caught:
        read_source(lab)
    return str(caught.value).removeprefix(f"{lab.folder}/")


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_each_cell_knows_the_line_of_its_text(lab: Lab, markdown: str) -> None:
    lines = markdown.splitlines()

    for cell in read_source(lab):
        assert lines[cell.line - 1] == cell.source.splitlines()[0]


def test_an_unknown_question(make_lab: MakeLab, markdown: str) -> None:
    broken = markdown.replace(":question: host", ":question: hosts").replace('answer("host"', 'answer("hosts"')

    assert refusal(make_lab(broken)) == (
        f'lab.md:{line_of(broken, "# your value")}: there is no question "hosts" in lab.toml. '
        "Known: host, traffic, finder, note."
    )


def test_a_question_that_is_asked_nowhere(make_lab: MakeLab, markdown: str) -> None:
    assert 'question "host" of lab.toml is asked nowhere. Add its cell with :question: host' in refusal(
        make_lab(markdown.replace(HOST_CELL, ""))
    )


def test_a_question_that_is_asked_twice(make_lab: MakeLab, markdown: str) -> None:
    first = line_of(markdown, "# your value")

    assert f"asked twice, first on line {first}. Keep one" in refusal(make_lab(f"{markdown}\n{HOST_CELL}"))


def test_an_answer_to_another_question_than_the_cells(make_lab: MakeLab, markdown: str) -> None:
    broken = markdown.replace('answer("host"', 'answer("traffic"')

    assert refusal(make_lab(broken)).startswith(f'lab.md:{line_of(broken, "case.answer")}: "traffic" is answered here')


def test_an_answer_outside_an_answer_cell(make_lab: MakeLab, markdown: str) -> None:
    assert "the cell says no :question:" in refusal(make_lab(markdown.replace(":question: host\n", "")))


def test_an_answer_cell_that_does_not_answer(make_lab: MakeLab, markdown: str) -> None:
    assert 'must call case.answer("host", ...) exactly once' in refusal(
        make_lab(markdown.replace('case.answer("host", None)', "host = None"))
    )


def test_a_method_answered_as_a_finding(make_lab: MakeLab, markdown: str) -> None:
    assert 'must call case.method("finder", ...)' in refusal(
        make_lab(markdown.replace('case.method("finder", find)', 'case.answer("finder", find)'))
    )


def test_a_value_left_in_the_source(make_lab: MakeLab, markdown: str) -> None:
    assert "Leave the gap: None" in refusal(make_lab(markdown.replace('"host", None', '"host", "10.1.2.3"')))


def test_code_that_is_not_python_is_named_by_its_line(make_lab: MakeLab, markdown: str) -> None:
    broken = markdown.replace("    return None", "    return None)")

    assert refusal(make_lab(broken)).startswith(
        f"lab.md:{line_of(broken, 'return None)')}: the code cell is not valid Py"
    )


def test_broken_front_matter(make_lab: MakeLab, markdown: str) -> None:
    assert refusal(make_lab(markdown.replace("  name: python3", " name: [python3"))).startswith("lab.md:")


def test_front_matter_that_is_no_mapping(make_lab: MakeLab) -> None:
    assert "no mapping" in refusal(make_lab("---\njust words\n---\n\n# A sample\n"))


def test_cell_options_that_are_not_yaml(make_lab: MakeLab, markdown: str) -> None:
    broken = markdown.replace(":tags: [wide]", ":tags: [wide")

    assert refusal(make_lab(broken)).startswith(f"lab.md:{line_of(broken, ':question: traffic') - 1}: not a MyST")


def test_an_unknown_cell_option(make_lab: MakeLab, markdown: str) -> None:
    assert 'unknown cell option "tag". Known: question, tags' in refusal(make_lab(markdown.replace(":tags:", ":tag:")))


def test_an_empty_report_cell(make_lab: MakeLab, markdown: str) -> None:
    broken = markdown.replace("TLP:\n", "")

    assert refusal(make_lab(broken)).startswith(
        f'lab.md:{line_of(broken, "+++ {")}: the cell of report "note" is empty'
    )


def test_a_report_cell_that_was_not_ended(make_lab: MakeLab, markdown: str) -> None:
    broken = markdown.replace("TLP:\n\n+++\n", "TLP:\n\n## Further\n")

    assert "End the cell with a line +++" in refusal(make_lab(broken))


def test_a_missing_file(lab: Lab) -> None:
    (lab.folder / "lab.md").unlink()

    assert refusal(lab).startswith("lab.md:1: there is no such file")


def test_a_file_that_is_not_utf8(lab: Lab) -> None:
    (lab.folder / "lab.md").write_bytes(b"# A\n\xe9\n")

    assert refusal(lab) == "lab.md:2: not UTF-8. Save the file as UTF-8."
