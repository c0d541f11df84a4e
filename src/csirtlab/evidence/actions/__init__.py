"""The verbs of scenarios: what each makes its hosts wish for, and when.

A module holds the verbs of one subject, one function per verb, all of the same form: what a host is given to do,
with a stream of its own -> wishes in any order.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random

from csirtlab.content.scenarios import Action
from csirtlab.evidence.actions import (
    calling,
    custody,
    devices,
    flows,
    logins,
    mailing,
    office,
    plants,
    proxying,
    scanning,
    tunnelling,
    websites,
    worms,
)
from csirtlab.evidence.actions.doing import Doing
from csirtlab.evidence.intents import Remark, Wish
from csirtlab.evidence.topology import Cast

_SUBJECTS = (
    office,
    calling,
    scanning,
    logins,
    tunnelling,
    websites,
    custody,
    proxying,
    mailing,
    devices,
    worms,
    plants,
    flows,
)

DOERS: Mapping[str, Callable[[Doing], Iterator[Wish | Remark]]] = {
    verb: doer for subject in _SUBJECTS for verb, doer in subject.DOERS.items()
}
"""The behaviour of each verb of ``csirtlab.content.vocabulary``."""


def wishes_of(cast: Cast, action: Action, rng: Random) -> Iterator[Wish | Remark]:
    """Yield what ``action`` makes its hosts wish for, and what it remarks."""
    servers = cast.services.get(action.target or "") or cast.groups.get(action.target or "", ())
    for host in cast.groups.get(action.source) or cast.services[action.source]:
        yield from DOERS[action.verb](Doing(cast, action, host, servers, rng))
