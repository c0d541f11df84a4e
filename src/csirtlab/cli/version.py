"""``csirtlab version``: which version this is."""

import typer

AT_THE_TOP = True
commands = typer.Typer()


@commands.command(epilog="Example: csirtlab version")
def version() -> None:
    """Print the version."""
    import csirtlab

    print(csirtlab.__version__)
