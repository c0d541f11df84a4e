"""A lab for somebody who learns alone: notebook and evidence in a folder of their own, made from a seed."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from csirtlab.content.labs import Lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.errors import SetupError
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import case_seed
from csirtlab.kit.sheet import EVIDENCE
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.labs.compile import compile_lab
from csirtlab.labs.source import write_notebook
from csirtlab.labs.texts import lab_languages
from csirtlab.languages import Language

LEARNER = "learner"
COHORT = "alone"
STATE = ".csirtlab"


@dataclass(frozen=True)
class Prepared:
    """A lab that is ready to be opened; ``secret`` is what its cases are derived from."""

    notebook: Path
    secret: bytes
    is_new: bool  # False: the learner's own notebook was there already and stays as it is


def choose_language(lab: Lab, wanted: Language) -> Language:
    """Return ``wanted`` if the lab can be had in it, else English."""
    return wanted if wanted in lab_languages(lab) else Language.EN


def ensure_lab(content: Path, lab: Lab, folder: Path, language: Language, seed: str | None = None) -> Prepared:
    """Put ``lab`` into ``folder``: ``<lab>/<lab>.ipynb`` and its evidence.

    The same ``seed`` gives the same incident, anywhere. Without one the folder's own is used, drawn at
    the first time. A notebook that is there stays: it is the learner's work.

    Raises:
        SetupError: The folder cannot be written.
    """
    place = folder / lab.name
    try:
        (folder / STATE).mkdir(parents=True, exist_ok=True)
        text = _ensure_seed(folder / STATE / f"{lab.name}.json", seed)
        secret = text.encode()
        evidence = place / EVIDENCE
        # Another seed, or a newer program, makes another case in the same folder.
        scenario = read_scenario(content, lab.scenario)
        make_evidence(scenario, case_seed(secret, lab.name, LEARNER), evidence, replace=True)
        write_case_sheet(lab, evidence, cohort=COHORT, trainee=LEARNER, language=language)
        notebook = place / f"{lab.name}.ipynb"
        is_new = not notebook.exists()
        if is_new:
            write_notebook(compile_lab(lab, choose_language(lab, language)), notebook)
    except OSError as error:
        raise SetupError(f"{folder}: cannot be written: {error.strerror}. Name another: --folder DIR.") from error
    return Prepared(notebook, secret, is_new)


def _ensure_seed(path: Path, seed: str | None) -> str:
    if seed is None and path.is_file():
        return str(json.loads(path.read_text(encoding="utf-8"))["seed"])
    chosen = seed if seed is not None else secrets.token_hex(8)
    path.write_text(json.dumps({"seed": chosen}) + "\n", encoding="utf-8")
    return chosen
