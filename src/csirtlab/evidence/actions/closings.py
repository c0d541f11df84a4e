"""How programs end their connections, and whose TLS they speak."""

from random import Random

from csirtlab.evidence.actions.doing import Doing
from csirtlab.evidence.protocols.dialogues import Closing, Ending
from csirtlab.evidence.protocols.tls import farewell
from csirtlab.evidence.sampling import SECOND, heavy, nanoseconds, pick

_BROWSER_PROBES = 45 * SECOND  # Chrome's TCP keep-alive


def short_closing(rng: Random, *, server_closes: bool) -> Closing:
    """Return how a program ends a connection that has served its purpose."""
    ending = Ending.SERVER_FIN if server_closes else Ending.CLIENT_FIN
    return Closing(ending, nanoseconds(heavy(rng, 0.0008, 0.6)), 0, farewell(rng))


def browser_closing(rng: Random) -> Closing:
    """Return how a browser ends a connection, sooner or later."""
    bye = farewell(rng)
    share = rng.random()
    if share < 0.3:
        return Closing(Ending.SERVER_FIN, pick(rng, (60, 65, 75)) * SECOND, _BROWSER_PROBES, bye)
    if share < 0.4:
        return Closing(Ending.SERVER_FIN_CLIENT_RESET, nanoseconds(heavy(rng, 3, 30)), 0, bye)
    if share < 0.52:
        return Closing(Ending.CLIENT_RESET, nanoseconds(heavy(rng, 0.05, 40)))
    if share < 0.62:
        return Closing(Ending.OPEN, nanoseconds(heavy(rng, 60, 700)), _BROWSER_PROBES)
    return Closing(Ending.CLIENT_FIN, nanoseconds(heavy(rng, 0.3, 115)), _BROWSER_PROBES, bye)


def tls_of(doing: Doing) -> str:
    """Return whose TLS the action speaks on this host; only Windows has one that all its programs share."""
    client = doing.action.client or "library"
    return "library" if client == "system" and doing.host.stack.family != "windows" else client
