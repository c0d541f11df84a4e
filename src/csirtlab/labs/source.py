"""A lab as nbgrader's source assignment: the English notebook, and beside it the other languages."""

from collections.abc import Collection
from pathlib import Path

from csirtlab.content.labs import Lab
from csirtlab.labs.compile import NotebookNode, compile_lab
from csirtlab.labs.kept_scenario import SCENARIO, pack_scenario
from csirtlab.labs.texts import lab_languages
from csirtlab.languages import Language

VARIANTS = "languages"


def variant_name(lab: str, language: Language, members: Collection[str]) -> str:
    """Return which file of a released assignment is the notebook for a reader of ``language``.

    ``members`` are the file names of the release, relative to its folder. English where it has no other.
    """
    variant = _variant(language)
    return variant if variant in members else f"{lab}.ipynb"


def assemble_source(lab: Lab, folder: Path) -> None:
    """Write ``folder/<lab>.ipynb`` and ``folder/languages/``, replacing what was compiled before.

    ``folder`` is nbgrader's ``source/<lab>``; ``nbgrader generate_assignment`` takes it from there. The
    variants go along to the release as they are: nbgrader looks for notebooks at the top alone. So does
    ``scenario.zip``, from which the lab's cases are made once it is released.
    """
    compiled = {language: compile_lab(lab, language) for language in lab_languages(lab)}
    variants = folder / VARIANTS
    variants.mkdir(parents=True, exist_ok=True)
    for stale in variants.glob(Path(_variant(Language.EN)).name.replace("en.", "*.", 1)):
        stale.unlink()
    for language, notebook in compiled.items():
        name = f"{lab.name}.ipynb" if language is Language.EN else _variant(language)
        write_notebook(notebook, folder / name)
    if not any(variants.iterdir()):
        variants.rmdir()
    if packed := pack_scenario(lab):
        (folder / SCENARIO).write_bytes(packed)


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as JSON; the same notebook gives the same bytes."""
    import nbformat

    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def _variant(language: Language) -> str:
    # Not .ipynb: nbgrader's converters leave out everything with that ending when they copy a source's
    # other files (BaseConverter.init_assignment).
    return f"{VARIANTS}/{language}.json"
