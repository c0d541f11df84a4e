"""A trainee's own server: fetches a lab into their home, and submits it; nothing else can reach their files."""

import asyncio
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join
from tornado import web  # type: ignore[attr-defined]  # tornado does not list it

from csirtlab.cohorts.create import NAME
from csirtlab.content.labs import LAB_NAME
from csirtlab.errors import CsirtlabError, ExchangeError
from csirtlab.exchange.client import ExchangeClient
from csirtlab.exchange.receipts import Receipt
from csirtlab.exchange.work import keep_receipt
from csirtlab.kit.case import FINDING
from csirtlab.languages import Language, translator
from csirtlab.web.inert_files import inert_handlers
from csirtlab.web.pages import STATIC
from csirtlab.web.server_pages import PageHandler
from csirtlab.web.unsafe import warn_if_unsafe


def _language() -> Language:
    return Language(os.environ.get("CSIRTLAB_LANGUAGE", "en"))


@dataclass(frozen=True)
class LabFolder:
    """Where a lab lies in a trainee's home."""

    home: Path
    cohort: str
    lab: str

    @property
    def path(self) -> Path:
        """The folder."""
        return self.home / self.cohort / self.lab

    @property
    def notebook(self) -> Path:
        """The notebook that is worked in, and submitted."""
        return self.path / f"{self.lab}.ipynb"


class _LabHandler(PageHandler):
    """What both pages share: which lab is meant, and their language."""

    def lab_folder(self) -> LabFolder:
        cohort, lab = self.get_query_argument("cohort", ""), self.get_query_argument("lab", "")
        if not NAME.fullmatch(cohort) or not LAB_NAME.fullmatch(lab):
            raise web.HTTPError(400, "The address names no lab. Go back to the list of labs and open it from there.")
        return LabFolder(Path.home(), cohort, lab)

    def notebook_url(self, folder: LabFolder) -> str:
        return str(url_path_join(self.base_url, "lab/tree", folder.cohort, folder.lab, folder.notebook.name))

    def language(self) -> Language:
        """Return the trainee's: the server is theirs alone."""
        return _language()

    def show_problem(self, error: CsirtlabError) -> None:
        self.set_status(400)
        self.show("problem.html", message=str(error))


class OpenHandler(_LabHandler):
    """Puts the lab into the home, with this trainee's own evidence, and opens it."""

    @web.authenticated
    async def get(self) -> None:
        """Fetch what is missing (work that is there stays as it is), then go to the notebook."""
        folder = self.lab_folder()
        try:
            await asyncio.to_thread(fetch_lab, folder)
        except CsirtlabError as error:
            self.show_problem(error)
            return
        self.redirect(self.notebook_url(folder))


class SubmitHandler(_LabHandler):
    """Shows what would be submitted; on the button, submits it and shows the receipt."""

    @web.authenticated
    async def get(self) -> None:
        """Show when the notebook was saved and which questions are open."""
        folder = self.lab_folder()
        if not folder.notebook.is_file():
            self.show("problem.html", message="Open the lab first: there is nothing to submit yet.")
            return
        sheet = case_sheet(folder)
        if sheet is None:
            self.show(
                "problem.html", message="Part of the evidence is missing. Open the lab again from the list of labs."
            )
            return
        try:
            notebook = await asyncio.to_thread(read_notebook, folder.notebook)
        except CsirtlabError as error:
            self.show_problem(error)
            return
        self.show(
            "submit.html",
            title=sheet["title"],
            saved=datetime.fromtimestamp(folder.notebook.stat().st_mtime, UTC),
            open_questions=open_questions(notebook, sheet),
            notebook=self.notebook_url(folder),
            xsrf=self.xsrf_token.decode(),
        )

    @web.authenticated
    async def post(self) -> None:
        """Submit; the page shows the receipt, which also lies beside the notebook."""
        folder = self.lab_folder()
        try:
            receipt = await asyncio.to_thread(submit_lab, folder)
        except CsirtlabError as error:
            self.show_problem(error)
            return
        sheet = case_sheet(folder)
        self.show(
            "receipt.html",
            receipt=receipt,
            title=sheet["title"] if sheet else folder.lab,
            file=f"receipt-{receipt.position}.json",
            notebook=self.notebook_url(folder),
        )


def case_sheet(folder: LabFolder) -> dict[str, Any] | None:
    """Return the lab's case sheet; None when the trainee has lost or damaged it."""
    try:
        sheet = json.loads((folder.path / "evidence" / "case.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return sheet if isinstance(sheet, dict) and {"title", "questions"} <= sheet.keys() else None


def fetch_lab(folder: LabFolder) -> None:
    """Put the released lab and the trainee's own evidence into ``folder``; their notebook is never overwritten."""
    with ExchangeClient.from_environment() as exchange:
        exchange.fetch_folder(folder.cohort, folder.lab, folder.path)


def submit_lab(folder: LabFolder) -> Receipt:
    """Submit what is saved in ``folder`` and keep the receipt beside it."""
    with ExchangeClient.from_environment() as exchange:
        receipt = exchange.submit(folder.cohort, folder.lab, folder.path)
    keep_receipt(receipt, folder.path)
    return receipt


def read_notebook(path: Path) -> dict[str, Any]:
    """Return a saved notebook.

    Raises:
        ExchangeError: What lies there is none: somebody wrote into it by hand.
    """
    try:
        notebook = json.loads(path.read_bytes())
    except ValueError:
        notebook = None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise ExchangeError(
            f"{path.name} cannot be read as a notebook. Rename it, open the lab again to get a fresh one, "
            "and copy your answers over."
        )
    return notebook


def open_questions(notebook: dict[str, Any], sheet: dict[str, Any]) -> list[str]:
    """Return the ids of questions for which the saved notebook's outputs hold no finding.

    Reports are prose and always count as answered here: only a reader can tell.
    """
    answered = answered_questions(notebook)
    asked = [question["id"] for question in sheet["questions"] if question["kind"] != "report"]
    return [question for question in asked if question not in answered]


def answered_questions(notebook: dict[str, Any]) -> set[str]:
    """Return the ids of the questions that the outputs of a notebook report a finding for."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    found = [output.get("data", {}).get(FINDING) for output in outputs]
    return {finding["question"] for finding in found if isinstance(finding, dict) and "question" in finding}


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "csirtlab.web.lab_server"}]


def _load_jupyter_server_extension(server: Any) -> None:
    base = server.web_app.settings["base_url"]
    server.web_app.add_handlers(
        ".*$",
        [
            *inert_handlers(base),
            (url_path_join(base, "csirtlab/open"), OpenHandler),
            (url_path_join(base, "csirtlab/submit"), SubmitHandler),
        ],
    )
    warn_if_unsafe(server.web_app)
    translator("web", _language())  # a broken installation shows at the start, not on the first page
    assert STATIC.is_dir(), STATIC
