"""``python -m csirtlab.grading.page_runner``: what trainees wrote, drawn as clean HTML, piece by piece, within limits.

A piece that takes too long or too much ends the process, and whoever asked starts another one.
Reads frames {"kind", "text", "language", "attachments"}, and answers each with {"html": text or null}.
"""

import math
import os
import resource
import sys
from collections.abc import Mapping
from typing import Any

from csirtlab.grading.sanitising import clean_html, is_costly_markdown, is_too_much
from csirtlab.languages import Language
from csirtlab_grader.frames import read_frame, write_frame

CPU_S = 2
"""Processor time for one piece; an honest one takes milliseconds."""

IMPORT_S = 60
"""Processor time for nothing at all, by which everything is imported."""

_MEMORY_B = 1 << 30
_INPUT, _OUTPUT = 0, 1


def main() -> None:
    """Answer until nobody asks any more."""
    output = os.dup(_OUTPUT)
    os.dup2(2, _OUTPUT)  # what a library prints is no answer
    _limit()
    while (request := read_frame(_INPUT)) is not None:
        _allow_time(CPU_S if request["text"] else IMPORT_S)
        try:
            html = _draw(request)
        except MemoryError:
            sys.exit(1)
        except Exception:  # whatever a piece makes its parser stumble over: it is shown as it was written
            html = None
        write_frame(output, {"html": html})


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY_B),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _allow_time(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime) + seconds, hard))


def _draw(request: Mapping[str, Any]) -> str | None:
    text, language = request["text"], Language(request["language"])
    match request["kind"]:
        case "html":
            html = None if is_too_much(text) else clean_html(text, language)
        case "markdown":
            drawn = None if is_costly_markdown(text) else _markdown(text, request["attachments"])
            html = None if drawn is None or is_too_much(drawn) else clean_html(drawn, language)
        case "code":
            from nbconvert.filters import Highlight2HTML

            html = Highlight2HTML()(text)
        case _:
            from nbconvert.filters import ansi2html

            html = ansi2html(text)
    return None if html is None or is_too_much(html) else html


def _markdown(text: str, attachments: Mapping[str, Any]) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """A picture that is not there is left to the cleaner, which notes it."""

        def _embed_image_or_attachment(self, src: str) -> str:
            name = src.removeprefix("attachment:")
            return src if name == src or name not in attachments else str(super()._embed_image_or_attachment(src))

    renderer = Renderer(escape=False, attachments=dict(attachments), exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(text))


if __name__ == "__main__":
    main()
