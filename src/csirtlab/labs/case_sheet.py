"""Writes the case sheet ``case.json`` beside a case's evidence: what the kit reads, and no truth."""

import json
from pathlib import Path

from csirtlab.content.labs import Form, Lab, Question, RuleLanguage
from csirtlab.evidence.applications.labelled import log_fields
from csirtlab.kit.sheet import FORMAT, NAME
from csirtlab.labs.texts import LabTexts, lab_texts
from csirtlab.languages import Language

_UNITS = {Form.DURATION: "s", Form.BYTES: "B", Form.TIME: "UTC"}


def write_case_sheet(lab: Lab, folder: Path, *, cohort: str, trainee: str, language: Language) -> None:
    """Write ``folder/case.json`` for the evidence that lies in ``folder``.

    It holds the questions' forms and choices in the trainee's language, English where the lab has no
    translation; neither tolerances nor facts.
    """
    language = Language(language)
    texts = lab_texts(lab, language)
    # Sorted: directory order differs between machines.
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    evidence = sorted(name for name in files if name != NAME)
    sheet = {
        "format": FORMAT,
        "lab": lab.name,
        "cohort": cohort,
        "trainee": trainee,
        "language": str(language),
        "title": texts.title,
        "minutes": lab.minutes,
        "evidence": evidence,
        "questions": [_question(question, texts) for question in lab.questions],
    }
    text = json.dumps(sheet, ensure_ascii=False, indent=1)
    (folder / NAME).write_text(f"{text}\n", encoding="utf-8")


def _question(question: Question, texts: LabTexts) -> dict[str, object]:
    return {
        "id": question.id,
        "kind": str(question.kind),
        "form": question.form and str(question.form),
        "items": question.items and str(question.items),
        "columns": {name: str(form) for name, form in question.columns.items()},
        "choices": dict(texts.questions[question.id].choices),
        "points": question.points,
        "unit": _UNITS.get(question.form) if question.form else None,
        "language": question.language and str(question.language),
        "material": question.material,
        "fields": list(log_fields(question.material))
        if question.language is RuleLanguage.SIGMA and question.material
        else [],
    }
