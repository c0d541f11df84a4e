"""Witnesses: short solvers that find a fact in the evidence, and the guesses of somebody who does not look.

Both see a ``CaptureView`` and nothing else. Their names stand in ``csirtlab.content.vocabulary``, in the module of the
same subject; a module here has ``SOLVERS``, ``GUESSES`` or both, and is found by itself.
"""

from collections.abc import Callable, Mapping

from csirtlab.evidence.model import FactValue
from csirtlab.proofs.capture_view import CaptureView
from csirtlab.siblings import joined

Solver = Callable[[CaptureView], FactValue]

SOLVERS: Mapping[str, Solver] = joined(__name__, "SOLVERS")
"""How each witness of the vocabulary finds its fact."""

GUESSES: Mapping[str, Solver] = joined(__name__, "GUESSES")
"""What somebody guesses who does not look."""
