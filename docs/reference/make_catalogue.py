"""Makes ``catalogue.md``, the page of all courses and labs, from their own metadata.

python docs/reference/make_catalogue.py           writes it
python docs/reference/make_catalogue.py --check   exit code 1 when it is not current
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from csirtlab.content.courses import course_names, read_course
from csirtlab.content.frameworks import Frameworks, read_frameworks
from csirtlab.content.labs import Kind, Lab, lab_names, read_lab
from csirtlab.labs.texts import lab_languages, lab_texts
from csirtlab.languages import OWN_NAMES

ROOT = Path(__file__).parents[2]
PAGE = Path(__file__).with_name("catalogue.md")
HEAD = """\
# Courses and labs

<!-- Made by docs/reference/make_catalogue.py from courses/ and labs/. Do not edit. -->

For instructors who choose what to teach.
After this page you can tell what each lab takes, asks and trains, and in which languages it can be had.
"""


def catalogue() -> str:
    """Return the page."""
    known = read_frameworks()
    parts = [HEAD]
    taught = set()
    for name in course_names(ROOT):
        course = read_course(ROOT, name)
        taught |= {lab.name for lab in course.labs}
        minutes = sum(lab.minutes for lab in course.labs)
        parts.append(
            f"\n## {course.title} (`{name}`)\n\n{_sentences(course.summary)}\n"
            f"{_counted(len(course.labs))}, {minutes} minutes.\n"
        )
        parts += ["".join(lab_lines(lab, known)) for lab in course.labs]
    loose = [read_lab(ROOT, name) for name in lab_names(ROOT) if name not in taught]
    if loose:
        parts.append("\n## In no course\n")
        parts += ["".join(lab_lines(lab, known)) for lab in loose]
    return "".join(parts)


def lab_lines(lab: Lab, known: Frameworks) -> Iterator[str]:
    """Yield the section of one lab."""
    yield f"\n### {lab.title} (`{lab.name}`)\n\n{_sentences(lab.summary)}\n\n"
    titles = [f"{OWN_NAMES[each]}: {lab_texts(lab, each).title}" for each in lab_languages(lab)]
    kinds = {kind: sum(question.kind is kind for question in lab.questions) for kind in Kind}
    asked = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items() if count)
    yield "| | |\n|---|---|\n"
    yield f"| in | {'; '.join(titles)} |\n"
    yield f"| takes | {lab.minutes} minutes, {lab.level} |\n"
    yield f"| asks | {asked}; {lab.points:g} points |\n"
    yield f"| scenario | `{lab.scenario}` |\n"
    yield f"| ATT&CK | {_named(lab.attack, known.techniques)} |\n"
    yield f"| NICE | {_named(lab.nice, known.roles)} |\n"
    yield f"| CSIRT services | {', '.join(lab.services) or 'none'} |\n"
    if lab.prerequisites:
        yield "\nYou should be able to:\n\n"
        yield from (f"- {text}\n" for text in lab.prerequisites)
    if lab.objectives:
        yield "\nAfter it, you can:\n\n"
        yield from (f"- {text}\n" for text in lab.objectives)


def _sentences(text: str) -> str:
    """Return a text with each sentence on a line of its own, as pages have them."""
    return re.sub(r"(?<=[.?!]) (?=[A-Z])", "\n", text)


def _counted(labs: int) -> str:
    return "1 lab" if labs == 1 else f"{labs} labs"


def _named(ids: tuple[str, ...], names: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {names.get(name, '')}".strip() for name in ids) or "none"


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == catalogue() else "Run docs/reference/make_catalogue.py")
    PAGE.write_text(catalogue(), encoding="utf-8")
