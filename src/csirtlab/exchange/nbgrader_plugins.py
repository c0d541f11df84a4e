"""nbgrader's exchange over the exchange service: the classes that ``ExchangeFactory`` is given.

Names are nbgrader's own, so that its configuration sections and messages fit; *student* and
*assignment* become *trainee* and *lab* here and nowhere else.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NoReturn

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.api import NbGraderAPI
from nbgrader.exchange import abc
from traitlets import Bool

from csirtlab.errors import ExchangeError
from csirtlab.exchange.archives import pack
from csirtlab.exchange.client import ExchangeClient, Unreachable
from csirtlab.exchange.nbgrader_lists import (
    describe,
    feedback_folder,
    feedback_marker,
    released_rows,
    submitted_rows,
    timestamp,
)
from csirtlab.exchange.receipts import Receipt
from csirtlab.exchange.refusals import ReceiptError
from csirtlab.exchange.refused_pages import RefusedPage, refused_pages
from csirtlab.exchange.replies import Submission
from csirtlab.exchange.work import keep_receipt, pack_work, unpack
from csirtlab.labs.hints import HINTS_FILE, hints_text
from csirtlab.labs.kept_scenario import CASE_FILE
from csirtlab.labs.refused import MARK

ANYBODY = ("", "*")


class Exchange(abc.Exchange):
    """What all share: the client, and errors told as nbgrader tells them."""

    path_includes_course = Bool(
        True, help="Whether a lab's folder lies in one of its cohort (COHORT/LAB) or directly where nbgrader runs."
    ).tag(config=True)

    def __init__(self, coursedir: Any = None, authenticator: Any = None, **rest: Any) -> None:
        rest.pop("authentictor", None)  # nbgrader 0.9.6 misspells it in two places of its API
        super().__init__(coursedir=coursedir, authenticator=authenticator, **rest)

    def fail(self, msg: str) -> NoReturn:
        """Say what went wrong, and stop as nbgrader's operations do."""
        self.log.fatal(msg)
        raise abc.ExchangeError(msg)

    @property
    def courses(self) -> Any:
        """Where nbgrader keeps this cohort's folders, and which student and lab the operation is about."""
        return self.coursedir

    @contextmanager
    def client(self) -> Iterator[ExchangeClient]:
        """Give the client for one operation; what the exchange refuses fails as nbgrader's operations do."""
        try:
            with ExchangeClient.from_environment() as client:
                yield client
        except ExchangeError as error:
            self.fail(str(error))

    @property
    def cohort(self) -> str:
        """The cohort that this is about."""
        cohort = self.courses.course_id or os.environ.get("CSIRTLAB_COHORT")
        if not cohort:
            self.fail("Which cohort? Add: --course COHORT")
        return str(cohort)

    @property
    def lab(self) -> str:
        """The lab that this is about."""
        return str(self.courses.assignment_id)

    def place(self, cohort: str, lab: str) -> Path:
        """Return the folder of a lab in the caller's home."""
        base = Path(self.assignment_dir).absolute()
        return base / cohort / lab if self.path_includes_course else base / lab

    def refuse_other_student(self) -> None:
        """Refuse ``--student``: on this side, the token says who one is."""
        if self.courses.student_id not in ANYBODY:
            self.fail(
                f"The exchange takes your name from your sign-in; --student={self.courses.student_id} is not "
                "possible. Leave --student out."
            )

    def concerns(self, student: str) -> bool:
        """Return whether an operation over students is about this one (``--student``, ``student_id_exclude``)."""
        wanted = self.courses.student_id or "*"
        excluded = [name.strip() for name in self.courses.student_id_exclude.split(",")]
        return fnmatch(student, wanted) and student not in excluded

    def init_src(self) -> None:
        """Check what is to be handed over; nothing by default."""

    def init_dest(self) -> None:
        """Check where it goes; nothing by default."""

    def copy_files(self) -> None:
        """Hand over; nothing by default."""

    def each(self, names: list[str], do: Callable[[str], None]) -> None:
        """Do it for each name; one that fails does not keep the others from being done."""
        failed = []
        for name in names:
            try:
                do(name)
            except (ExchangeError, OSError) as error:
                if isinstance(error, Unreachable):
                    raise
                self.log.error("%s: %s", name, error)
                failed.append(name)
        if failed:
            self.fail(f"Not done for {', '.join(failed)}: the reasons stand above. The others are done.")


