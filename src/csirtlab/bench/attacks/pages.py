"""The pages that are made of a graded submission, and whatever in them acts, fetches, or poses as ours."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from csirtlab.bench.attacks.submissions import ATTACKER, LAB
from csirtlab.errors import GradingError
from csirtlab.grading.cohort_config import load_config

_ACTS = {"script", "style", "iframe", "form", "svg", "object", "embed", "link", "meta", "base", "video", "audio"}
_PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,")
_BEGIN, _END = 'id="notebook-container"', "</body>"


def formgraders_page(course: Path) -> str:
    """Return the attacker's page as the formgrader shows it."""
    import nbgrader
    from nbconvert.exporters import HTMLExporter

    config: Any = load_config(course)
    config.HTMLExporter.template_name = "formgrade"
    folder = Path(str(nbgrader.__file__)).parent / "server_extensions" / "formgrader" / "templates"
    config.HTMLExporter.extra_template_basedirs = [str(folder)]
    notebook = course / "autograded" / ATTACKER / LAB / f"{LAB}.ipynb"
    page, _ = HTMLExporter(config=config).from_filename(str(notebook), resources={"index": 0, "total": 1})
    return str(page)


def feedback_page(course: Path, api: Any) -> str:  # nbgrader's
    """Return the attacker's feedback as nbgrader generates it.

    Raises:
        GradingError: It was not made; the message is what nbgrader says.
    """
    made = api.generate_feedback(LAB, ATTACKER)
    if not made["success"]:
        raise GradingError(str(made["error"] or made["log"])[-300:])
    return (course / "feedback" / ATTACKER / LAB / f"{LAB}.html").read_text(encoding="utf-8")


def acting(page: str) -> list[str]:
    """Return what in the notebook's part of a page is none of ours and more than text, tables and pictures."""
    if _BEGIN not in page or _END not in page:
        return ["the page lost its frame"]
    reader = _Reader()
    reader.feed(page[page.index(_BEGIN) : page.rindex(_END)])
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._link: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        source = values.get("src", "")
        if tag in _ACTS or any(name.startswith("on") for name in values) or "fixed" in values.get("style", ""):
            self.found.append(f"{tag} in the page")
        if source and not source.startswith(_PICTURES):
            self.found.append(f"{source[:60]} is fetched by the page")
        if tag == "a":
            # Feedback has links of its own to its questions.
            self._link, self._text = "" if values.get("href", "").startswith("#") else values.get("href", ""), ""
            if self._link and not {"noopener", "noreferrer"} <= set(values.get("rel", "").split()):
                self.found.append("a link tells where it was followed")

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link and self._link != self._text.strip():
            self.found.append(f"a link to {self._link[:60]} is called {self._text.strip()[:60]}")
        if tag == "a":
            self._link = None
