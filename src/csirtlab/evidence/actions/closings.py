"""How programs end their connections, and whose TLS they speak."""

from random import Random

from csirtlab.evidence.actions.doing import Doing
from csirtlab.evidence.dialogues import Closing, Ending
from csirtlab.evidence.dice import heavy, nanoseconds
from csirtlab.evidence.tls import farewell


def short_closing(rng: Random, *, server_closes: bool) -> Closing:
    """Return how a program ends a connection that has served its purpose."""
    ending = Ending.SERVER_FIN if server_closes else Ending.CLIENT_FIN
    return Closing(ending, nanoseconds(heavy(rng, 0.0008, 0.6)), 0, farewell(rng))


def tls_of(doing: Doing) -> str:
    """Return whose TLS the action speaks on this host; only Windows has one that all its programs share."""
    client = doing.action.client or "library"
    return "library" if client == "system" and doing.host.stack.family != "windows" else client
