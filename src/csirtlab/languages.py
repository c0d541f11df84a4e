"""The four languages, and the catalogues with the platform's own sentences."""

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from pathlib import Path

import polib

CATALOGUES = Path(__file__).parent / "translations"


class Language(StrEnum):
    """A language in which the platform is written (ISO 639-1; ``pt`` is Brazilian)."""

    EN = "en"
    ES = "es"
    PT = "pt"
    FR = "fr"


LOCALES = {Language.EN: "en", Language.ES: "es_ES", Language.PT: "pt_BR", Language.FR: "fr_FR"}
"""JupyterLab's names for them, as its language packs are called."""

OWN_NAMES = {
    Language.EN: "English",
    Language.ES: "Español",
    Language.PT: "Português",
    Language.FR: "Français",
}


@cache
def _catalogue(domain: str, language: Language) -> dict[str, str]:
    if language is Language.EN:
        return {}
    entries = polib.pofile(str(CATALOGUES / f"{domain}.{language}.po"))
    return {entry.msgid: entry.msgstr for entry in entries if entry.translated()}


def translator(domain: str, language: Language) -> Callable[[str], str]:
    """Return the function that puts an English sentence of ``domain`` into ``language``.

    ``translations/DOMAIN.LANGUAGE.po`` holds the sentences; English is their source. A sentence
    that has no translation stays English: a test finds those before a reader does.
    """
    catalogue = _catalogue(domain, language)
    return lambda sentence: catalogue.get(sentence, sentence)
