"""The form of a rule, checked where it is written: it parses, and it asks for fields that are there."""

from collections.abc import Callable, Sequence
from typing import Any

from csirtlab.kit.show import tell

MOST_TEXT = 20_000

_Tell = Callable[..., str]


def problem_of(kind: str, text: object, fields: Sequence[str], language: str) -> str | None:
    """Return what is wrong with the form of a Sigma or YARA rule, in ``language``; None when nothing is."""
    if text is None or text is ...:
        return tell(language, "There is no rule yet: pass its text, between three quotation marks on each side.")
    if not isinstance(text, str):
        return tell(language, "A rule is a text, got {type}.", type=type(text).__name__)
    if len(text) > MOST_TEXT:
        return tell(language, "The rule has {length} characters, at most {most} are read.",
                    length=len(text), most=MOST_TEXT)  # fmt: skip
    return _sigma_problem(text, fields, language) if kind == "sigma" else _yara_problem(text, language)


def _yara_problem(text: str, language: str) -> str | None:
    import yara_x

    compiler = yara_x.Compiler()
    compiler.enable_includes(False)
    try:
        compiler.add_source(text)
        compiler.build()
    except yara_x.CompileError as error:
        return tell(language, "YARA does not understand the rule: {problem}", problem=str(error))
    return None


def _sigma_problem(text: str, fields: Sequence[str], language: str) -> str | None:
    from sigma.backends.sqlite import sqliteBackend
    from sigma.collection import SigmaCollection
    from sigma.correlations import SigmaCorrelationRule
    from sigma.exceptions import SigmaError
    from yaml import YAMLError

    try:
        rules = SigmaCollection.from_yaml(text)
        if any(isinstance(rule, SigmaCorrelationRule) for rule in rules):
            return tell(language, "Correlation rules cannot be used here: write a rule on single events.")
        backend: Any = sqliteBackend
        queries = backend(fulltext_field="raw").convert(rules)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        return tell(language, "The rule is not valid YAML, see its line {line}: {problem}",
                    line=line, problem=getattr(error, "problem", None) or str(error))  # fmt: skip
    except (SigmaError, AttributeError, TypeError, ValueError) as error:
        return tell(
            language, "Sigma does not understand the rule: {problem}", problem=str(error) or type(error).__name__
        )
    if not queries:
        return tell(language, "There is no rule yet: pass its text, between three quotation marks on each side.")
    unknown = sorted(_fields_of(rules) - set(fields))
    if unknown:
        return tell(language, "The log has no field {field}. It has: {fields}.",
                    field=unknown[0], fields=", ".join(fields))  # fmt: skip
    return None


def _fields_of(rules: Any) -> set[str]:  # pySigma's collection
    found: set[str] = set()
    for rule in rules:
        for detection in rule.detection.detections.values():
            waiting = list(detection.detection_items)
            while waiting:
                item = waiting.pop()
                waiting += getattr(item, "detection_items", ())
                if getattr(item, "field", None):
                    found.add(str(item.field))
    return found
