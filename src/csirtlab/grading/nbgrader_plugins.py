"""nbgrader's steps that are ours: mend the notebook, run it in the box, write the verdicts.

They take the place of nbgrader's ``Execute``; everything before and after stays nbgrader's own.
"""

import atexit
import ctypes
import logging
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict, Unicode

from csirtlab.content.labs import Kind, Lab, read_lab
from csirtlab.errors import GradingError
from csirtlab.evidence.cases import case_digest
from csirtlab.grading import cases
from csirtlab.grading.box import UNSAFE_MARK, Box, is_unsafe
from csirtlab.grading.charging import charge, hints_of
from csirtlab.grading.cohort_folder import CohortFolder, read_cohort_folder
from csirtlab.grading.drawing import Share, shared_drawer
from csirtlab.grading.mending import VERDICT, mend
from csirtlab.grading.put_right import keep_notes, summary
from csirtlab.grading.refusing import RefusalError, WayOut
from csirtlab.grading.released import refuse_other_case, released_content
from csirtlab.grading.runs import STOPPED, BoxRun, Cell, Limits
from csirtlab.grading.sanitising import clean_attachments, clean_outputs
from csirtlab.grading.verdict_cells import judge_run, points_of, verdict_outputs
from csirtlab.settings import content_root

NotebookNode: TypeAlias = Any  # nbformat has no types
Resources: TypeAlias = Any  # nbconvert neither
RUN, EVIDENCE = "csirtlab_run", "csirtlab_evidence"


class Workplace:
    """The box and the shelf with which one thread grades submission after submission."""

    def __init__(self, log: logging.Logger | logging.LoggerAdapter[Any]) -> None:
        self.box = Box(log=log)
        self.shelf = cases.Shelf(cases.shared_folder())
        atexit.register(self.close)

    def close(self) -> None:
        """End the worker and remove all evidence."""
        atexit.unregister(self.close)
        self.box.close()
        self.shelf.close()


# A worker takes seconds to start and lives as long as its thread, so each thread keeps one for all the
# submissions that it grades; nbgrader makes its preprocessors anew for every notebook.
_kept = threading.local()


def shared_workplace(log: logging.Logger | logging.LoggerAdapter[Any]) -> Workplace:
    """Return this thread's workplace."""
    place: Workplace | None = getattr(_kept, "place", None)
    if place is None or place.box.unsafe != is_unsafe():
        close_shared_workplace()
        place = _kept.place = Workplace(log)
    return place


def close_shared_workplace() -> None:
    """Close this thread's workplace, if it has one."""
    place: Workplace | None = getattr(_kept, "place", None)
    if place is not None:
        place.close()
        _kept.place = None


