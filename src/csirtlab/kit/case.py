"""A case in a trainee's hands: its evidence, its questions, and the answers reported so far."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from csirtlab.kit import hints, readers, rules, sheet, show, verdicts
from csirtlab.kit.forms import FormError, Json, canonical

if TYPE_CHECKING:
    import pandas as pd

FINDING = "application/vnd.csirtlab.finding+json"
"""The mime type under which an output carries what was answered."""

Method = Callable[["Case"], object]


def open_case(path: str | Path | None = None) -> "Case":
    """Open the case of this folder, or the one at ``path`` (a lab's folder or its evidence).

    Raises:
        KitError: No case is there; the message says where to look.
    """
    return Case(sheet.find_sheet(None if path is None else Path(path)))


class Case:
    """One trainee's instance of an incident."""

    def __init__(self, sheet_path: Path) -> None:
        self.folder = sheet_path.resolve().parent
        self.sheet = sheet.read_sheet(sheet_path)
        self._values: dict[str, Json] = {}
        self._functions: dict[str, Method] = {}
        self._hints_asked: dict[str, int] = {}

    @property
    def title(self) -> str:
        """The lab's title in the trainee's language."""
        return self.sheet.title

    @property
    def trainee(self) -> str:
        """The user name of the trainee whose case this is."""
        return self.sheet.trainee

    @property
    def language(self) -> str:
        """The trainee's language: en, es, pt or fr."""
        return self.sheet.language

    @property
    def questions(self) -> Mapping[str, sheet.CaseQuestion]:
        """The questions by id, in the order of the lab."""
        return {question.id: question for question in self.sheet.questions}

    def __repr__(self) -> str:
        return f"<Case {self.sheet.lab}: {self.title} ({self.trainee})>"

    # Evidence

    def path(self, name: str) -> Path:
        """Return the path of a piece of evidence.

        Raises:
            KitError: The case has no such file; the message names those it has.
        """
        if name not in self.sheet.evidence or not (self.folder / name).is_file():
            raise show.KitError(
                show.tell(
                    self.language,
                    "This case has no evidence called {name}. It has: {names}.",
                    name=name,
                    names=", ".join(self.sheet.evidence),
                )
            )
        return self.folder / name

    def packets(self, name: str | None = None) -> Iterator[readers.Packet]:
        """Yield the capture's packets as scapy sees them, one by one; the file is never loaded whole.

        ``name`` is needed only where a case has several captures.
        """
        return readers.scapy_packets(self._capture(name))

    def capture(self, display_filter: str | None = None, name: str | None = None) -> readers.PysharkCapture:
        """Return the packets that match a Wireshark display filter, as pyshark dissects them."""
        return readers.PysharkCapture(self._capture(name), display_filter, self.language)

    def table(
        self,
        fields: Sequence[str],
        display_filter: str | None = None,
        name: str | None = None,
        *,
        every: bool = False,
    ) -> "pd.DataFrame":
        """Return Wireshark fields of every matching frame as a DataFrame, one column a field.

        It is the quickest way through a capture (``tshark -T fields``), and what was read is remembered: the
        same table again, or one with fields and filter of the usual kind, takes no time. Numbers are numbers;
        ``frame.time_epoch`` is float seconds since 1970, UTC, so that differences are seconds
        (``pandas.to_datetime(column, unit="s", utc=True)`` makes times of it); other absolute times are
        aware UTC times, relative ones float seconds; all else is text, and an absent field a missing
        value. A field that occurs several times in a frame gives its first value; with ``every=True``
        each cell is a tuple of texts with all of them.
        """
        import pandas as pd

        from csirtlab.kit import fields as columns

        wanted = [fields] if isinstance(fields, str) else list(fields)
        texts = readers.tshark_columns(self._capture(name), wanted, display_filter, self.language, every=every)
        if every:
            return pd.DataFrame(
                {
                    field: pd.Series([tuple(filter(None, text.split("\x1f"))) for text in values], dtype="object")
                    for field, values in zip(wanted, texts, strict=True)
                }
            )
        types = columns.field_types(wanted)
        return pd.DataFrame(
            {field: columns.column(values, types[field]) for field, values in zip(wanted, texts, strict=True)}
        )

    def _capture(self, name: str | None) -> Path:
        if name is not None:
            return self.path(name)
        for evidence in self.sheet.evidence:
            if evidence.endswith((".pcap", ".pcapng")):
                return self.path(evidence)
        return self.path("capture.pcap")

    # Answers

    def answer(self, question: str, value: object) -> None:
        """Report a finding. Its form is checked at once; what it is worth is not known here.

        The last report for a question counts.
        """
        if (asked := self._asked(question, "finding")) is None:
            return
        try:
            finding = self._canonical(asked, value)
        except FormError as error:
            show.say("wrong", f"{question}: {error}")
            return
        self._values[question] = finding
        sentence = self._tell("Recorded: {question} = {value}", question=question, value=_shown(finding))
        show.say("done", sentence, {FINDING: {"question": question, "value": finding}})

    def method(self, question: str, function: Method) -> None:
        """Report a method: a function that takes a case and returns the finding.

        It will be run on other cases of the same kind, so it must not hold what was read off this one.
        """
        if self._asked(question, "method") is None:
            return
        name = getattr(function, "__name__", "")
        if not callable(function) or not name.isidentifier():
            sentence = self._tell(
                "{question}: pass the function itself, defined with def and without calling it: "
                'case.method("{question}", my_function).',
                question=question,
            )
            show.say("wrong", sentence)
            return
        if not _takes_one_argument(function):
            show.say("wrong", self._tell("{question}: the function {name} must take exactly one argument, the case.",
                                         question=question, name=name))  # fmt: skip
            return
        self._functions[question] = function
        sentence = self._tell("Recorded: {question} is found by the function {name}", question=question, name=name)
        show.say("done", sentence, {FINDING: {"question": question, "function": name}})

    def rule(self, question: str, text: str | None) -> None:
        """Report a Sigma or YARA rule. Whether it can be read is checked at once.

        What it is worth is found on other cases of the same kind, so it must not hold what was read off
        this one. The last report counts.
        """
        if (asked := self._asked(question, "rule")) is None:
            return
        if problem := rules.problem_of(asked.rule_language, text, asked.fields, self.language):
            show.say("wrong", f"{question}: {problem}")
            return
        self._values[question] = text
        sentence = self._tell("Recorded: your rule for {question}. It will be run on other cases.", question=question)
        show.say("done", sentence, {FINDING: {"question": question, "value": text}})

    def answers(self) -> dict[str, Json]:
        """Return what was reported so far: canonical values, and the names of the functions."""
        reported: dict[str, Json] = dict(self._values)
        reported.update({question: function.__name__ for question, function in self._functions.items()})
        return {question: reported[question] for question in self.questions if question in reported}

    def verdict(self, question: str) -> "verdicts.Notice":
        """Return what can be said about an answer here, to be shown by the notebook.

        In a workshop: whether it is recorded and well formed; points come with the feedback.
        Alone (``csirtlab learn``): its worth and the reason, at once.
        """
        if question not in self.questions:
            return verdicts.Notice("wrong", self._unknown(question))
        if question not in self._values and question not in self._functions:
            return verdicts.Notice("told", self._tell("No answer to {question} is recorded yet.", question=question))
        if service := verdicts.service():
            return self._judged(service, question)
        if question in self._functions:
            return self._tried(question)
        return verdicts.Notice(
            "done",
            self._tell("The answer to {question} is recorded and well formed. Its points come with the feedback.",
                       question=question),
        )  # fmt: skip

    def hint(self, question: str, number: int | None = None) -> None:
        """Show the next hint to a question, after those already seen, which are free to see again.

        Each hint seen is recorded. Where hints cost points, the price of the next one is told first; naming
        its ``number`` opens it. Running a whole notebook again shows the same hints and opens none.
        """
        asked = self.questions.get(question)
        if asked is None:
            show.say("wrong", self._unknown(question))
            return
        if asked.kind == "report":
            show.say("told", self._tell("{question} is answered in its own cell, in your words: there are no hints.",
                                        question=question))  # fmt: skip
            return
        # The n-th call asks for hint n: cells that run again, in a new kernel too, open nothing new.
        turn = self._hints_asked.get(question, 0) + 1
        ladder = hints.ask(self.sheet, question, number or turn, agreed=number is not None)
        if ladder is None:
            show.say("told", self._tell("Hints are not shown here. They are there in a workshop, on the hub, and with "
                                        "csirtlab learn."))  # fmt: skip
            return
        self._hints_asked[question] = turn
        if ladder.count == 0:
            show.say("told", self._tell("There are no hints to {question}.", question=question))
            return
        show.markdown(hints.as_markdown(asked, ladder, self.language))

    def try_method(self, question: str, function: Method) -> tuple[Json, str | None]:
        """Run a method on this case; return its canonical value, or None and what went wrong."""
        try:
            return self._canonical(self.questions[question], function(self)), None
        except FormError as error:
            return None, str(error)
        except Exception as error:  # whatever a trainee's function raises is told, not raised
            return None, f"{type(error).__name__}: {error}"

    def _tried(self, question: str) -> "verdicts.Notice":
        value, problem = self.try_method(question, self._functions[question])
        if problem:
            return verdicts.Notice("wrong", self._tell(
                "On this case, {name} gives no usable result: {problem}",
                name=self._functions[question].__name__, problem=problem))  # fmt: skip
        return verdicts.Notice("done", self._tell(
            "On this case, {name} returns {value}. It is recorded; it will be run on other cases, and its points "
            "come with the feedback.", name=self._functions[question].__name__, value=_shown(value)))  # fmt: skip

    def _judged(self, service: str, question: str) -> "verdicts.Notice":
        if question not in self._functions:
            return verdicts.judge(service, self.language, {"question": question, "value": self._values[question]})
        tried = []
        for folder in verdicts.siblings(service, self.language, question):
            value, problem = open_case(folder).try_method(question, self._functions[question])
            tried.append({"value": value, "error": problem})
        return verdicts.judge(service, self.language, {"question": question, "values": tried})

    def _asked(self, question: str, kind: str) -> sheet.CaseQuestion | None:
        asked = self.questions.get(question)
        if asked is None:
            show.say("wrong", self._unknown(question))
        elif asked.kind != kind:
            right = {"finding": "answer", "method": "method", "rule": "rule"}.get(asked.kind)
            sentence = (
                self._tell("{question} is answered with case.{right}(...).", question=question, right=right)
                if right
                else self._tell("{question} is answered in its own cell, in your words.", question=question)
            )
            show.say("wrong", sentence)
            return None
        return asked

    def _unknown(self, question: str) -> str:
        names = ", ".join(self.questions)
        return self._tell("This lab has no question {question}. It has: {names}.", question=question, names=names)

    def _canonical(self, asked: sheet.CaseQuestion, value: object) -> Json:
        assert asked.form  # findings and methods have one
        return canonical(asked.form, value, items=asked.items, columns=asked.columns, choices=asked.choices or None,
                         language=self.language)  # fmt: skip

    def _tell(self, sentence: str, **values: object) -> str:
        return show.tell(self.language, sentence, **values)


def _shown(value: Json) -> str:
    if isinstance(value, list):
        shown = ", ".join(_shown(item) for item in value[:6])
        return f"[{shown}{', ...' if len(value) > 6 else ''}] ({len(value)})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_shown(item)}" for name, item in value.items()) + "}"
    return str(value)


def _takes_one_argument(function: Method) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:  # built-ins without a signature
        return True
    return True
