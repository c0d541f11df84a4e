"""What people write to a site, in its language: ``written/LANGUAGE.json``.

``letters`` has subjects and lines by kind of message, ``files`` how files are called, ``months`` their names. Places
to fill: ``{given}`` who gets it, ``{org}`` who writes, ``{sender}`` their name, ``{number}``, ``{few}``, ``{day}``,
``{month}``, ``{link}``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Text(NamedTuple):
    """A subject and a text."""

    subject: str
    body: str

    def filled(self, places: Mapping[str, str]) -> "Text":
        """Return the text with its places filled."""
        return Text(self.subject.format_map(places), self.body.format_map(places))


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What is written in one language."""

    messages: Mapping[str, tuple[Text, ...]]
    files: Mapping[str, tuple[str, ...]]
    months: tuple[str, ...]


@cache
def correspondence(language: str) -> Correspondence:
    """Return what is written in ``language``: es, pt or en."""
    document = json.loads((files("csirtlab.evidence") / "written" / f"{language}.json").read_text(encoding="utf-8"))
    return Correspondence(
        messages={
            kind: tuple(Text(text["subject"], "\n".join(text["lines"])) for text in texts)
            for kind, texts in document["letters"].items()
        },
        files={kind: tuple(names) for kind, names in document["files"].items()},
        months=tuple(document["months"]),
    )