class ExchangeFetchAssignment(Exchange, abc.ExchangeFetchAssignment):
    """``nbgrader fetch_assignment LAB``: the lab with one's own case."""

    def copy_files(self) -> None:
        """Fill the lab's folder; nothing that is there is overwritten."""
        folder = self.place(self.cohort, self.lab)
        if folder.is_dir() and not self.replace_missing_files:
            self.fail(f"You have this lab already: {folder}. To get back files that are missing, add: --replace")
        with self.client() as client:
            client.fetch_folder(self.cohort, self.lab, folder)
        self.log.info("Fetched as: %s %s", self.cohort, self.lab)


class ExchangeSubmit(Exchange, abc.ExchangeSubmit):
    """``nbgrader submit LAB``: hand in, and get a receipt."""

    def init_src(self) -> None:
        """Find the folder; a path may be given for the lab, as nbgrader allows."""
        self.refuse_other_student()
        self.courses.assignment_id = Path(self.lab).name
        self.folder = self.place(self.cohort, self.lab)

    def copy_files(self) -> None:
        """Pack and send; the receipt is kept beside the notebook."""
        with self.client() as client:
            packing = pack_work(self.folder, self.lab)
            if packing.left_out:
                self.log.warning("Left out (large, or notebooks that nobody grades): %s", ", ".join(packing.left_out))
            receipt = client.send(self.cohort, self.lab, packing.content)
        path = keep_receipt(receipt, self.folder)
        self.timestamp = timestamp(receipt.time)
        self.log.info("Submitted as: %s %s %s", self.cohort, self.lab, self.timestamp)
        self.log.info("Your receipt: %s", path)


class ExchangeFetchFeedback(Exchange, abc.ExchangeFetchFeedback):
    """``nbgrader fetch_feedback LAB``: one's own feedback, per submission."""

    def init_src(self) -> None:
        """Only one's own can be fetched."""
        self.refuse_other_student()

    def copy_files(self) -> None:
        """Put the feedback on each submission into the lab's folder, below ``feedback/``."""
        folder = self.place(self.cohort, self.lab)
        with self.client() as client:
            own = client.labs()
            listed = [lab for lab in own.labs if (lab.cohort, lab.lab) == (self.cohort, self.lab)]
            judged = [submission for lab in listed for submission in lab.submissions if submission.feedback]
            for submission in judged:
                assert submission.feedback is not None
                content = client.feedback(self.cohort, self.lab, submission=submission.id)
                place = feedback_folder(folder, submission)
                shutil.rmtree(place, ignore_errors=True)
                unpack(content, place)
                feedback_marker(folder, submission).write_text(submission.feedback.content)
                self.log.info("Fetched feedback: %s", place)
        if not judged:
            self.log.warning("There is no feedback on %s yet. It comes when the instructor releases it.", self.lab)


class ExchangeList(Exchange, abc.ExchangeList):
    """``nbgrader list``: released labs, own submissions (``--cached``), everybody's (``--inbound``)."""

    def _is_wanted(self, cohort: str, lab: str) -> bool:
        return self.courses.course_id in ("", "*", cohort) and self.lab in ("", "*", lab)

    def list_files(self) -> list[dict[str, Any]]:
        """Return and log the rows; what they hold, nbgrader's panels read."""
        try:
            with ExchangeClient.from_environment() as client:
                rows = self._submitted(client) if self.inbound or self.cached else self._released(client)
        except Unreachable as error:
            if not isinstance(self.parent, NbGraderAPI):
                self.fail(str(error))
            # formgrader asks once, at its start, and would do without an exchange for ever if this failed.
            self.log.error("%s", error)
            return []
        except ExchangeError as error:
            self.fail(str(error))
        return rows

    def _released(self, client: ExchangeClient) -> list[dict[str, Any]]:
        labs = [lab for lab in client.labs().labs if self._is_wanted(lab.cohort, lab.lab)]
        rows = released_rows(labs, self.place)
        self.log.info("Released assignments:")
        for row in rows:
            fetched = " (already downloaded)" if row["status"] == "fetched" else ""
            self.log.info("%s %s%s", row["course_id"], row["assignment_id"], fetched)
        return rows

    def _submitted(self, client: ExchangeClient) -> list[dict[str, Any]]:
        labs = [lab for lab in client.labs().labs if self._is_wanted(lab.cohort, lab.lab)]
        if self.inbound:
            found = [(lab.cohort, lab.lab, each) for lab in labs for each in client.submissions(lab.cohort, lab.lab)]
            found = [each for each in found if self.concerns(each[2].trainee)]
        else:
            found = [(lab.cohort, lab.lab, each) for lab in labs for each in lab.submissions]
        rows = submitted_rows(found, self.place, fetched=Path.is_file)
        self.log.info("Submitted assignments:")
        for row in rows:
            for submission in row["submissions"]:
                self.log.info("%s", describe(submission))
        return rows

    def remove_files(self) -> list[dict[str, Any]]:
        """Withdraw released labs; submissions cannot be removed by anybody."""
        if self.inbound or self.cached:
            self.fail("Submissions are kept for good: nobody can remove them. Leave --remove out.")
        with self.client() as client:
            rows = self._released(client)
            for row in rows:
                client.withdraw(row["course_id"], row["assignment_id"])
                self.log.info("Withdrawn: %s %s", row["course_id"], row["assignment_id"])
        return [{**row, "status": "removed"} for row in rows]


