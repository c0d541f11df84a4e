"""Hints come one by one from outside, are told with their price, and never by running a notebook again."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from csirtlab.kit import Case, open_case
from csirtlab.kit.show import KitError

HINTS = ["Look at the table.", "Sort it.", "As code."]


class Giver:
    """An exchange that speaks the kit's protocol and remembers what it was asked."""

    def __init__(self) -> None:
        self.seen, self.cost, self.count, self.refusal = 0, 0.0, 3, ""
        self.asked: list[tuple[str, str | None, dict[str, Any]]] = []

    def answer(self, body: dict[str, Any]) -> dict[str, object]:
        if not self.cost or body["agreed"]:
            self.seen = max(self.seen, min(body["number"], self.seen + 1, self.count))
        return {"hints": HINTS[: self.seen], "count": self.count, "cost": self.cost, "paid": self.cost * self.seen}


@pytest.fixture
def giver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Giver]:
    state = Giver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append((self.path, self.headers["Authorization"], body))
            answer = {"error": state.refusal} if state.refusal else state.answer(body)
            text = json.dumps(answer).encode()
            self.send_response(403 if state.refusal else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("CSIRTLAB_EXCHANGE_URL", f"http://127.0.0.1:{server.server_port}/services/exchange")
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "ana-token")
        yield state
        server.shutdown()
        thread.join()


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_each_call_shows_the_next_hint_after_those_seen(
    giver: Giver, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case.hint("host")
    first = told(capsys)
    case.hint("host")
    second = told(capsys)

    assert "**Hint 1 of 3**\n\nLook at the table." in first and "Sort it." not in first
    assert "Look at the table." in second and "**Hint 2 of 3**\n\nSort it." in second


def test_the_exchange_is_asked_with_the_trainees_token(giver: Giver, case: Case) -> None:
    case.hint("host")

    assert giver.asked == [
        ("/services/exchange/cohorts/demo/labs/sample/hints/host", "Bearer ana-token",
         {"number": 1, "agreed": False, "language": "en"})
    ]  # fmt: skip


def test_running_the_notebook_again_opens_nothing_new(giver: Giver, lab_folder: Path) -> None:
    for _ in range(3):
        case = open_case(lab_folder)
        case.hint("host")
        case.hint("host")

    assert giver.seen == 2


def test_the_price_is_told_before_a_hint_is_opened(
    giver: Giver, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    giver.cost = 0.1

    case.hint("host")

    assert giver.seen == 0
    assert 'Hint 1 of 3 costs 0.5 of the 5 points of this question. To open it, run `case.hint("host", 1)`.' in told(
        capsys
    )


def test_naming_its_number_opens_a_hint_that_costs_points(
    giver: Giver, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    giver.cost = 0.1

    case.hint("host", 1)

    shown = told(capsys)
    assert "Look at the table." in shown
    assert "These hints cost 0.5 of the 5 points of this question." in shown
    assert '`case.hint("host", 2)`' in shown


def test_after_the_last_hint_none_is_promised(giver: Giver, case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(4):
        case.hint("host")

    assert told(capsys).rstrip().endswith("*This is the last hint.*")


def test_hints_are_told_in_the_trainees_language(
    giver: Giver, make_case: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    open_case(make_case("es")).hint("host")

    assert "**Pista 1 de 3**" in told(capsys)
    assert giver.asked[0][2]["language"] == "es"


def test_a_refusal_is_passed_on_with_its_way_out(giver: Giver, case: Case) -> None:
    giver.refusal = "The lab is not released. Ask the instructor."

    with pytest.raises(KitError, match=r"No hint now: The lab is not released\. Ask the instructor\."):
        case.hint("host")


def test_where_nobody_gives_hints_that_is_said(
    case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CSIRTLAB_EXCHANGE_URL", raising=False)
    monkeypatch.delenv("CSIRTLAB_VERDICT_URL", raising=False)

    case.hint("host")

    assert "Hints are not shown here" in told(capsys)


def test_a_report_and_an_unknown_question_have_no_hints(
    giver: Giver, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case.hint("note")
    case.hint("nothing")

    shown = told(capsys)
    assert "note is answered in its own cell, in your words: there are no hints." in shown
    assert "This lab has no question nothing" in shown
    assert not giver.asked