class _Step(NbGraderPreprocessor):
    """A step that knows the cohort, the lab and the trainee."""

    cohort_folder = Unicode(help="The cohort's folder, with its secret and roster.").tag(config=True)
    content = Unicode(help="The folder with labs and datasets; empty: the installed one.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Take the step."""
        trainee = resources["nbgrader"]["student"]
        self.step(nb, resources, self.read_lab(resources), read_cohort_folder(Path(self.cohort_folder)), trainee)
        return nb, resources

    def read_lab(self, resources: Resources) -> Lab:
        """Return the lab; its notebook bears its name."""
        name, notebook = resources["nbgrader"]["assignment"], resources["nbgrader"]["notebook"]
        if name != notebook:
            raise RefusalError(
                "{notebook}.ipynb is not the notebook of the lab {lab}.", WayOut.OWN_NAME, notebook=notebook, lab=name
            )
        return read_lab(self.content_folder, name)

    @property
    def content_folder(self) -> Path:
        """The folder with labs and datasets."""
        return Path(self.content) if self.content else content_root()

    def scenarios_of(self, lab: Lab) -> Path:
        """Return the folder with a lab's scenario: as it was released, whatever is installed now."""
        return released_content(Path(self.cohort_folder), lab.name) or self.content_folder

    def say(self, level: int, message: str, *values: object) -> None:
        """Log; without walls, every line says so."""
        self.log.log(level, (UNSAFE_MARK if is_unsafe() else "") + message, *values)

    def step(self, nb: NotebookNode, resources: Resources, lab: Lab, cohort: CohortFolder, trainee: str) -> None:
        """Do what this step does to the notebook."""
        raise NotImplementedError


class MendNotebook(_Step):
    """Brings a submitted notebook back to the lab's shape, before nbgrader looks at it."""

    def step(self, nb: NotebookNode, resources: Resources, lab: Lab, cohort: CohortFolder, trainee: str) -> None:
        """Replace the cells by mended ones, and the notebook's metadata by what nbgrader needs."""
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            check_cells([str(cell.name) for cell in gradebook.find_notebook(lab.name, lab.name).grade_cells], lab)
        mended = mend(nb.cells, lab, cohort.language_of(trainee))
        keep_notes(cohort.path, lab.name, trainee, mended.notes)
        if mended.notes:
            line = summary(mended.notes, cohort.path, lab.name, trainee)
            self.say(logging.WARNING, "%s/%s: %s", trainee, lab.name, line)
        nb.cells = [_node(cell) for cell in mended.cells]
        nb.metadata = _node({"csirtlab": {"lab": lab.name, "language": str(cohort.language_of(trainee))}})
        # From here on, cells have ids.
        nb.nbformat, nb.nbformat_minor = 4, max(5, int(nb.nbformat_minor))


class RunInBox(_Step):
    """Runs the notebook in the box and keeps what it showed; takes the place of nbgrader's Execute."""

    limits = Dict(help="What a submission may use, where it is not the usual: names and values of Limits.").tag(
        config=True
    )

    def step(self, nb: NotebookNode, resources: Resources, lab: Lab, cohort: CohortFolder, trainee: str) -> None:
        """Put the cells' cleaned outputs into the notebook, and the run into the resources."""
        cells = [
            Cell(index, cell.source)
            for index, cell in enumerate(nb.cells)
            if cell.cell_type == "code" and not _grade_id(cell).startswith(VERDICT)
        ]
        place = shared_workplace(self.log)
        with place.shelf.folders(self.scenarios_of(lab), lab, cohort, trainee) as folders:
            _give_memory_back()
            run = place.box.run(cells, folders.own, folders.siblings, Limits(**self.limits))
        language, share = cohort.language_of(trainee), Share()
        draw = partial(shared_drawer().draw, "html", language=language, share=share)
        for index, cell in enumerate(nb.cells):
            if cell.cell_type == "code":
                cell.outputs = [_node(output) for output in clean_outputs(run.outputs.get(index, ()), draw, language)]
                cell.execution_count = run.counts.get(index)
            elif "attachments" in cell:
                cell.attachments = _node(clean_attachments(cell.attachments))
        if run.ended in STOPPED:
            self.say(logging.WARNING, "%s/%s: %s", trainee, lab.name, STOPPED[run.ended])
        resources[RUN], resources[EVIDENCE] = run, folders.digest


def _give_memory_back() -> None:
    """Return to the system what making evidence has left free: for as long as the box runs, nothing needs it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's, malloc_trim(3)
    if trim is not None:
        trim(0)


class WriteVerdicts(_Step):
    """Judges what was reported and writes each verdict as its cell's outputs."""

    def step(self, nb: NotebookNode, resources: Resources, lab: Lab, cohort: CohortFolder, trainee: str) -> None:
        """Replace the outputs of every verdict cell; each question must have exactly one."""
        run = resources.pop(RUN, None)
        if not isinstance(run, BoxRun):
            raise GradingError(
                "The notebook was not run. Let RunInBox stand before WriteVerdicts in the configuration."
            )
        language = cohort.language_of(trainee)
        truths = cases.truths(self.scenarios_of(lab), lab, cohort, trainee)
        submission = Path(self.cohort_folder, "submitted", trainee, lab.name)
        refuse_other_case(submission, case_digest(cohort.secret, resources.pop(EVIDENCE, ""), truths.facts))
        verdicts = charge(lab, judge_run(lab, run, truths, language), hints_of(submission), language)
        check_cells([_grade_id(cell) for cell in nb.cells if _about(cell).get("grade")], lab)
        for cell in nb.cells:
            question_id = _grade_id(cell).removeprefix(VERDICT)
            if _grade_id(cell) == VERDICT + question_id:
                question, verdict = lab.question(question_id), verdicts[question_id]
                cell.outputs = [_node(output) for output in verdict_outputs(lab, question, verdict, language)]
                cell.execution_count = None
        points = {name: points_of(lab.question(name), verdict) for name, verdict in verdicts.items()}
        self.say(logging.INFO, "%s/%s: %s", trainee, lab.name, _listed(points))


def check_cells(there: Sequence[str], lab: Lab) -> None:
    """Refuse to score what is not exactly the lab's questions: nbgrader would score what is there.

    Raises:
        RefusalError: The ids of graded cells, ``there``, are not those of ``lab``.
    """
    wanted = [question.id if question.kind is Kind.REPORT else VERDICT + question.id for question in lab.questions]
    if sorted(there) != sorted(wanted):
        odd = sorted(set(there) ^ set(wanted)) or sorted({name for name in there if there.count(name) > 1})
        raise RefusalError(
            'The graded cells are not those of "{lab}": {cells}.',
            WayOut.INSTRUCTORS_GENERATE,
            lab=lab.name,
            cells=", ".join(odd),
        )


def _about(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    about = cell.get("metadata", {}).get("nbgrader")
    return about if isinstance(about, Mapping) else {}


def _grade_id(cell: Mapping[str, Any]) -> str:
    return str(_about(cell).get("grade_id", ""))


def _listed(points: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in points.items())


def _node(value: object) -> NotebookNode:
    from nbformat import from_dict

    return from_dict(value)
