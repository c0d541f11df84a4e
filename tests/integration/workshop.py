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
    page.goto(
        f"{origin(page)}/user/{user}/csirtlab/submit?cohort={cohort}&lab={LAB}"
    )  # JupyterLab must not save over it
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


def wait_for_kernel(page: Page, server: str) -> None:
    """Wait until the page and its kernel, on the Jupyter server at that address, speak to each other.

    Before that JupyterLab's indicator says idle as well, and "Run All" does nothing, in silence.
    """
    for _ in range(90):
        answer = page.request.get(f"{server}/api/sessions")
        assert answer.ok, answer.text()
        kernels = [session["kernel"] for session in answer.json()]
        if any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels):
            break
        page.wait_for_timeout(1000)
    else:
        raise AssertionError(f"no kernel that the page is connected to and that is idle: {kernels}")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")


def run_all_and_save(page: Page, user: str, cohort: str = "demo") -> dict[str, Any]:
    """Run every cell by the menu, and save until the file says that the last one has run; return the notebook."""
    wait_for_kernel(page, f"{origin(page)}/user/{user}")
    page.click(".lm-MenuBar-item:has-text('Run')")
    page.click(".lm-Menu-item[data-command='runmenu:run-all']")
    for _ in range(120):
        page.wait_for_timeout(1000)
        page.keyboard.press("Control+s")
        page.wait_for_selector(".lm-TabBar-tab.lm-mod-current:not(.jp-mod-dirty)")
        notebook = read_notebook(page, user, cohort)
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        errors = ["\n".join(each["traceback"]) for cell in code for each in cell["outputs"] if "traceback" in each]
        assert not errors, errors[0]
        if code[-1]["execution_count"]:
            return notebook
    ran = sum(bool(cell["execution_count"]) for cell in code)
    dialogs = page.locator(".jp-Dialog-content").all_inner_texts()
    raise AssertionError(f"{ran} of {len(code)} cells have run; the page asks: {dialogs}")


def submit(page: Page, user: str, cohort: str = "demo") -> None:
    """Submit what is saved, by the page's button, and see the receipt."""
    page.goto(f"{origin(page)}/user/{user}/csirtlab/submit?cohort={cohort}&lab={LAB}")
    page.wait_for_selector("main h1")
    assert page.locator("main form button").count() == 1, page.inner_text("main")
    page.click("main form button")
    page.wait_for_selector("#receipt-number")


RUN = """async ([base, code]) => {
    const xsrf = Object.fromEntries(document.cookie.split('; ').map((pair) => pair.split('=')))['_xsrf'];
    const headers = {'X-XSRFToken': xsrf, 'Content-Type': 'application/json'};
    const started = await fetch(base + 'api/kernels', {method: 'POST', headers, body: '{}'});
    if (!started.ok) throw new Error(await started.text());
    const kernel = (await started.json()).id;
    const socket = new WebSocket(base.replace('http', 'ws') + 'api/kernels/' + kernel + '/channels');
    await new Promise((resolve) => { socket.onopen = resolve; });
    const header = {
        msg_id: crypto.randomUUID(), session: crypto.randomUUID(), msg_type: 'execute_request',
        username: '', version: '5.3', date: '',
    };
    const content = {code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false};
    let told = '';
    const ended = new Promise((resolve) => {
        socket.onmessage = (event) => {
            const message = JSON.parse(event.data);
            if (message.parent_header.msg_id !== header.msg_id) return;
            const kind = message.header.msg_type;
            if (kind === 'stream') told += message.content.text;
            if (kind === 'error') told += message.content.ename + ': ' + message.content.evalue;
            if (kind === 'status' && message.content.execution_state === 'idle') resolve();
        };
        socket.onclose = () => { told += '(the kernel is gone)'; resolve(); };
    });
    socket.send(JSON.stringify({header, parent_header: {}, metadata: {}, content, channel: 'shell', buffers: []}));
    await ended;
    socket.onclose = null;
    socket.close();
    await fetch(base + 'api/kernels/' + kernel, {method: 'DELETE', headers});
    return told;
}"""


def run_code(page: Page, user: str, code: str) -> str:
    """Run code in a new kernel of somebody's server, from a page of that server; return what it printed."""
    told: str = page.evaluate(RUN, [f"{origin(page)}/user/{user}/", code])
    return told


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
