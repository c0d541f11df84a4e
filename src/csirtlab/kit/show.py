"""Sentences shown in a notebook's output: one line, escaped, readable without colours."""

import html
import os
import sys
from collections.abc import Mapping

from csirtlab.errors import CsirtlabError
from csirtlab.languages import Language, translator

_COLOURS = {"done": "#1a7f37", "wrong": "#b35900", "told": "#57606a"}
_SIGNS = {"done": "✓", "wrong": "⚠", "told": "•"}


class KitError(CsirtlabError):
    """Something that a trainee can put right; a notebook shows the sentence, not a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of the traceback."""
        return [f"{_SIGNS['wrong']} {self}"]


def ambient_language() -> str:
    """Return the language of the surroundings, for sentences said before a case is open."""
    for name in ("CSIRTLAB_LANGUAGE", "LANG"):
        if (language := os.environ.get(name, "")[:2].lower()) in list(Language):
            return language
    return str(Language.EN)


def tell(language: str, sentence: str, **values: object) -> str:
    """Return ``sentence`` of the domain ``kit`` in ``language``, with ``values`` put in."""
    return translator("kit", Language(language))(sentence).format(**values)


def say(manner: str, sentence: str, extra: Mapping[str, object] | None = None) -> None:
    """Show one sentence: ``manner`` is ``done``, ``wrong`` or ``told``; ``extra`` adds mime types.

    Outside IPython it is printed, so that a solution also runs as a plain script.
    """
    line = f"{_SIGNS[manner]} {sentence}"
    # Not imported: where no IPython runs, nobody needs to wait for it.
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        sys.stdout.write(f"{line}\n")
        return
    ipython.display.display({"text/plain": line, "text/html": as_html(manner, sentence), **(extra or {})}, raw=True)


def markdown(text: str) -> None:
    """Show Markdown of the platform's own; outside IPython it is printed as it stands."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        sys.stdout.write(f"{text}\n")
        return
    ipython.display.display({"text/plain": text, "text/markdown": text}, raw=True)


def as_html(manner: str, sentence: str) -> str:
    """Return the sentence as one escaped HTML paragraph; screen readers announce it."""
    return (
        f'<p role="status" style="border-left: 4px solid {_COLOURS[manner]}; padding-left: .6em; margin: .2em 0">'
        f"{_SIGNS[manner]} {html.escape(sentence)}</p>"
    )
