"""What a trainee's notebook may show to whoever opens it: no script, nothing fetched, nothing that poses as ours.

The formgrader shows submissions in the hub's own origin, so whatever is let through here could act with
the instructor's rights. What is left out leaves a note in its place.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape, unescape
from typing import Any

from csirtlab.grading.links import plain_address, shown_links
from csirtlab.grading.refusing import shown
from csirtlab.kit.case import FINDING
from csirtlab.languages import Language, translator

NOT_SHOWN = "[not shown: {kinds}; only text, tables and pictures are]"
PICTURE_NOT_SHOWN = "[picture not shown: {name}; only PNG and JPEG pictures inside the notebook are]"
NO_NAME = "without a name"
AS_WRITTEN = "[shown as it was written: it is too long, or nested too deeply, to be drawn]"
CUT = "[cut here: {count} more characters are not shown]"

MOST_DEPTH = 100  # of elements in one another; browsers and parsers slow down, or stop, far beyond
MOST_TAGS = 50_000
MOST_ATTRIBUTES = 2_000  # of one tag, or spaces in it
MOST_ENVIRONMENTS = 500  # of LaTeX, in one text
MOST_SHOWN = 200_000  # characters of what is shown as it was written

Draw = Callable[[str], str | None]
"""Gives the cleaned HTML for HTML; None when that would take more than its share."""

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
_FRAMES = {"highlight", "hl-python", "hl-ipython3", "hl-text"}
_PICTURES = ("image/png", "image/jpeg")
_VOID = {"br", "hr", "img"}
_LOST = re.compile(r"<(svg|iframe|video|audio|object|embed|canvas|form|math)\b", re.IGNORECASE)
_ATTRIBUTE = r'(?: [a-z-]+="[^"]*")*'
_IMAGE = re.compile(rf"<img({_ATTRIBUTE})>")
_ALT = re.compile(r' alt="([^"]*)"')
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_WHOLE_TAG = re.compile(r"<[a-zA-Z][^<>]*")
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def clean_html(html: object, language: Language = Language.EN) -> str:
    """Return HTML without anything that acts, is fetched, or is styled.

    Takes as long as hostile HTML wants: to be called where time and memory are limited.
    """
    import nh3
    from pygments.token import STANDARD_TYPES  # type: ignore[import-untyped]  # no stubs are installed

    tell = translator("grading", language)
    source = str(html)
    cleaned = nh3.clean(
        source,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes={"span": {name for name in STANDARD_TYPES.values() if name}, "div": _FRAMES},
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
    )
    cleaned = _IMAGE.sub(lambda image: _image(image, tell), shown_links(cleaned))
    lost = sorted({found.lower() for found in _LOST.findall(source)})
    return f"{cleaned} {escape(tell(NOT_SHOWN).format(kinds=', '.join(lost)))}" if lost else cleaned


def _attribute(tag: str, name: str, value: str) -> str | None:
    if (tag, name) == ("img", "src"):
        return value if value.startswith(tuple(f"data:{kind};base64," for kind in _PICTURES)) else None
    if (tag, name) == ("a", "href"):
        # Absolute only: a relative address would be a page of the hub.
        return value if plain_address(value) else None
    return value


def _image(image: re.Match[str], tell: Callable[[str], str]) -> str:
    if ' src="' in image[1]:
        return image[0]
    alt = _ALT.search(image[1])
    name = shown(unescape(alt[1])) if alt and alt[1] else tell(NO_NAME)
    return escape(tell(PICTURE_NOT_SHOWN).format(name=name))


def is_too_much(html: str) -> bool:
    """Return whether HTML, clean or not, has too many tags, in one another or in all, or attributes. No parser."""
    if any(tag[0].count("=") + tag[0].count(" ") > MOST_ATTRIBUTES for tag in _WHOLE_TAG.finditer(html)):
        return True
    depth = 0
    for number, tag in enumerate(_TAG.finditer(html), start=1):
        if number > MOST_TAGS:
            return True
        if tag[2].lower() not in _VOID:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            if depth > MOST_DEPTH * 2:  # elements that end by themselves, such as <li>, count here
                return True
    return False


def is_costly_markdown(text: str) -> bool:
    """Return whether Markdown begins more environments of LaTeX than anybody writes: each is looked for to the end."""
    return text.count("\\begin{") > MOST_ENVIRONMENTS


def as_written(text: str, language: Language) -> str:
    """Return text in the place of what could not be drawn of it, to be escaped: a note, and what was written."""
    return f"{translator('grading', language)(AS_WRITTEN)}\n{cut(text, language)}"


def cut(text: str, language: Language, most: int = MOST_SHOWN) -> str:
    """Return text with at most ``most`` characters of it, and without what moves a terminal's cursor."""
    plain = _ESCAPES.sub("", text[:most])
    if len(text) <= most:
        return plain
    return f"{plain}\n{translator('grading', language)(CUT).format(count=len(text) - most)}"


def clean_outputs(outputs: Sequence[Mapping[str, Any]], draw: Draw, language: Language) -> list[dict[str, Any]]:
    """Return a cell's outputs, with only text, cleaned HTML, pictures and findings among what they show."""
    cleaned: list[dict[str, Any]] = []
    for output in outputs:
        if "data" not in output:
            cleaned.append(dict(output))
            continue
        data = clean_bundle(output["data"], draw, language)
        if data:
            cleaned.append({**output, "data": data, "metadata": {}})
    return cleaned


def clean_bundle(data: Mapping[str, Any], draw: Draw, language: Language) -> dict[str, Any]:
    """Return the safe part of a mime bundle, with a note on what is not shown unless something better is."""
    kept: dict[str, Any] = {}
    lost: list[str] = []
    for mime, content in data.items():
        if mime == FINDING or (mime == "text/plain" and isinstance(content, str)):
            kept[mime] = content
        elif mime == "text/html" and isinstance(content, str):
            drawn = draw(content)
            if drawn is None:
                kept["text/plain"] = as_written(content, language)
            else:
                kept[mime] = drawn
        elif mime in _PICTURES and _is_base64(content):
            kept[mime] = content
        else:
            lost.append(mime)
    if lost and not kept.keys() - {"text/plain"}:
        note = translator("grading", language)(NOT_SHOWN).format(kinds=_listed(lost))
        kept["text/plain"] = f"{kept['text/plain']}\n{note}" if kept.get("text/plain") else note
    return kept


def clean_attachments(attachments: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the pictures among a Markdown cell's attachments; whoever draws the cell notes those that are missing."""
    kept: dict[str, dict[str, str]] = {}
    for name, bundle in attachments.items():
        if isinstance(bundle, Mapping):
            pictures = {mime: bundle[mime] for mime in _PICTURES if _is_base64(bundle.get(mime))}
            if pictures:
                kept[str(name)] = pictures
    return kept


def _listed(kinds: Iterable[str]) -> str:
    names = sorted(str(shown(kind))[:60] for kind in kinds)
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


def _is_base64(content: object) -> bool:
    if not isinstance(content, str):
        return False
    try:
        base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