class ExchangeReleaseAssignment(Exchange, abc.ExchangeReleaseAssignment):
    """``nbgrader release_assignment LAB``: give the lab to the cohort."""

    def init_src(self) -> None:
        """Find the release folder that ``nbgrader generate_assignment`` made."""
        self.folder = Path(self.courses.format_path(self.courses.release_directory, ".", self.lab))
        if not self.folder.is_dir():
            self.fail(f"There is no {self.folder}. Make it first: nbgrader generate_assignment {self.lab}")

    def copy_files(self) -> None:
        """Upload the folder; one that is released already is only replaced with ``--force``."""
        with self.client() as client:
            released = [lab for lab in client.labs().labs if lab.released]
            if not self.force and (self.cohort, self.lab) in [(lab.cohort, lab.lab) for lab in released]:
                self.fail(f"{self.lab} is released in {self.cohort} already. To replace it, add: --force")
            client.release(self.cohort, self.lab, pack(_folder_files(self.folder, self.courses.ignore)))
        self.log.info("Released as: %s %s", self.cohort, self.lab)


class ExchangeReleaseFeedback(Exchange, abc.ExchangeReleaseFeedback):
    """``nbgrader release_feedback LAB``: each trainee gets the feedback on the submission that was graded.

    Whose submission was refused gets the page with the reason, as feedback on that submission.
    """

    def copy_files(self) -> None:
        """Upload ``feedback/STUDENT/LAB/*.html`` and ``refused/LAB/STUDENT.html``."""
        pattern = self.courses.format_path(self.courses.feedback_directory, "*", self.lab)
        root = Path(self.courses.root)
        found = sorted(root.glob(str(Path(pattern).relative_to(root))))
        students = [folder.parent.name for folder in found if any(folder.glob("*.html"))]
        students = [student for student in students if self.concerns(student)]
        refused = {page.trainee: page for page in self._refused(root)}
        if not students and not refused:
            self.log.warning(
                "There is no feedback on %s to release. Run: nbgrader generate_feedback %s", *[self.lab] * 2
            )
        with self.client() as client:

            def give(student: str) -> None:
                if student in students:
                    self._release(client, student, refused.get(student))
                if student in refused:
                    self._tell_refusal(client, refused[student])

            self.each(sorted({*students, *refused}), give)

    def _refused(self, root: Path) -> Iterator[RefusedPage]:
        for page in refused_pages(root, self.lab):
            if not self.concerns(page.trainee):
                continue
            graded = self._receipt(self.courses.autograded_directory, page.trainee)
            if page.submission is None:
                self.log.warning(
                    "%s was not graded, and it is not known on which submission to tell it: it was not collected from "
                    "the exchange. Tell the reason yourself: %s",
                    page.trainee,
                    page.path,
                )
            elif graded is None or graded.position != page.submission:
                yield page

    def _release(self, client: ExchangeClient, student: str, refused: RefusedPage | None) -> None:
        folder = Path(self.courses.format_path(self.courses.feedback_directory, student, self.lab))
        receipt = self._receipt(self.courses.feedback_directory, student)
        if refused and receipt and receipt.position == refused.submission:
            return  # it is from before the same submission was refused
        pages = [(page.name, page.read_bytes()) for page in folder.glob("*.html")]
        client.give_feedback(
            self.cohort, self.lab, student, pack(pages), submission=receipt.position if receipt else None
        )
        self.log.info("Feedback released: %s %s %s", self.cohort, self.lab, student)

    def _tell_refusal(self, client: ExchangeClient, page: RefusedPage) -> None:
        # Under the name that nbgrader's lists look for.
        content = pack([(f"{self.lab}.html", page.path.read_bytes()), (MARK, page.told.encode())])
        client.give_feedback(self.cohort, self.lab, page.trainee, content, submission=page.submission)
        self.log.info(
            "Told why it was not graded: %s %s %s, submission %s",
            self.cohort,
            self.lab,
            page.trainee,
            page.submission,
        )

    def _receipt(self, directory: str, student: str) -> Receipt | None:
        return _receipt_in(Path(self.courses.format_path(directory, student, self.lab)))


