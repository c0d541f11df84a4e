"""Whether a lab can be given to trainees: its source compiles, its translations are complete."""

from csirtlab.content.labs import HINTS, Kind, Lab
from csirtlab.errors import ContentError
from csirtlab.labs.catalogue import catalogue_problems
from csirtlab.labs.compile import compile_lab
from csirtlab.labs.texts import lab_languages
from csirtlab.languages import Language


def check_lab(lab: Lab) -> list[str]:
    """Return everything that is wrong with a lab, one ``file:line: problem`` each; empty is good."""
    try:
        compile_lab(lab, Language.EN)
    except ContentError as error:
        return [str(error)]
    problems = _missing_hints(lab)
    for language in lab_languages(lab):
        if language is not Language.EN:
            try:
                problems += catalogue_problems(lab, language)
            except ContentError as error:
                problems.append(str(error))
    return problems


def _missing_hints(lab: Lab) -> list[str]:
    return [
        f'{lab.folder}/lab.toml:1: question "{question.id}" has no hints. Write {HINTS}: a nudge, the method, code.'
        for question in lab.questions
        if question.kind is not Kind.REPORT and not question.hints
    ]
