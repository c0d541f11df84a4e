"""``csirtlab receipt``: check the proof that a submission is kept."""

from pathlib import Path
from typing import Annotated

import typer

from csirtlab.errors import ExchangeError

commands = typer.Typer(help="Receipts of submissions.", no_args_is_help=True)


@commands.callback()
def receipt() -> None:
    """Receipts of submissions."""


@commands.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The receipt, as it was given when submitting.", metavar="FILE")],
    key: Annotated[Path, typer.Option(help="The exchange's public key (its /key address, or key.pub.pem).")],
) -> None:
    """Check a receipt without the server; exit 1 if it is not genuine.

    Example: csirtlab receipt verify receipts/17.json --key key.pub.pem
    """
    from csirtlab.exchange.entries import time_text
    from csirtlab.exchange.receipts import Receipt, read_public_key, verify_receipt

    checked = Receipt.from_json(_read(file))
    verify_receipt(checked, read_public_key(_read(key)))
    print(
        f"Genuine: {checked.trainee} submitted {checked.lab} in {checked.cohort} at {time_text(checked.time)}; "
        f"entry {checked.position} of the log, content {checked.content}."
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExchangeError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
