"""What people do at a workshop, in a browser: the steps that tests and pictures are made of."""

import json
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Page

LAB = "c2-beacon"


def open_lab(page: Page, button: str) -> None:
    """Open the lab from the list of labs and wait for the notebook."""
    page.click(f"text={button}")
    page.wait_for_url("**/lab/tree/**")
    page.wait_for_selector(".jp-Notebook .jp-Cell")


def read_notebook(page: Page, user: str, cohort: str = "demo") -> dict[str, Any]:
    """Return the notebook as it is saved in somebody's home, asked for as the page itself would."""
    answer = page.request.get(f"{origin(page)}/user/{user}/api/contents/{cohort}/{LAB}/{LAB}.ipynb?content=1")
    assert answer.ok, answer.text()
    notebook: dict[str, Any] = answer.json()["content"]
    return notebook


def write_answers(page: Page, user: str, answers: Mapping[str, str], cohort: str = "demo") -> None:
    """Write code (or prose, for a report) into the answer cells, then load the notebook anew."""
    page.goto(f"{origin(page)}/user/{user}/csirtlab/submit?cohort={cohort}&lab={LAB}")  # JupyterLab must not save over it
    notebook = read_notebook(page, user, cohort)
    written = set()
    for cell in notebook["cells"]:
        question = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if question in answers:
            cell["source"] = answers[question]
            written.add(question)
    assert written == set(answers)
    xsrf = next(
        cookie["value"]
        for cookie in page.context.cookies()
        if cookie["name"] == "_xsrf" and cookie["path"] == f"/user/{user}/"
    )
    saved = page.request.put(
        f"{origin(page)}/user/{user}/api/contents/{cohort}/{LAB}/{LAB}.ipynb",
        data=json.dumps({"type": "notebook", "format": "json", "content": notebook}),
        headers={"X-XSRFToken": xsrf, "Content-Type": "application/json"},
    )
    assert saved.ok, saved.text()
    page.goto(f"{origin(page)}/user/{user}/lab/tree/{cohort}/{LAB}/{LAB}.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-Cell")


def run_all_and_save(page: Page, menu: str, run_all: str) -> None:
    """Run every cell by the menu, wait until the kernel rests, and save."""
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    page.click(f".lm-MenuBar-item:has-text('{menu}')")
    page.click(f".lm-Menu-item[data-command='runmenu:run-all'], .lm-Menu-item:has-text('{run_all}')")
    # The last code cell has its number, and nothing runs any more.
    page.wait_for_function(
        """() => {
            const panel = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
            const status = panel.querySelector('.jp-Notebook-ExecutionIndicator');
            return status && status.dataset.status === 'idle' && document.title.length > 0
                && !panel.querySelector('.jp-Notebook').textContent.includes('[*]');
        }"""
    )
    page.keyboard.press("Control+s")
    page.wait_for_selector(".lm-TabBar-tab.lm-mod-current:not(.jp-mod-dirty)")


def origin(page: Page) -> str:
    """Return scheme, host and port of the page's address."""
    origin: str = page.evaluate("location.origin")
    return origin


def findings(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the outputs of a notebook report, question by question."""
    kind = "application/vnd.csirtlab.finding+json"
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    found = [output["data"][kind] for output in outputs if kind in output.get("data", {})]
    return {finding["question"]: finding.get("value") for finding in found}
