"""Whether what a trainee receives beside the evidence gives an answer away: facts are searched for in it."""

import datetime as dt
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from csirtlab.content.labs import Lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import ground_truth, make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.labs.compile import compile_lab
from csirtlab.labs.texts import lab_languages, lab_texts
from csirtlab.languages import Language

_FEWEST_DIGITS = 5  # a shorter number stands in a notebook by chance
_FEWEST_LETTERS = 4


def leak_problems(content: Path, lab: Lab, seeds: int) -> list[str]:
    """Return each fact of the seeds 0 to ``seeds`` - 1 that stands in a file a trainee gets, the evidence aside.

    The notebook is read in every language, the hints too, and each case's own sheet.
    """
    scenario = read_scenario(content, lab.scenario)
    shared = {f"the notebook in {each}": _notebook(lab, each) for each in lab_languages(lab)}
    problems = []
    for number in range(seeds):
        seed = seed_of_text(f"leaks/{lab.name}/{number}")
        # Values of a short list stand in every notebook: the names of three copies, the kinds of a scan.
        short = {fact.name for fact in scenario.facts if fact.is_from_short_list}
        truth = {name: value for name, value in ground_truth(scenario, seed).items() if name not in short}
        with tempfile.TemporaryDirectory(prefix="csirtlab-leaks-") as name:
            folder = Path(name)
            make_evidence(scenario, seed, folder)
            write_case_sheet(lab, folder, cohort="leaks", trainee="nobody", language=Language.EN)
            files = {**shared, "the case sheet": (folder / "case.json").read_text(encoding="utf-8")}
        problems += [
            f"{lab.folder}/lab.md:1: {place} gives away {fact} of case {number}: it holds {text}. Take it out."
            for place, fact, text in found_in(files, truth)
        ]
    return problems


def found_in(files: Mapping[str, str], truth: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Yield where a fact's value stands: the file, the fact, the text that gives it away."""
    for fact, value in truth.items():
        for text in telling_texts(value):
            pattern = re.compile(rf"(?<![\w.]){re.escape(text)}(?![\w])", re.IGNORECASE)
            for place, content in files.items():
                if pattern.search(content):
                    yield place, fact, text


def telling_texts(value: object) -> Iterator[str]:
    """Yield how a fact's value would be written, where that could not stand in a notebook by chance."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from telling_texts(part)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in sorted(value, key=str):
            yield from telling_texts(part)
    elif isinstance(value, dt.datetime):
        yield value.strftime("%Y-%m-%dT%H:%M:%S")
        yield value.strftime("%Y-%m-%d %H:%M:%S")
        yield value.strftime("%H:%M:%S")
    elif isinstance(value, bool):
        return
    elif isinstance(value, float):
        if len(f"{value:.3f}".replace(".", "")) >= _FEWEST_DIGITS:
            yield f"{value:.3f}"
    elif isinstance(value, int):
        if len(str(value)) >= _FEWEST_DIGITS:
            yield str(value)
    elif isinstance(value, str) and len(value) >= _FEWEST_LETTERS and re.search(r"[\d./@-]", value):
        yield value  # a plain word may be a choice, which the notebook must name


def _notebook(lab: Lab, language: Language) -> str:
    hints = [hint for texts in lab_texts(lab, language).questions.values() for hint in texts.hints]
    return "\n".join([*(str(cell.source) for cell in compile_lab(lab, language).cells), *hints])
