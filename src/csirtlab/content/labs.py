"""``labs/<lab>/lab.toml``: what a lab asks, and what it is about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypedDict, TypeVar

from csirtlab.content.tables import Table, read_toml
from csirtlab.errors import ContentError

E = TypeVar("E", bound=StrEnum)
ID = re.compile(r"[a-z][a-z0-9_]{1,39}")
HINTS = 3  # steps of a question's ladder
_ENDS_IN_CODE = re.compile(r"^```python\n(?P<code>.+)\n```$", re.DOTALL | re.MULTILINE)
LAB_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")


class Kind(StrEnum):
    """How a question is answered and judged."""

    FINDING = "finding"  # a value, compared with the ground truth
    METHOD = "method"  # a function, replayed on sibling cases with hidden seeds
    RULE = "rule"  # a Sigma or YARA rule, run on hidden labelled material
    REPORT = "report"  # prose, graded by hand against a rubric


class RuleLanguage(StrEnum):
    """In what a rule is written."""

    SIGMA = "sigma"
    YARA = "yara"


RULE_MATERIALS: Mapping[RuleLanguage, tuple[str, ...]] = {
    RuleLanguage.SIGMA: ("access.log", "auth.log", "queries.log"),  # rows of a log
    RuleLanguage.YARA: ("streams",),  # what the client of each TCP connection sent
}
"""What a rule can be run on: the logs that are read field by field, and payloads."""


class Form(StrEnum):
    """The form of a finding."""

    ADDRESS = "address"  # an IPv4 or IPv6 address
    PORT = "port"  # 0 to 65535
    DOMAIN = "domain"  # a host name, compared without case or trailing dot
    TIME = "time"  # an aware instant, UTC
    DURATION = "duration"  # seconds
    COUNT = "count"  # a whole number
    BYTES = "bytes"  # a whole number of bytes
    HASH = "hash"  # hexadecimal, compared without case
    CHOICE = "choice"  # one of ``choices``
    TEXT = "text"  # a short text, compared without case or surrounding blanks
    SET = "set"  # of ``items``; scored by F1
    LIST = "list"  # of ``items``, ordered; scored by Kendall's tau
    TABLE = "table"  # rows of ``columns``; scored by F1


@dataclass(frozen=True)
class Tolerance:
    """How far a finding may lie from the truth and still be right; zero means exactly.

    ``absolute`` is in the form's unit (seconds for times and durations); ``relative`` is a share
    of the truth, 0.05 for 5 %. The wider of the two counts.
    """

    absolute: float = 0.0
    relative: float = 0.0


@dataclass(frozen=True)
class Question:
    """One question of a lab, English; ``prompt``, ``feedback`` and choices go through translation."""

    id: str
    kind: Kind
    points: float
    prompt: str
    feedback: str
    fact: str | None  # the scenario's fact that answers it; None for a report
    form: Form | None  # None for a rule and a report
    items: Form | None  # the form of the members of a set or list
    columns: Mapping[str, Form]  # of a table, in order
    choices: Mapping[str, str]  # value -> English label
    tolerance: Tolerance
    siblings: int  # of a method: on how many hidden cases it is replayed
    rubric: tuple[str, ...]  # of a report: what the grader looks for
    hints: tuple[str, ...] = ()  # Markdown, from a nudge to code that works; a report has none
    language: RuleLanguage | None = None  # of a rule
    material: str | None = None  # of a rule: what it is run on, on ``siblings`` hidden cases
    positive: tuple[str, ...] = ()  # of a rule: the scenario's actions whose traces it has to find
    enough: float = 1.0  # of a rule: the share of them that is worth all points


@dataclass(frozen=True)
class Lab:
    """A lab as its ``lab.toml`` says it; ``folder`` holds its source and translations."""

    name: str
    folder: Path
    title: str
    summary: str
    scenario: str
    minutes: int
    level: str
    objectives: tuple[str, ...]
    prerequisites: tuple[str, ...]
    attack: tuple[str, ...]  # ATT&CK technique ids
    nice: tuple[str, ...]  # NICE work role ids (SP 800-181r1 components)
    services: tuple[str, ...]  # FIRST CSIRT Services Framework v2.1 names
    questions: tuple[Question, ...]

    @property
    def points(self) -> float:
        """The sum of the questions' points."""
        return sum(question.points for question in self.questions)

    def question(self, question_id: str) -> Question:
        """Return one question by its id; KeyError if the lab does not ask it."""
        for question in self.questions:
            if question.id == question_id:
                return question
        raise KeyError(question_id)


_LAB_KEYS = (
    "title", "summary", "scenario", "minutes", "level", "objectives", "prerequisites", "attack", "nice", "services",
)  # fmt: skip
_QUESTION_KEYS = (
    "id", "kind", "points", "prompt", "feedback", "fact", "form", "items", "columns", "choices", "tolerance",
    "siblings", "rubric", "hints", "language", "material", "positive", "enough",
)  # fmt: skip


def read_lab(content: Path, name: str) -> Lab:
    """Read ``content/labs/NAME/lab.toml``.

    Raises:
        ContentError: It is missing or wrong; the message names file and line.
    """
    folder = content / "labs" / name
    if not LAB_NAME.fullmatch(name) or not folder.is_dir():
        known = ", ".join(lab_names(content)) or "none yet"
        raise ContentError(f'{folder}:1: there is no lab "{name}". Labs here: {known}.')
    file = read_toml(folder / "lab.toml")
    top = file.top
    top.only(*_LAB_KEYS)
    questions = tuple(_question(table) for table in file.many("question"))
    if not questions:
        top.refuse(None, "the lab asks nothing. Add a [[question]].")
    seen: set[str] = set()
    for question, table in zip(questions, file.many("question"), strict=True):
        if question.id in seen:
            table.refuse("id", f'question "{question.id}" is there twice. Give each its own id.')
        seen.add(question.id)
    if top.text("level") not in ("beginner", "intermediate", "advanced"):
        top.refuse("level", f'level is beginner, intermediate or advanced, got "{top.text("level")}".')
    return Lab(
        name=name,
        folder=folder,
        title=top.text("title"),
        summary=top.text("summary"),
        scenario=top.text("scenario"),
        minutes=top.integer("minutes"),
        level=top.text("level"),
        objectives=top.texts("objectives"),
        prerequisites=top.texts("prerequisites"),
        attack=top.texts("attack"),
        nice=top.texts("nice"),
        services=top.texts("services"),
        questions=questions,
    )


