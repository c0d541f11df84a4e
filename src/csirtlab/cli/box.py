"""``csirtlab box``: check that submissions can be sealed off here, and run one by hand."""

import json
from pathlib import Path
from typing import Annotated

import typer

from csirtlab.errors import CsirtlabError

commands = typer.Typer(help="The box in which submissions run.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]


@commands.command()
def check(as_json: Json = False) -> None:
    """Build a box, run a cell in it, and say which setting to change if that fails.

    Exit code 1 when no box can be built here.

    Example: csirtlab box check
    """
    from csirtlab.grading.box import probe_box
    from csirtlab.grading.probing import versions

    try:
        seconds = probe_box()
    except CsirtlabError as error:
        if as_json:
            print(json.dumps({"works": False, "problem": str(error), **versions()}))
        else:
            typer.echo(f"csirtlab: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps({"works": True, "seconds": round(seconds, 2), **versions()}))
    else:
        print(f"Submissions can be sealed off here; a worker is ready in {seconds:.1f} s.")


@commands.command()
def run(
    notebook: Annotated[Path, typer.Argument(help="A notebook.", exists=True, dir_okay=False)],
    case: Annotated[Path, typer.Option(help="The lab's folder, which holds evidence/.", exists=True, file_okay=False)],
) -> None:
    """Run a notebook in a box on a case and print what it reported, as JSON.

    Nothing is judged. Exit code 1 when the notebook had to be stopped.

    Example: csirtlab box run c2-beacon/c2-beacon.ipynb --case c2-beacon
    """
    import nbformat

    from csirtlab.grading.box import Box
    from csirtlab.grading.runs import STOPPED, Cell

    cells = nbformat.read(notebook, as_version=4).cells
    with Box() as box:
        result = box.run([Cell(n, cell.source) for n, cell in enumerate(cells) if cell.cell_type == "code"], case)
    errors = {
        str(index): f"{output['ename']}: {output['evalue']}"
        for index, outputs in result.outputs.items()
        for output in outputs
        if output["output_type"] == "error"
    }
    print(json.dumps({"ended": result.ended, "findings": result.findings, "errors": errors}, indent=1))
    if result.ended in STOPPED:
        typer.echo(STOPPED[result.ended], err=True)
        raise typer.Exit(1)
