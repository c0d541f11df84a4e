"""Witnesses: short solvers that find a fact in the evidence, and the guesses of somebody who does not look.

Both see a ``Sight`` and nothing else. Their names stand in ``csirtlab.content.vocabulary``, in the module of the
same subject.
"""

from collections.abc import Callable, Mapping

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.sensor import Sight
from csirtlab.proofs.solvers import (
    calling,
    custody,
    logins,
    mailing,
    office,
    plants,
    scanning,
    tunnelling,
    websites,
    worms,
)

Solver = Callable[[Sight], FactValue]

_SUBJECTS = (office, calling, scanning, logins, tunnelling, websites, custody, mailing, worms, plants)

SOLVERS: Mapping[str, Solver] = {name: solver for subject in _SUBJECTS for name, solver in subject.SOLVERS.items()}
"""How each witness of the vocabulary finds its fact."""

GUESSES: Mapping[str, Solver] = {name: guess for subject in _SUBJECTS for name, guess in subject.GUESSES.items()}
"""What somebody guesses who does not look."""
