"""Renders the pages' templates in a language."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel.dates import format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from csirtlab.languages import LOCALES, Language, translator

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    locale = LOCALES[language]

    def at(moment: datetime) -> str:
        return f"{format_datetime(moment.astimezone(UTC), 'd MMM y, HH:mm:ss', locale=locale)} UTC"

    environment.globals.update(_=translator("web", language), language=language.value)
    environment.filters.update(at=at, number=lambda value: format_decimal(value, locale=locale))
    return environment


def page(template: str, language: Language, values: Mapping[str, object]) -> str:
    """Return ``templates/TEMPLATE`` in ``language``; a value that is missing is an error."""
    return _environment(language).get_template(template).render(**values)
