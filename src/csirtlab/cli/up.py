"""``csirtlab up``: the hub of a machine, from its first start to Ctrl-C."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from csirtlab.cohorts.sign_ins import SignIn

AT_THE_TOP = True
commands = typer.Typer()


@commands.command(
    epilog="Example: csirtlab up --port 8443 --bind 0.0.0.0 --tls-cert fullchain.pem --tls-key privkey.pem"
)
def up(
    port: Annotated[int, typer.Option(help="Where people's browsers go.", min=1, max=65535)] = 8000,
    bind: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
    home: Annotated[Path | None, typer.Option(help="The one folder with all state.")] = None,
    demo: Annotated[bool, typer.Option(help="Create a demo cohort the first time.")] = True,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.", exists=True, dir_okay=False)] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.", exists=True, dir_okay=False)] = None,
    reverse_proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address of a reverse proxy of your own that stands before; may be given several times."),
    ] = None,
    subdomains: Annotated[
        str | None,
        typer.Option(help="Address of a wildcard name: each server gets an origin of its own under it."),
    ] = None,
    unsafe_no_box: Annotated[
        bool, typer.Option("--unsafe-no-box", help="No walls: anybody can read and change anybody's work.")
    ] = False,
) -> None:
    """Start the hub, and stop it with Ctrl-C. The first time, make a demo cohort to try it with."""
    from csirtlab.errors import SetupError
    from csirtlab.hub.run import Wanted, run_hub
    from csirtlab.origins import check_origin
    from csirtlab.settings import default_home

    if (tls_cert is None) != (tls_key is None):
        raise SetupError("--tls-cert and --tls-key go together: give both files, or neither.")
    console = Console(stderr=True, highlight=False)
    run_hub(
        Wanted(
            home=(home or default_home()).absolute(),
            bind=bind,
            port=port,
            certificate=tls_cert.absolute() if tls_cert else None,
            key=tls_key.absolute() if tls_key else None,
            is_unsafe=unsafe_no_box,
            has_demo=demo,
            origin=check_origin(subdomains) if subdomains else "",
            trusted=tuple(map(_address, reverse_proxy or ())),
        ),
        say=console.print,
        announce=_announce,
    )


def _address(text: str) -> str:
    from ipaddress import ip_network

    from csirtlab.errors import SetupError

    try:
        return str(ip_network(text))
    except ValueError:
        raise SetupError(
            f'--reverse-proxy "{text}" is no address. Give it as in 192.0.2.7, or a network: 192.0.2.0/24'
        ) from None


def _announce(url: str, people: list[SignIn]) -> None:
    console = Console(highlight=False)
    console.print(f"\nThe hub is at [bold]{url}[/bold]   (Ctrl-C stops it)\n")
    if people:
        table = Table("who", "user name", "passphrase", title="Demo cohort", title_justify="left", box=None)
        for person in people:
            table.add_row(f"{person.name} ({person.role})", person.username, person.passphrase or "as before")
        console.print(table)
