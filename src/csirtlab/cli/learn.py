"""``csirtlab learn``: one lab on this machine, without a hub, with the verdict at once."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from csirtlab.content.courses import course_names, read_course
from csirtlab.content.labs import Lab, read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.errors import SetupError
from csirtlab.languages import Language
from csirtlab.settings import content_root

AT_THE_TOP = True
commands = typer.Typer()


@commands.command()
def learn(
    lab: Annotated[str | None, typer.Argument(help="A lab; without it, the first of the first course.")] = None,
    language: Annotated[Language | None, typer.Option(help="The language; without it, this machine's.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the lab is kept. [~/csirtlab-labs]")] = None,
    seed: Annotated[str | None, typer.Option(help="Any text: the same text gives the same incident.")] = None,
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the lab in the browser.")] = True,
) -> None:
    """Open a lab without a hub: an incident of your own, and the verdict at once. Ctrl-C ends it.

    Example: csirtlab learn c2-beacon --language es
    """
    from csirtlab.kit.show import ambient_language
    from csirtlab.kit.verdicts import VARIABLE
    from csirtlab.labs.texts import lab_languages
    from csirtlab.offline.alone import STATE, choose_language, ensure_lab
    from csirtlab.offline.jupyter import start_lab, stop_lab, write_config
    from csirtlab.offline.verdict_service import VerdictService

    content = content_root()
    chosen = read_lab(content, lab or _first_lab(content))
    if language and language not in lab_languages(chosen):
        known = ", ".join(lab_languages(chosen))
        raise SetupError(f'the lab "{chosen.name}" is not there in "{language}". Choose one of: {known}.')
    spoken = language or choose_language(chosen, Language(ambient_language()))
    root = (folder or Path.home() / "csirtlab-labs").resolve()
    prepared = ensure_lab(content, chosen, root, spoken, seed)
    if not prepared.is_new:
        typer.echo(f"Your notebook {prepared.notebook} is kept. Delete it to begin anew.", err=True)
    config = root / STATE / "jupyter"
    write_config(config, spoken)
    scenario = read_scenario(content, chosen.scenario)
    with VerdictService(chosen, scenario, prepared.secret) as service:
        environment = {VARIABLE: service.address, "CSIRTLAB_LANGUAGE": str(spoken)}
        running = start_lab(root, prepared.notebook, config, port, environment)
        try:
            typer.echo(running.address)
            typer.echo("Ctrl-C here ends the lab; your work stays.", err=True)
            if browser:
                webbrowser.open(running.address)
            running.process.wait()
        except KeyboardInterrupt:
            typer.echo("Ending.", err=True)
        finally:
            stop_lab(running.process)


def _first_lab(content: Path) -> str:
    courses = course_names(content)
    if not courses:
        raise SetupError(f"there are no courses in {content}. Name a lab: csirtlab learn LAB.")
    labs: tuple[Lab, ...] = read_course(content, courses[0]).labs
    return labs[0].name
