"""Drawing what trainees wrote, in a process with limits; what passes them is not drawn."""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csirtlab.grading.sanitising import is_too_much
from csirtlab.languages import Language
from csirtlab_grader.frames import Splitter, packed

MOST_TEXT: Mapping[str, int] = {"html": 2_000_000, "markdown": 200_000, "code": 200_000, "ansi": 500_000}
"""Characters of one piece, by its kind; more is not drawn."""

PAGE_S = 8.0
"""Seconds for the pieces of one notebook, or one page of it; those that are left over are not drawn."""

PAGE_TAGS = 100_000
PAGE_CHARACTERS = 1_000_000
_PATIENCE_S = 20.0  # for one piece, on a busy machine; processor time is limited inside
_RESTART_S = 2.0  # what it costs that a piece has ended the process: two such pieces use up a page's share
_START_S = 60.0  # importing on a slow disk


@dataclass
class Share:
    """What one notebook, or a page of it, may still cost."""

    seconds: float = PAGE_S
    tags: int = PAGE_TAGS
    characters: int = PAGE_CHARACTERS  # of what is shown without being drawn

    @property
    def is_used_up(self) -> bool:
        """Whether nothing more is drawn."""
        return self.seconds <= 0 or self.tags <= 0


class Drawer:
    """Draws pieces in a process of its own, which is started when it is needed, and again after it was ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: set[str] = set()  # kinds for which all is imported
        self._lock = threading.Lock()

    def draw(
        self, kind: str, text: str, language: Language, share: Share, attachments: Mapping[str, Any] | None = None
    ) -> str | None:
        """Return the HTML of a piece of ``kind`` html, markdown, code or ansi; None when it passes a limit."""
        if share.is_used_up or len(text) > MOST_TEXT[kind] or (kind == "html" and is_too_much(text)):
            return None
        with self._lock:
            process = self._process_for(kind)
            began = time.monotonic()
            html = self._answer(process, _request(kind, text, language, attachments))
            ended = process.poll() is not None
            share.seconds -= time.monotonic() - began + (_RESTART_S if ended else 0)
        share.tags -= html.count("<") if html else 0
        return html

    def close(self) -> None:
        """End the process; safe to be called twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()

    def _process_for(self, kind: str) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._ready.clear()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "csirtlab.grading.page_runner"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, cwd="/",
                env={"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
            )  # fmt: skip
        if kind not in self._ready:
            # Nothing of this kind first, so that no piece pays for imports with its time.
            self._answer(self._process, _request(kind, "", Language.EN), _START_S)
            self._ready.add(kind)
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], request: bytes, patience_s: float = _PATIENCE_S) -> str | None:
        assert process.stdin is not None and process.stdout is not None
        deadline = time.monotonic() + patience_s
        try:
            view = memoryview(request)
            while view:
                view = view[os.write(process.stdin.fileno(), view) :]
            for answer in _answers(process.stdout.fileno(), deadline):
                html = json.loads(answer)["html"]
                return html if isinstance(html, str) else None
        except OSError:
            pass  # it has ended
        process.kill()
        process.wait()
        return None


def _request(kind: str, text: str, language: Language, attachments: Mapping[str, Any] | None = None) -> bytes:
    said = {"kind": kind, "text": text, "language": language, "attachments": attachments or {}}
    return packed(json.dumps(said).encode("ascii"))


def _answers(descriptor: int, deadline: float) -> Iterator[bytes]:
    splitter = Splitter()
    while (left := deadline - time.monotonic()) > 0 and select.select([descriptor], [], [], left)[0]:
        part = os.read(descriptor, 2**20)
        if not part:
            return
        yield from splitter.feed(part)


_shared: list[Drawer] = []


def shared_drawer() -> Drawer:
    """Return this process's drawer; it is ended at the exit."""
    if not _shared:
        _shared.append(Drawer())
        atexit.register(_shared[0].close)
    return _shared[0]