def lab_names(content: Path) -> list[str]:
    """Return the names of all labs under ``content``, sorted."""
    # Sorted: directory order differs between machines.
    return sorted(found.parent.name for found in (content / "labs").glob("*/lab.toml"))


def _question(table: Table) -> Question:
    table.only(*_QUESTION_KEYS)
    question_id = table.text("id")
    if not ID.fullmatch(question_id):
        table.refuse("id", f'question id "{question_id}" must be small letters, digits and _, 2 to 40 of them.')
    kind = _member(table, "kind", Kind)
    points = table.number("points")
    if not 0 < points <= 100:
        table.refuse("points", f'question "{question_id}" is worth {points} points. Give it more than 0, at most 100.')
    form = _member(table, "form", Form) if kind in (Kind.FINDING, Kind.METHOD) else None
    items = _member(table, "items", Form) if form in (Form.SET, Form.LIST) else None
    choices = _text_mapping(table, "choices")
    if (form is Form.CHOICE or items is Form.CHOICE) and len(choices) < 2:
        table.refuse("choices", f'question "{question_id}" is a choice. Give at least two choices {{value = "Label"}}.')
    columns = {name: Form(value) for name, value in _text_mapping(table, "columns").items()}
    if form is Form.TABLE and not columns:
        table.refuse("columns", f'question "{question_id}" is a table. Name its columns {{name = "form"}}.')
    return Question(
        id=question_id,
        kind=kind,
        points=points,
        prompt=table.text("prompt"),
        feedback=table.text("feedback", "" if kind is Kind.REPORT else None),
        fact=None if kind in (Kind.REPORT, Kind.RULE) else table.text("fact"),
        form=form,
        items=items,
        columns=columns,
        choices=choices,
        tolerance=_tolerance(table),
        siblings=table.integer("siblings", 4),
        rubric=table.texts("rubric"),
        hints=_hints(table, question_id, kind),
        **_rule(table, question_id, kind),
    )


class _Rule(TypedDict, total=False):
    language: RuleLanguage
    material: str
    positive: tuple[str, ...]
    enough: float


def _rule(table: Table, question_id: str, kind: Kind) -> _Rule:
    if kind is not Kind.RULE:
        for key in ("language", "material", "positive", "enough"):
            if key in table.values:
                table.refuse(key, f'"{key}" is for rules, and question "{question_id}" is a {kind}. Remove it.')
        return {}
    language = _member(table, "language", RuleLanguage)
    material, positive, enough = table.text("material"), table.texts("positive"), table.number("enough", 1.0)
    if material not in RULE_MATERIALS[language]:
        known = ", ".join(RULE_MATERIALS[language])
        table.refuse("material", f'a rule in {language} is not run on "{material}". Known: {known}.')
    if not positive:
        table.refuse("id", f'rule "{question_id}" has nothing to find. Name actions: positive = ["intrusion"].')
    if not 0 < enough <= 1:
        table.refuse("enough", f"enough is the share that is worth all points: more than 0, at most 1, got {enough:g}.")
    return {"language": language, "material": material, "positive": positive, "enough": enough}


def hint_code(hint: str) -> str | None:
    """Return the code that a hint ends in, from its last fenced block; None where it ends otherwise."""
    start = hint.rstrip().rfind("```python\n")
    found = _ENDS_IN_CODE.fullmatch(hint.rstrip()[start:]) if start >= 0 else None
    return found["code"] if found else None


def _hints(table: Table, question_id: str, kind: Kind) -> tuple[str, ...]:
    hints = tuple(text.strip() for text in table.texts("hints"))
    if kind is Kind.REPORT and hints:
        table.refuse("hints", f'"{question_id}" is a report, which has no hints. Say in the prompt what it must hold.')
    if hints and len(hints) != HINTS:
        table.refuse("hints", f'question "{question_id}" has {len(hints)} hints. Write exactly {HINTS}, or none yet.')
    if hints and hint_code(hints[-1]) is None:
        table.refuse(
            "hints", f'the last hint of "{question_id}" must end in code that works, between ```python and ``` lines.'
        )
    return hints


def _member(table: Table, key: str, kinds: type[E]) -> E:
    value = table.text(key)
    if value not in list(kinds):
        table.refuse(key, f'{key} "{value}" is unknown. Known: {", ".join(kinds)}.')
    return kinds(value)


def _text_mapping(table: Table, key: str) -> Mapping[str, str]:
    value = table.values.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        table.refuse(key, f'"{key}" must be a table of texts {{name = "text"}}, got {value!r}.')
    return value


def _tolerance(table: Table) -> Tolerance:
    value = table.values.get("tolerance", {})
    if (
        not isinstance(value, dict)
        or not set(value) <= {"absolute", "relative"}
        or not all(isinstance(item, int | float) and item >= 0 for item in value.values())
    ):
        table.refuse(
            "tolerance",
            f'"tolerance" is {{absolute = N}} or {{relative = N}}, N not negative, got {value!r}.',
        )
    return Tolerance(**{key: float(item) for key, item in value.items()})
