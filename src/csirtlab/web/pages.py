"""Renders the pages' templates in a language."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from csirtlab.languages import LOCALES, Language, translator

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"
POLICY = "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'"


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
    environment.filters.update(
        at=at,
        number=lambda value: format_decimal(value, locale=locale),
        percent=lambda value: format_percent(value, locale=locale, decimal_quantization=False),
    )
    return environment


def page(template: str, language: Language, values: Mapping[str, object]) -> str:
    """Return ``templates/TEMPLATE`` in ``language``; a value that is missing is an error."""
    return _environment(language).get_template(template).render(**values)


def preferred_language(header: str) -> Language:
    """Return the first of our languages in an Accept-Language header (RFC 9110, 12.5.4); English if none."""
    for wanted in header.lower().split(","):
        code = wanted.strip()[:2]
        if code in list(Language):
            return Language(code)
    return Language.EN
