"""Hints: recorded before they are shown, at the price that was told, for the person whose token it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from csirtlab.cli.exchange import commands
from csirtlab.exchange.entries import Draft, Kind, chain, decode, encode
from csirtlab.exchange.log import read_log, utc_now
from csirtlab.exchange.refusals import Refusal
from csirtlab.exchange.store import ExchangeStore, verify_store

Server = Any  # conftest's class
HINTS = "/cohorts/lima/labs/c2-beacon/hints"


def ask(server: Server, number: int = 1, *, person: str = "ana", agreed: bool = False) -> dict[str, Any]:
    answer = server.ask("POST", f"{HINTS}/host", person, json={"number": number, "agreed": agreed})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_hints_are_shown_one_by_one(released: Server) -> None:
    assert ask(released)["hints"] == ["Look."]
    assert ask(released, 2)["hints"] == ["Look.", "Sort."]
    assert ask(released, 9)["hints"] == ["Look.", "Sort.", "As code."]


def test_asking_again_opens_nothing(released: Server) -> None:
    for _ in range(3):
        told = ask(released)

    assert told["hints"] == ["Look."]
    assert len(released.store.index.hints("lima", "c2-beacon", "ana")) == 1


def test_a_hint_is_in_the_log_when_it_is_shown(released: Server, tmp_path: Path) -> None:
    ask(released)

    last = read_log(tmp_path / "exchange" / "log.jsonl").entries[-1]
    assert (last.kind, last.trainee, last.question, last.number, last.cost) == (Kind.HINT, "ana", "host", 1, 0)
    assert verify_store(tmp_path / "exchange").faults == ()


def test_one_persons_hints_are_not_anothers(released: Server) -> None:
    ask(released)
    ask(released, 2)

    assert ask(released, person="bob")["hints"] == ["Look."]


def test_a_hint_that_costs_is_not_opened_without_consent(released: Server) -> None:
    released.as_("eva").set_hint_cost("lima", 10)

    told = ask(released)

    assert (told["hints"], told["cost"], told["paid"]) == ([], 0.1, 0)
    assert released.store.index.hints("lima", "c2-beacon") == ()


def test_a_hint_keeps_the_price_at_which_it_was_opened(released: Server) -> None:
    released.as_("eva").set_hint_cost("lima", 10)
    ask(released, agreed=True)
    released.as_("eva").set_hint_cost("lima", 20)
    told = ask(released, 2, agreed=True)

    assert [entry.cost for entry in released.store.index.hints("lima", "c2-beacon", "ana")] == [10, 20]
    assert told["paid"] == 0.3


def test_a_price_that_leaves_nothing_is_refused(released: Server) -> None:
    with pytest.raises(Refusal, match="from 0 to 33 %"):
        released.as_("eva").set_hint_cost("lima", 50)


def test_a_submission_knows_the_hints_that_were_seen_before_it(released: Server, work: Callable[[str], bytes]) -> None:
    ask(released)
    released.as_("ana").send("lima", "c2-beacon", work("1"))
    ask(released, 2)

    (submission,) = released.as_("eva").submissions("lima", "c2-beacon")

    assert submission.hints == {"host": [0]}


def test_an_instructor_sees_everybodys_hints_a_trainee_their_own(released: Server) -> None:
    ask(released)
    ask(released, person="bob")

    everybody = released.ask("GET", HINTS, "eva").json()["hints"]
    own = released.ask("GET", HINTS, "bob").json()["hints"]

    assert [hint["trainee"] for hint in everybody] == ["ana", "bob"]
    assert [(hint["trainee"], hint["question"], hint["number"]) for hint in own] == [("bob", "host", 1)]


def test_an_instructor_sets_the_price_in_a_terminal(released: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSIRTLAB_EXCHANGE_URL", released.url)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "eva-token")

    told = CliRunner().invoke(commands, ["hint-cost", "10", "--cohort", "lima"])

    assert told.stdout == "lima: each hint costs 10 % of its question's points.\n"
    assert released.store.index.hint_cost("lima") == 10


def test_a_question_that_the_lab_does_not_ask_is_told(released: Server) -> None:
    answer = released.ask("POST", f"{HINTS}/nothing", "ana", json={"number": 1})

    assert answer.status_code == 404
    assert "Its notebook names those it has" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"number": "1"}', b'{"number": true}', b"x" * 5000])
def test_what_is_no_request_for_a_hint_is_refused(released: Server, body: bytes) -> None:
    assert released.ask("POST", f"{HINTS}/host", "ana", content=body).status_code in (400, 413)


def test_a_hint_cannot_be_had_before_the_release(server: Server) -> None:
    assert server.ask("POST", f"{HINTS}/host", "ana", json={"number": 1}).status_code == 404


def test_what_was_seen_survives_a_restart(released: Server, tmp_path: Path) -> None:
    ask(released)
    released.store.close()

    with ExchangeStore(tmp_path / "exchange") as again:
        assert [entry.question for entry in again.index.hints("lima", "c2-beacon", "ana")] == ["host"]


def test_entries_from_before_there_were_hints_read_as_they_did() -> None:
    draft = Draft(kind=Kind.WITHDRAW, cohort="lima", lab="c2-beacon", by="eva")
    line = encode(chain(draft, position=0, time=utc_now(), previous="0" * 64))

    assert b"question" not in line
    assert decode(line).question is None
