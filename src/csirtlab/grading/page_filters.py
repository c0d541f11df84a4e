"""nbconvert's filters for the formgrader's pages and for feedback: everything is drawn within the page's share."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from csirtlab.grading.drawing import Share, shared_drawer
from csirtlab.grading.sanitising import AS_WRITTEN, MOST_SHOWN, cut
from csirtlab.languages import Language, translator

_SHARE = "csirtlab_share"
_HALVES = re.compile(r"[\ud800-\udfff]")  # halves of surrogate pairs, which no page can hold


@pass_context
def clean_html(context: Context, html: object) -> str:
    """Clean HTML."""
    return _drawn(context, "html", str(html))


@pass_context
def markdown_to_clean_html(context: Context, source: str) -> str:
    """Render Markdown, whose raw HTML is cleaned, too."""
    cell = context.get("cell", {})
    attachments = cell.get("attachments", {}) if isinstance(cell, Mapping) else {}
    return _drawn(context, "markdown", source, attachments)


@pass_context
def ansi_to_html(context: Context, text: object) -> str:
    """Show a terminal's text with its colours."""
    plain = str(text)
    return _drawn(context, "ansi", plain) if "\x1b" in plain else _text(context, plain, "{text}")


@pass_context
def highlight_code(context: Context, source: str, **_: object) -> str:
    """Show Python with its colours."""
    return _drawn(context, "code", source)


def _drawn(context: Context, kind: str, text: str, attachments: Mapping[str, Any] | None = None) -> str:
    text = _HALVES.sub("\ufffd", text)
    language = _language(context)
    html = shared_drawer().draw(kind, text, language, _share(context), attachments)
    if html is not None:
        return html
    note = translator("grading", language)(AS_WRITTEN)
    # The templates put a terminal's text into a <pre> themselves.
    return _text(context, text, f"{note}\n{{text}}" if kind == "ansi" else f"<pre>{note}\n{{text}}</pre>")


def _text(context: Context, text: str, frame: str) -> str:
    """Return as much of a text as the page has room for, in the place of ``{text}``."""
    share = _share(context)
    shown = cut(text, _language(context), max(0, min(MOST_SHOWN, share.characters)))
    share.characters -= len(shown)
    return frame.replace("{text}", escape(shown, quote=False))


def _share(context: Context) -> Share:
    """Return the share of the page that is being made."""
    resources = context.get("resources")
    if not isinstance(resources, dict):
        return Share()
    share = resources.get(_SHARE)
    if not isinstance(share, Share):
        share = resources[_SHARE] = Share()
    return share


def _language(context: Context) -> Language:
    """Return the language of the notebook, as grading has written it there."""
    about = context.get("nb", {}).get("metadata", {}).get("csirtlab", {})
    try:
        return Language(about.get("language", "en"))
    except (ValueError, AttributeError):
        return Language.EN
