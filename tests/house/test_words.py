"""The code speaks the field's words (docs/reference/words.md); what they replaced comes back under no name."""

import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "csirtlab"
ROOMS = ("evidence", "content/vocabulary", "proofs")
NO_MORE = {
    "wish", "wishes", "carry_out", "Doing", "doing", "DOERS", "Cast", "cast", "dice", "heavy", "bell", "Knock", "knock",
    "Seek", "seek", "Way", "way", "Paper", "paper", "papers", "Note", "exhibits", "Letter", "letters", "PostOffice",
    "postoffice", "Mailer", "mailer", "mailers", "parcel", "parcels", "Talk", "talk", "talks", "Sight", "sight",
    "sensor", "hear_witnesses", "Lazy", "lazy",
}  # fmt: skip


def names(path: Path) -> Iterator[str]:
    """Yield every name in a module, its own first."""
    yield path.stem
    with path.open("rb") as file:
        yield from (token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME)


@pytest.mark.parametrize("room", ROOMS)
def test_no_name_is_of_the_theatre_or_the_post_office(room: str) -> None:
    found = {f"{path.relative_to(SOURCE)}: {name}" for path in (SOURCE / room).rglob("*.py") for name in names(path)}

    assert sorted(name for name in found if name.rpartition(" ")[2] in NO_MORE) == []
