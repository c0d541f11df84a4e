"""Which case somebody was given is in the log; another one is not handed out for the same release."""

from collections.abc import Callable
from typing import Any

import pytest

from csirtlab.exchange.entries import Kind
from csirtlab.exchange.log import read_log
from csirtlab.exchange.refusals import Refusal

Server = Any  # conftest's class; pytest hands conftest's objects over, not its names
Work = Callable[[str], bytes]


def cases_given(server: Server) -> list[tuple[str | None, str | None]]:
    path = server.store.content(server.store.index.release("lima", "c2-beacon")).parents[2] / "log.jsonl"
    return [(entry.trainee, entry.case) for entry in read_log(path).entries if entry.kind is Kind.CASE]


def test_the_case_is_noted_once_however_often_the_folder_is_fetched(released: Server) -> None:
    for name in ("ana", "bob", "ana"):
        released.as_(name).folder("lima", "c2-beacon")

    assert cases_given(released) == [("ana", "ana's case"), ("bob", "bob's case")]


def test_another_case_is_refused_with_the_way_out(released: Server) -> None:
    released.as_("ana").folder("lima", "c2-beacon")
    released.cases.digests["ana"] = "the case that a newer version makes"

    with pytest.raises(Refusal, match=r"Go on with the files that you have\..*withdrawn and released again") as refused:
        released.as_("ana").folder("lima", "c2-beacon")

    assert refused.value.status == 409
    assert cases_given(released) == [("ana", "ana's case")]


def test_after_the_lab_was_withdrawn_and_released_again_everybody_begins_anew(released: Server) -> None:
    released.as_("ana").folder("lima", "c2-beacon")
    again = released.store.content(released.store.index.release("lima", "c2-beacon")).read_bytes()
    released.cases.digests["ana"] = "another case"
    released.as_("eva").withdraw("lima", "c2-beacon")
    released.as_("eva").release("lima", "c2-beacon", again)

    released.as_("ana").folder("lima", "c2-beacon")

    assert cases_given(released) == [("ana", "ana's case"), ("ana", "another case")]


def test_a_submission_tells_the_case_that_was_given_before_it(released: Server, work: Work) -> None:
    released.as_("ana").folder("lima", "c2-beacon")
    released.as_("ana").send("lima", "c2-beacon", work("1"))
    released.as_("bob").send("lima", "c2-beacon", work("2"))

    listed = released.as_("eva").submissions("lima", "c2-beacon")

    assert [(each.trainee, each.case) for each in listed] == [("ana", "ana's case"), ("bob", None)]


def test_what_was_noted_is_known_after_a_restart(released: Server) -> None:
    from csirtlab.exchange.store import ExchangeStore

    released.as_("ana").folder("lima", "c2-beacon")
    root = released.store.content(released.store.index.release("lima", "c2-beacon")).parents[2]
    released.store.close()

    with ExchangeStore(root) as again:
        given = again.index.case("lima", "c2-beacon", "ana")
    assert given is not None and given.case == "ana's case"
