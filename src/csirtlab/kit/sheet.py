"""The case sheet ``case.json``: which evidence a case has and what its lab asks. No truth is in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csirtlab.kit.show import KitError, ambient_language, tell

NAME = "case.json"
FORMAT = 1
EVIDENCE = "evidence"


@dataclass(frozen=True)
class CaseQuestion:
    """What the notebook needs to know of a question to check an answer's form."""

    id: str
    kind: str
    form: str | None
    items: str | None
    columns: Mapping[str, str]
    choices: Mapping[str, str]  # value -> label, in the trainee's language
    points: float
    unit: str | None
    rule_language: str = ""  # of a rule: sigma or yara
    fields: tuple[str, ...] = ()  # of a Sigma rule: those of its log


@dataclass(frozen=True)
class CaseSheet:
    """A parsed case sheet."""

    lab: str
    cohort: str
    trainee: str
    language: str
    title: str
    minutes: int
    evidence: tuple[str, ...]
    questions: tuple[CaseQuestion, ...]


def find_sheet(path: Path | None) -> Path:
    """Return the case sheet at ``path``: a sheet, an evidence folder or a lab's folder.

    Without ``path`` it is ``evidence/case.json`` of the current folder or of the nearest above it.

    Raises:
        KitError: There is none; the message says where to go.
    """
    if path is not None:
        for sheet in (path, path / NAME, path / EVIDENCE / NAME):
            if sheet.is_file():
                return sheet
    else:
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (sheet := folder / EVIDENCE / NAME).is_file():
                return sheet
    raise KitError(
        tell(
            ambient_language(),
            "There is no evidence here: no evidence/case.json in {folder}. Open the notebook inside its lab's folder, "
            'or name that folder: open_case("path/to/lab").',
            folder=path or Path.cwd(),
        )
    )


def read_sheet(path: Path) -> CaseSheet:
    """Read a case sheet.

    Raises:
        KitError: It is damaged or of another format.
    """
    try:
        parsed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if parsed["format"] != FORMAT:
            raise ValueError(f"format {parsed['format']}")
        return CaseSheet(
            lab=parsed["lab"],
            cohort=parsed["cohort"],
            trainee=parsed["trainee"],
            language=parsed["language"],
            title=parsed["title"],
            minutes=parsed["minutes"],
            evidence=tuple(parsed["evidence"]),
            questions=tuple(_question(question) for question in parsed["questions"]),
        )
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise KitError(
            tell(
                ambient_language(),
                "The case sheet {path} cannot be read ({problem}). Fetch the lab again.",
                path=path,
                problem=error,
            )
        ) from error


def _question(parsed: Mapping[str, Any]) -> CaseQuestion:
    return CaseQuestion(
        id=parsed["id"],
        kind=parsed["kind"],
        form=parsed["form"],
        items=parsed["items"],
        columns=parsed["columns"] or {},
        choices=parsed["choices"] or {},
        points=parsed["points"],
        unit=parsed["unit"],
        rule_language=parsed.get("language") or "",
        fields=tuple(parsed.get("fields") or ()),
    )
