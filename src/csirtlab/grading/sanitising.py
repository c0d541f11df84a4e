"""What a trainee's notebook may show to the instructor who opens it: no script, nothing fetched.

The formgrader shows submissions in the hub's own origin, so whatever is let through here could act with
the instructor's rights.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import nh3
from jinja2 import pass_context
from jinja2.runtime import Context
from pygments.token import STANDARD_TYPES  # type: ignore[import-untyped]  # no stubs are installed

from csirtlab.kit.case import FINDING

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1",
    "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "s", "samp", "small", "span",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
# No id and no style: they could cover the formgrader's own controls or be taken for them.
_ATTRIBUTES = {
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
}
_CODE_CLASSES = {name for name in STANDARD_TYPES.values() if name}
_CLASSES = {"span": _CODE_CLASSES, "div": {"highlight", "hl-python", "hl-ipython3", "hl-text"}}
_PICTURES = ("image/png", "image/jpeg")
_TEXT_ONLY = "[not shown: only text, tables and pictures are]"


def clean_html(html: object) -> str:
    """Return HTML without anything that acts, is fetched, or is styled; also a filter for nbconvert."""
    return nh3.clean(
        str(html),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if (tag, name) == ("img", "src"):
        return value if value.startswith(tuple(f"data:{kind};base64," for kind in _PICTURES)) else None
    if (tag, name) == ("a", "href"):
        # Absolute only: a relative address would be a page of the hub.
        return value if value.lower().startswith(("https://", "http://", "mailto:", "#")) else None
    return value


@pass_context
def markdown_to_clean_html(context: Context, source: str) -> str:
    """Render Markdown; a filter for nbconvert in the place of its own, which lets raw HTML through."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    cell = context.get("cell", {})
    renderer = IPythonRenderer(escape=False, attachments=cell.get("attachments", {}), exclude_anchor_links=True)
    return clean_html(MarkdownWithMath(renderer=renderer).render(source))


def clean_outputs(outputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a cell's outputs, with only text, cleaned HTML, pictures and findings among what they show."""
    cleaned: list[dict[str, Any]] = []
    for output in outputs:
        if "data" not in output:
            cleaned.append(dict(output))
            continue
        data = clean_bundle(output["data"])
        if data:
            cleaned.append({**output, "data": data, "metadata": {}})
    return cleaned


def clean_bundle(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the safe part of a mime bundle; a note in the place of one that has none."""
    kept: dict[str, Any] = {}
    for mime, content in data.items():
        if mime == FINDING or (mime == "text/plain" and isinstance(content, str)):
            kept[mime] = content
        elif mime == "text/html" and isinstance(content, str):
            kept[mime] = clean_html(content)
        elif mime in _PICTURES and _is_base64(content):
            kept[mime] = content
    if data and not kept:
        kept["text/plain"] = _TEXT_ONLY
    return kept


def clean_attachments(attachments: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the pictures among a Markdown cell's attachments."""
    kept: dict[str, dict[str, str]] = {}
    for name, bundle in attachments.items():
        if isinstance(bundle, Mapping):
            pictures = {mime: bundle[mime] for mime in _PICTURES if _is_base64(bundle.get(mime))}
            if pictures:
                kept[str(name)] = pictures
    return kept


def _is_base64(content: object) -> bool:
    if not isinstance(content, str):
        return False
    try:
        base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
