"""What the first page says of feedback: to be read, or that a submission was not graded."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import Cohort, Membership, Store, add_account
from csirtlab.exchange.archives import pack
from csirtlab.exchange.store import ExchangeStore
from csirtlab.labs.refused import MARK
from csirtlab.languages import Language
from csirtlab.settings import content_root
from csirtlab.web.app import feedback_of
from csirtlab.web.labs_page import LabRow, sections
from csirtlab.web.pages import page

LAB = "c2-beacon"
Give = Callable[[int, bool], None]


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[ExchangeStore]:
    with ExchangeStore(tmp_path / "exchange") as opened:
        with opened.receive(limit=1000, too_large="") as incoming:
            incoming.write(b"a lab")
            opened.release("quito", LAB, "eva", incoming)
        yield opened


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'people.sqlite'}")
    with store.session() as session:
        session.add(Cohort(name="quito", course="detection", title="Detection", language="es", secret="00"))
        add_account(session, "ana", "Ana Quispe", Language.ES, None)
        session.flush()
        session.add(Membership(cohort_name="quito", username="ana", role=Role.TRAINEE.value))
    yield store
    store.close()


@pytest.fixture
def hand_in(exchange: ExchangeStore) -> Callable[[str], int]:
    def submit(text: str) -> int:
        with exchange.receive(limit=1000, too_large="") as incoming:
            incoming.write(text.encode())
            return exchange.submit("quito", LAB, "ana", incoming).position

    return submit


@pytest.fixture
def give(exchange: ExchangeStore) -> Give:
    """Gives feedback on a submission, which tells its number; or the page of a refusal."""

    def feedback(number: int, is_graded: bool) -> None:
        files = [(f"{LAB}.html", f"on {number}".encode())] + ([] if is_graded else [(MARK, b"why")])
        submission = exchange.index.submission(number)
        assert submission is not None
        with exchange.receive(limit=1000, too_large="") as incoming:
            incoming.write(pack(files))
            exchange.give_feedback(submission, "eva", incoming)

    return feedback


@pytest.fixture
def shown(exchange: ExchangeStore, people: Store) -> Callable[[], tuple[LabRow, str]]:
    """Returns the lab's row on Ana's first page, and the page itself."""

    def look() -> tuple[LabRow, str]:
        account = people.account("ana")
        assert account is not None
        found = sections(people, exchange, content_root(), account)
        values = {"account": account, "sections": found, "instructor": Role.INSTRUCTOR, "prefix": "/w/"}
        text = page("labs.html", Language.ES, {**values, "is_unsafe": False})
        return next(row for row in found[0].labs if row.name == LAB), text

    return look


def test_feedback_is_offered_with_its_own_address(
    hand_in: Callable[[str], int], give: Give, shown: Callable[[], tuple[LabRow, str]]
) -> None:
    number = hand_in("work")
    give(number, True)

    row, text = shown()

    assert (row.feedback, row.refused) == (number, None)
    assert f'href="/w/feedback/quito/{LAB}/{number}">Leer la retroalimentación' in text


def test_the_link_says_that_the_submission_was_not_graded(
    hand_in: Callable[[str], int], give: Give, shown: Callable[[], tuple[LabRow, str]]
) -> None:
    number = hand_in("work")
    give(number, False)

    row, text = shown()

    assert (row.feedback, row.refused) == (None, number)
    assert f'href="/w/feedback/quito/{LAB}/{number}">La n.º {number} no se calificó: lea por qué' in text
    assert "Leer la retroalimentación" not in text


def test_feedback_on_an_earlier_submission_stays_beside_a_refusal(
    hand_in: Callable[[str], int], give: Give, shown: Callable[[], tuple[LabRow, str]]
) -> None:
    first, second = hand_in("work"), hand_in("broken")
    give(first, True)
    give(second, False)

    assert (shown()[0].feedback, shown()[0].refused) == (first, second)


def test_a_refusal_is_old_news_once_a_later_submission_was_graded(
    hand_in: Callable[[str], int], give: Give, shown: Callable[[], tuple[LabRow, str]]
) -> None:
    first, second = hand_in("broken"), hand_in("work")
    give(first, False)
    give(second, True)

    assert (shown()[0].feedback, shown()[0].refused) == (second, None)


def test_a_submission_that_was_graded_after_all_is_graded(
    hand_in: Callable[[str], int], give: Give, shown: Callable[[], tuple[LabRow, str]]
) -> None:
    number = hand_in("work")
    give(number, False)
    give(number, True)

    assert (shown()[0].feedback, shown()[0].refused) == (number, None)


def test_each_address_shows_the_feedback_on_its_own_submission_and_to_nobody_else(
    exchange: ExchangeStore, hand_in: Callable[[str], int], give: Give
) -> None:
    first, second = hand_in("work"), hand_in("broken")
    give(first, True)
    give(second, False)

    assert feedback_of(exchange, "quito", LAB, "ana", first) == f"on {first}".encode()
    assert feedback_of(exchange, "quito", LAB, "ana", second) == f"on {second}".encode()
    assert feedback_of(exchange, "quito", LAB, "ana", None) == f"on {second}".encode()
    assert feedback_of(exchange, "quito", LAB, "ben", first) is None
    assert feedback_of(exchange, "lima", LAB, "ana", first) is None
