"""The verdict at once for one who learns alone: a small service on loopback that the kit asks.

It recomputes the ground truth from the seed and judges as the grading does. Its address holds a random
secret, so that no other page or user of the machine can ask.
"""

import hmac
import json
import secrets
import tempfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from csirtlab.content.labs import Kind, Lab, Question
from csirtlab.content.scenarios import Scenario
from csirtlab.evidence.cases import ground_truth, make_evidence
from csirtlab.evidence.seeds import case_seed, sibling_seed
from csirtlab.grading.rules import Material, judge_rule, make_material
from csirtlab.grading.verdicts import Verdict, judge, judge_method
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.labs.hints import next_seen
from csirtlab.labs.texts import lab_texts
from csirtlab.languages import Language
from csirtlab.offline.alone import COHORT, LEARNER

_LARGEST_REQUEST = 4 << 20


class Verdicts:
    """What the service knows: one lab, and the secret that its cases are derived from."""

    def __init__(self, lab: Lab, scenario: Scenario, secret: bytes, siblings: Path) -> None:
        self._lab = lab
        self._scenario = scenario
        self._secret = secret
        self._siblings = siblings
        self._lock = threading.Lock()
        self._truths: dict[bytes, Mapping[str, object]] = {}
        self._hints_seen: dict[str, int] = {}
        self._materials: dict[str, list[Material]] = {}

    def answer(self, verb: str, body: Mapping[str, Any]) -> dict[str, object]:
        """Return the answer to one request: ``judge`` a report, show a ``hint``, or make ``siblings``.

        Raises:
            KeyError: The verb or the question is unknown.
        """
        question = self._lab.question(str(body["question"]))
        language = Language(body.get("language", "en"))
        if verb == "siblings":
            return {"folders": [str(folder) for folder in self._sibling_folders(question, language)]}
        if verb == "hint":
            return self._hint(question, int(body["number"]), language)
        if verb != "judge":
            raise KeyError(verb)
        verdict = self._judged(question, body, language)
        feedback = lab_texts(self._lab, language).questions[question.id].feedback
        return {"worth": verdict.worth, "reason": verdict.reason, "feedback": feedback}

    def _hint(self, question: Question, number: int, language: Language) -> dict[str, object]:
        with self._lock:
            seen = next_seen(self._hints_seen.get(question.id, 0), number, len(question.hints))
            self._hints_seen[question.id] = seen
        texts = lab_texts(self._lab, language).questions[question.id].hints
        return {"hints": texts[:seen], "count": len(texts), "cost": 0.0, "paid": 0.0}

    def _judged(self, question: Question, body: Mapping[str, Any], language: Language) -> Verdict:
        if question.kind is Kind.RULE:
            return judge_rule(question, body["value"], self._rule_materials(question), language, is_own=True)
        assert question.fact
        if question.kind is Kind.METHOD:
            truths = [self._truth(self._sibling(question, index))[question.fact] for index in range(question.siblings)]
            return judge_method(question, [tried["value"] for tried in body["values"]], truths, language)
        truth = self._truth(case_seed(self._secret, self._lab.name, LEARNER))[question.fact]
        return judge(question, body["value"], truth, language)

    def _sibling(self, question: Question, index: int) -> bytes:
        return sibling_seed(self._secret, self._lab.name, question.id, index)

    def _rule_materials(self, question: Question) -> list[Material]:
        with self._lock:
            if question.id not in self._materials:
                self._materials[question.id] = [
                    make_material(self._lab, question, self._scenario, self._sibling(question, index))
                    for index in range(question.siblings)
                ]
            return self._materials[question.id]

    def _truth(self, seed: bytes) -> Mapping[str, object]:
        with self._lock:
            if seed not in self._truths:
                self._truths[seed] = ground_truth(self._scenario, seed)
            return self._truths[seed]

    def _sibling_folders(self, question: Question, language: Language) -> list[Path]:
        folders = [self._siblings / question.id / str(index) for index in range(question.siblings)]
        with self._lock:
            for index, folder in enumerate(folders):
                if not folder.is_dir():
                    make_evidence(self._scenario, self._sibling(question, index), folder)
                    write_case_sheet(self._lab, folder, cohort=COHORT, trainee=LEARNER, language=language)
        return folders


class VerdictService:
    """Serves ``Verdicts`` on loopback while it is open; ``address`` is for CSIRTLAB_VERDICT_URL."""

    def __init__(self, lab: Lab, scenario: Scenario, secret: bytes) -> None:
        self._aside = tempfile.TemporaryDirectory(prefix="csirtlab-siblings-")
        self._token = secrets.token_urlsafe(24)
        verdicts = Verdicts(lab, scenario, secret, Path(self._aside.name))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(verdicts, self._token))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="verdicts")

    @property
    def address(self) -> str:
        """The service's base address, with its secret."""
        return f"http://127.0.0.1:{self._server.server_port}/{self._token}"

    def __enter__(self) -> "VerdictService":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._aside.cleanup()


def _handler(verdicts: Verdicts, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given, _, verb = self.path.lstrip("/").partition("/")
            length = int(self.headers.get("Content-Length") or 0)
            if not hmac.compare_digest(given.encode(), token.encode()) or length > _LARGEST_REQUEST:
                self.send_error(403)
                return
            try:
                answer = verdicts.answer(verb, json.loads(self.rfile.read(length)))
            except (KeyError, ValueError, TypeError):
                self.send_error(400)
                return
            text = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # the base's names
            """Stay silent: the terminal belongs to the learner."""

    return Handler
