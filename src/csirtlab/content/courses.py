"""``courses/<course>/course.toml``: which labs a course teaches, in which order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from csirtlab.content.labs import Lab, lab_names, read_lab
from csirtlab.content.tables import read_toml
from csirtlab.errors import ContentError
from csirtlab.languages import Language


class CourseTexts(NamedTuple):
    """What people read of a course."""

    title: str
    summary: str


@dataclass(frozen=True)
class Course:
    """An ordered set of labs."""

    name: str
    title: str
    summary: str
    labs: tuple[Lab, ...]
    translations: Mapping[Language, CourseTexts] = field(default_factory=dict)

    def texts(self, language: Language) -> CourseTexts:
        """Return title and summary in ``language``, in English where there is no translation."""
        return self.translations.get(language, CourseTexts(self.title, self.summary))


def course_names(content: Path) -> list[str]:
    """Return the names of all courses under ``content``, sorted."""
    return sorted(found.parent.name for found in (content / "courses").glob("*/course.toml"))


def read_course(content: Path, name: str) -> Course:
    """Read ``content/courses/NAME/course.toml`` and the labs that it names.

    Raises:
        ContentError: The course is missing or wrong, or names a lab that does not exist.
    """
    if name not in course_names(content):
        known = ", ".join(course_names(content)) or "none yet"
        raise ContentError(f'{content / "courses"}:1: there is no course "{name}". Courses here: {known}.')
    file = read_toml(content / "courses" / name / "course.toml")
    top = file.top
    others = [language for language in Language if language is not Language.EN]
    top.only("title", "summary", "labs")
    labs = top.texts("labs")
    if not labs:
        top.refuse("labs", 'the course has no labs. Name them: labs = ["c2-beacon"].')
    for lab in labs:
        if lab not in lab_names(content):
            known = ", ".join(lab_names(content)) or "none yet"
            top.refuse("labs", f'there is no lab "{lab}". Correct the name, or write it first. Labs here: {known}.')
    translations = {}
    for code, (table, *_) in file.tables.items():
        if code not in others:
            table.refuse(None, f"unknown table [{code}]. Known here: {', '.join(others)}, each with title and summary.")
        table.only("title", "summary")
        translations[Language(code)] = CourseTexts(table.text("title"), table.text("summary"))
    return Course(
        name=name,
        title=top.text("title"),
        summary=top.text("summary"),
        labs=tuple(read_lab(content, lab) for lab in labs),
        translations=translations,
    )
