"""Makes ``lab.png``, the README's picture: a trainee's lab, on a hub that is started for it.

    python docs/pictures/make.py

Run it in the environment that ``./csirtlab test`` makes, after a change of what a trainee sees.
"""

import io
import json
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.integration import hubs, workshop  # noqa: E402  # the helpers of the browser tests

TRAINEE, OPEN = "ana", "Abrir el laboratorio"  # the demo's trainee who reads Spanish
SPREAD = """\
def spread(gaps):
    middle = np.median(gaps)
    return np.median(np.abs(gaps - middle)) / middle"""
WIDTH, HEIGHT = 1200, 920
COLOURS = 256
MOST_BYTES = 300_000


def fill_the_blank(page: Page) -> None:
    """Write the function ``spread`` as a trainee would, so that the tables are complete."""
    base = f"{workshop.origin(page)}/user/{TRAINEE}"
    page.goto(f"{base}/csirtlab/submit?cohort=demo&lab={workshop.LAB}")  # JupyterLab must not save over it
    notebook = workshop.read_notebook(page, TRAINEE)
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].replace("def spread(gaps):\n    ...", SPREAD)
    cookies = page.context.cookies()
    xsrf = next(each["value"] for each in cookies if each["name"] == "_xsrf" and each["path"] == f"/user/{TRAINEE}/")
    saved = page.request.put(
        f"{base}/api/contents/demo/{workshop.LAB}/{workshop.LAB}.ipynb",
        data=json.dumps({"type": "notebook", "format": "json", "content": notebook}),
        headers={"X-XSRFToken": xsrf, "Content-Type": "application/json"},
    )
    assert saved.ok, saved.text()
    page.goto(f"{base}/lab/tree/demo/{workshop.LAB}/{workshop.LAB}.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-Cell")


def show_rhythm(page: Page) -> None:
    """Bring the view of connections in front, with the prose that asks for it; choose a pair worth looking at."""
    page.click(".jp-SideBar .lm-TabBar-tab[data-id=filebrowser]")  # the list of files goes away
    view = page.locator(".jp-CodeCell:has(.widget-dropdown)").first
    view.scroll_into_view_if_needed()
    choice = view.locator("select")
    # The second row of the table above: the steadiest pair but one.
    pair = page.locator(".jp-Notebook table:has(th:text-is('hosts')) tbody tr").nth(1)
    host, name = (pair.locator("th").nth(column).text_content() or "" for column in (0, 1))
    labels = choice.locator("option").all_inner_texts()
    choice.select_option(index=next(number for number, label in enumerate(labels) if host in label and name in label))
    view.locator(f"svg[role=img]:has-text('{name}')").wait_for()
    bottom = view.bounding_box()
    assert bottom is not None
    page.mouse.move(WIDTH / 2, HEIGHT / 2)
    page.mouse.wheel(0, bottom["y"] + bottom["height"] - HEIGHT + 30)
    page.wait_for_timeout(1000)


def small(picture: bytes) -> bytes:
    """Return a PNG with fewer colours."""
    reduced = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    written = io.BytesIO()
    reduced.save(written, "PNG", optimize=True)
    return written.getvalue()


def take(hub: hubs.Hub) -> bytes:
    """Be the trainee on ``hub`` up to the view of connections, and return the picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=hubs.CHROMIUM)
        visitor = hubs.Visitor(browser, hub, "es-PE")
        visitor.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        visitor.sign_in(TRAINEE)
        workshop.open_lab(visitor.page, OPEN)
        fill_the_blank(visitor.page)
        workshop.run_all_and_save(visitor.page, TRAINEE)
        show_rhythm(visitor.page)
        picture: bytes = visitor.page.screenshot()
        visitor.close()
        browser.close()
        return picture


def main() -> None:
    """Start a hub, be a trainee, take the picture, stop the hub."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-picture-") as folder:
        Path(folder).chmod(0o711)  # each server runs under a uid of its own and must get as far as its home
        hub = hubs.start_hub(Path(folder) / "state", hubs.free_port())
        try:
            picture = small(take(hub))
        finally:
            hubs.stop_hub(hub)
    assert len(picture) < MOST_BYTES, f"{len(picture)} bytes: fewer COLOURS, or a smaller page"
    (HERE / "lab.png").write_bytes(picture)


if __name__ == "__main__":
    main()
