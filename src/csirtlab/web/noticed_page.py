"""The page of what grading noticed, on a cohort's own server."""

import asyncio
from pathlib import Path

from jupyter_server.utils import url_path_join
from tornado import web  # type: ignore[attr-defined]  # tornado does not list it

from csirtlab.content.labs import LAB_NAME
from csirtlab.errors import CsirtlabError
from csirtlab.grading.cohort_folder import CohortFolder, read_cohort_folder, read_course_name
from csirtlab.grading.neighbours import MOST_CHANCE
from csirtlab.languages import Language
from csirtlab.settings import content_root
from csirtlab.web.comparing import Comparisons
from csirtlab.web.noticed import noticed_labs
from csirtlab.web.pages import preferred_language
from csirtlab.web.server_pages import PageHandler


class NoticedHandler(PageHandler):
    """What grading noticed; the hub lets in whom the workshop's pages shared this server with, instructors alone."""

    def initialize(self, folder: Path, comparisons: Comparisons) -> None:
        """Take the cohort's folder, and the comparisons that go on in it."""
        self.folder, self.comparisons = folder, comparisons
        self.cohort: CohortFolder | None = None

    def language(self) -> Language:
        """Return the instructor's own, else what their browser asks for."""
        name = getattr(self.current_user, "username", "")
        asked = preferred_language(self.request.headers.get("Accept-Language", ""))
        return self.cohort.languages.get(name, asked) if self.cohort else asked

    @web.authenticated
    async def get(self) -> None:
        """Show each lab."""
        try:
            self.cohort = await asyncio.to_thread(read_cohort_folder, self.folder)
            course = await asyncio.to_thread(read_course_name, self.folder)
            labs = await asyncio.to_thread(noticed_labs, self.folder, content_root(), course, self.language())
        except CsirtlabError as error:
            self.set_status(500)
            self.show("problem.html", message=str(error))
            return
        self.show(
            "noticed.html",
            cohort=self.cohort.name,
            noticed=labs,
            running=self.comparisons.running,
            again=self._again(),
            problems={lab.name: self.comparisons.problem(lab.name) for lab in labs},
            most_chance=MOST_CHANCE,
            formgrader=f"{url_path_join(self.base_url, 'formgrader')}/",
            xsrf=self.xsrf_token.decode(),
        )

    def _again(self) -> str:
        """Return where the page looks again while something runs: at the lab, and each time at another address.

        With a fragment, the same address would be found in the page itself, which would never be loaded again.
        """
        look = self.get_query_argument("look", "0")
        number = int(look) + 1 if look.isdecimal() and len(look) < 6 else 1
        return f"{self.request.path}?look={number}#lab-{min(self.comparisons.running, default='')}"

    @web.authenticated
    async def post(self) -> None:
        """Begin to compare a lab's answers; the page shows how it stands."""
        lab = self.get_body_argument("lab", "")
        if not LAB_NAME.fullmatch(lab) or not any(self.folder.glob(f"autograded/*/{lab}/{lab}.ipynb")):
            self.set_status(400)
            self.show(
                "problem.html", message="No submission to this lab has been graded yet: there is nothing to compare."
            )
            return
        self.comparisons.start(lab)
        self.redirect(f"{self.request.path}#lab-{lab}", status=303)
