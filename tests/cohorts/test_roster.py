"""A roster is typed by hand: what is taken, and what is refused with the line and the way out."""

import pytest

from csirtlab.cohorts.roster import MOST_PEOPLE, Entry, Role, parse_roster
from csirtlab.errors import RosterError
from csirtlab.languages import Language


def parse(text: str | bytes) -> tuple[Entry, ...]:
    content = text if isinstance(text, bytes) else text.encode()
    return parse_roster(content, source="roster.csv", default_language=Language.ES)


def refusal(text: str | bytes) -> str:
    with pytest.raises(RosterError) as caught:
        parse(text)
    return str(caught.value)


def test_a_row_gives_username_name_language_and_role() -> None:
    people = parse("username,name,language,role\nana.souza,Ana Souza,pt,instructor\n")

    assert people == (Entry("ana.souza", "Ana Souza", Language.PT, Role.INSTRUCTOR),)


def test_language_and_role_have_defaults() -> None:
    (person,) = parse("username,name\nana,Ana\n")

    assert (person.language, person.role) == (Language.ES, Role.TRAINEE)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_of_every_spreadsheet_are_taken(separator: str) -> None:
    (person,) = parse(f"username{separator}name\nana{separator}Ana\n")

    assert person.name == "Ana"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_files_are_taken_with_and_without_a_mark(encoding: str) -> None:
    (person,) = parse("username,name\njosé,José\n".replace("josé,", "jose,").encode(encoding))

    assert person.name == "José"


def test_another_encoding_is_refused_with_its_line_and_a_command_that_converts() -> None:
    message = refusal("username,name\nana,Ana\njose,José\n".encode("cp1252"))

    assert message.startswith("roster.csv:3:")
    assert "iconv -f WINDOWS-1252 -t UTF-8" in message


def test_a_duplicate_is_refused_and_both_lines_are_named() -> None:
    message = refusal("username,name\nana,Ana\nben,Ben\nANA,Anna\n")

    assert message.startswith('roster.csv:4: "ana" is on line 2 already')


def test_an_empty_name_is_refused() -> None:
    assert "roster.csv:2: the name is empty" in refusal("username,name\nana,  \n")


@pytest.mark.parametrize("username", ["", "9ana", "a", "ana souza", "../ana", "x" * 33, "ána", "a/b"])
def test_a_username_that_could_not_be_a_folder_or_an_address_is_refused(username: str) -> None:
    assert "cannot be used" in refusal(f"username,name\n{username},Somebody\n")


def test_the_platforms_own_names_are_refused() -> None:
    assert "belong to the platform" in refusal("username,name\ngrade-demo,Mallory\n")


def test_a_missing_column_is_refused_with_the_line_to_write() -> None:
    assert "The first line must be: username,name,language,role" in refusal("user,nombre\nana,Ana\n")


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    assert 'language "de" is unknown. One of: en, es, pt, fr' in refusal("username,name,language\nana,Ana,de\n")


def test_an_empty_roster_is_refused_with_an_example() -> None:
    assert "Add a line for each person" in refusal("username,name\n\n\n")


def test_ten_thousand_rows_are_refused_with_the_way_out() -> None:
    rows = "".join(f"user{number},Name {number}\n" for number in range(10_000))

    message = refusal("username,name\n" + rows)

    assert message.startswith(f"roster.csv:{MOST_PEOPLE + 2}: more than {MOST_PEOPLE} people")
    assert "split the roster" in message


def test_all_faults_of_a_file_come_at_once() -> None:
    message = refusal("username,name\n1,One\n2,\nana,\n")

    assert [line.split(":")[1] for line in message.splitlines()] == ["2", "3", "3", "4"]


def test_control_characters_in_a_name_are_refused() -> None:
    assert "< or >" in refusal("username,name\nana,Ana <b>\n")
    assert "control characters" in refusal("username,name\nana,An\x1ba\n")


def test_more_cells_than_columns_are_refused() -> None:
    assert "double quotes" in refusal("username,name\nana,Souza, Ana\n")


def test_bytes_that_are_no_table_are_refused() -> None:
    assert "roster.csv:1" in refusal(b"PK\x03\x04\x00\x00\x00\x00")