class ExchangeCollect(Exchange, abc.ExchangeCollect):
    """``nbgrader collect LAB``: the submissions to grade, one per trainee, into ``submitted/``."""

    def init_src(self) -> None:
        """Read the due date, for ``--before-duedate``."""
        self.duedate: datetime | None = None
        if self.before_duedate:
            with Gradebook(self.courses.db_url, self.cohort) as gradebook:
                try:
                    assignment: Any = gradebook.find_assignment(self.lab)
                    naive = assignment.duedate  # in UTC
                except MissingEntry:
                    naive = None
            self.duedate = naive.replace(tzinfo=UTC) if naive else None

    def copy_files(self) -> None:
        """Fetch what is not there yet; with ``--update``, what is newer than what is there."""
        with self.client() as client:
            by_student: dict[str, list[Submission]] = {}
            for submission in client.submissions(self.cohort, self.lab):
                if submission.is_trainee and self.concerns(submission.trainee):
                    by_student.setdefault(submission.trainee, []).append(submission)
            if not by_student:
                self.log.warning("No submissions of '%s' in '%s' to collect", self.lab, self.cohort)
            chosen = {student: self._choose(submissions) for student, submissions in by_student.items()}
            self.each(sorted(chosen), lambda student: self._collect(client, chosen[student]))

    def _choose(self, submissions: list[Submission]) -> Submission:
        in_time = [each for each in submissions if self.duedate is not None and each.time <= self.duedate]
        return (in_time or submissions)[-1]

    def _collect(self, client: ExchangeClient, submission: Submission) -> None:
        student = submission.trainee
        folder = Path(self.courses.format_path(self.courses.submitted_directory, student, self.lab))
        if not self._is_to_be_written(folder, submission):
            way_out = "" if self.update else ", use --update to update"
            self.log.info("Submission already collected%s: %s %s", way_out, student, self.lab)
            return
        content = client.submission(self.cohort, submission)
        _write_submitted(folder, content, submission)
        self.log.info("Collected: %s %s %s", student, self.lab, timestamp(submission.time))

    def _is_to_be_written(self, folder: Path, submission: Submission) -> bool:
        if not folder.is_dir():
            return True
        there = _receipt_in(folder)
        if there == submission.receipt:
            return False
        is_newer = there is None or submission.id > there.position
        return bool((self.update and is_newer) or self.before_duedate)


def _receipt_in(folder: Path) -> Receipt | None:
    """Return the receipt that collecting left in ``submitted/``, and that nbgrader copies on to ``feedback/``."""
    try:
        return Receipt.from_json((folder / "receipt.json").read_bytes())
    except (OSError, ReceiptError):
        return None


def _write_submitted(folder: Path, content: bytes, submission: Submission) -> None:
    """Write a submission's folder whole or not at all.

    Our time, receipt, list of hints and digest of the case take the place of any that came with it.
    """
    aside, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    for left in (aside, old):
        shutil.rmtree(left, ignore_errors=True)
    unpack(content, aside)
    for name, text in (
        ("timestamp.txt", timestamp(submission.receipt.time)),
        ("receipt.json", submission.receipt.to_json()),
        (HINTS_FILE, hints_text(submission.hints)),
        (CASE_FILE, f"{submission.case or ''}\n"),
    ):
        path = aside / name
        if path.is_dir():
            shutil.rmtree(path)
        path.write_text(text, encoding="utf-8")
    if folder.exists():
        folder.rename(old)
    aside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _folder_files(folder: Path, ignored: list[str]) -> list[tuple[str, bytes]]:
    files = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        is_ignored = any(part.startswith(".") or any(fnmatch(part, glob) for glob in ignored) for part in parts)
        if path.is_file() and not path.is_symlink() and not is_ignored:
            files.append(("/".join(parts), path.read_bytes()))
    return files
