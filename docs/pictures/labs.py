"""Takes pictures of labs as trainees see them, solved, in every language, and tells what does not fit its place.

    python docs/pictures/labs.py FOLDER [LAB ...] [--language es ...] [--views]

Run it in the environment that ``./csirtlab test`` makes, after a change of a lab, a translation or the kit; then
look at FOLDER/<lab>/<language>-NN.png. With ``--views`` a cell for each view of the kit is added at the end. The
pictures are not kept. Exit code 1: something is wider than its place.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from tests.integration import hubs, workshop  # noqa: E402  # how Chromium is started and used

from csirtlab.content.labs import Lab, lab_names, read_lab  # noqa: E402
from csirtlab.languages import Language  # noqa: E402
from csirtlab.offline.alone import ensure_lab  # noqa: E402
from csirtlab.offline.jupyter import start_lab, stop_lab, write_config  # noqa: E402
from csirtlab.proofs.labs import reference_answers  # noqa: E402

WIDTH, HEIGHT, STEP = 1200, 1000, 700
PATIENCE_MS = 180_000
VIEWS = ("conversation_graph", "activity_timeline", "periodicity_plot", "timeline", "packet_browser")
TOO_WIDE = """() => [...document.querySelectorAll(
    '.jp-RenderedHTMLCommon, .jp-OutputArea-output > *, .widget-box > *')]
  .filter((each) => each.scrollWidth > each.clientWidth + 4 && getComputedStyle(each).overflowX === 'visible')
  .map((each) => each.textContent.trim().slice(0, 80))"""


def prepare(lab: Lab, language: Language, folder: Path, *, views: bool) -> Path:
    """Put the lab with its reference answers into ``folder`` and return the notebook."""
    notebook_path = ensure_lab(ROOT, lab, folder, language, "pictures").notebook
    notebook = nbformat.read(notebook_path, as_version=4)
    answers = reference_answers(lab)
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    if views:
        for name in VIEWS:
            source = f"from csirtlab.kit import {name}\n\n{name}(case)"
            notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"view-{name.replace('_', '-')}"))
    nbformat.write(notebook, notebook_path)
    return notebook_path


def answer_questions(page: Page) -> None:
    """Accept what JupyterLab asks at the start of a new configuration."""
    page.wait_for_timeout(1500)
    while page.locator("dialog.jp-Dialog").count():
        sys.stderr.write(f"asked: {page.locator('dialog.jp-Dialog').first.inner_text()!r}\n")
        page.locator("dialog.jp-Dialog .jp-mod-accept").first.click()
        page.wait_for_timeout(500)


def run_all(page: Page) -> None:
    """Run every cell by the menu, and wait until the last one has run."""
    workshop.wait_for_kernel(page, workshop.origin(page))
    answer_questions(page)
    page.click(".lm-MenuBar-item >> nth=3")  # Run, whatever it is called
    page.click(".lm-Menu-item[data-command='runmenu:run-all']")
    page.wait_for_timeout(2000)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    page.wait_for_timeout(2000)


def pictures(page: Page) -> Iterator[tuple[bytes, list[str]]]:
    """Yield the notebook from top to bottom in pictures, each with what is too wide in it."""
    panel = page.locator(".jp-WindowedPanel-outer").first
    panel.evaluate("each => each.scrollTo(0, 0)")
    position = -1
    while (now := panel.evaluate("each => each.scrollTop")) != position:
        page.wait_for_timeout(700)
        yield page.screenshot(), page.evaluate(TOO_WIDE)
        position = now
        panel.evaluate("(each, step) => each.scrollBy(0, step)", STEP)


def take(lab: Lab, language: Language, out: Path, *, views: bool) -> list[str]:
    """Take the pictures of one lab in one language; return what does not fit."""
    out.mkdir(parents=True, exist_ok=True)
    wide: dict[str, None] = {}
    with tempfile.TemporaryDirectory(prefix="csirtlab-pictures-") as name, sync_playwright() as playwright:
        root = Path(name)
        notebook = prepare(lab, language, root, views=views)
        write_config(root / "config", language)
        running = start_lab(root, notebook, root / "config", 0, {"CSIRTLAB_LANGUAGE": str(language)})
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=hubs.CHROMIUM)
        try:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(PATIENCE_MS)
            page.goto(running.address)
            run_all(page)
            page.click(".jp-SideBar .lm-TabBar-tab[data-id=filebrowser]")  # the list of files goes away
            for number, (picture, found) in enumerate(pictures(page), 1):
                (out / f"{language}-{number:02}.png").write_bytes(picture)
                wide |= dict.fromkeys(found)
        finally:
            browser.close()
            stop_lab(running.process)
    return [f"{lab.name} in {language}: wider than its place: {text}" for text in wide]


def main() -> None:
    """Take the pictures that were asked for."""
    parser = argparse.ArgumentParser(description="Pictures of labs as trainees see them.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("labs", nargs="*", default=lab_names(ROOT))
    parser.add_argument("--language", action="append", type=Language)
    parser.add_argument("--views", action="store_true")
    asked = parser.parse_args()
    wide = []
    for name in asked.labs:
        for language in asked.language or list(Language):
            wide += take(read_lab(ROOT, name), language, asked.folder / name, views=asked.views)
    sys.exit("\n".join(wide) if wide else 0)


if __name__ == "__main__":
    main()
