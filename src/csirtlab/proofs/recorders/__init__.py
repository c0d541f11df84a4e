"""Records dialogues of real programs, each in a network namespace of its own, for ``csirtlab.evidence.recorded``."""

from collections.abc import Callable, Mapping

from csirtlab.proofs.recorders import ssh

RECORDERS: Mapping[str, Callable[[], dict[str, dict[str, object]]]] = {"ssh": ssh.record}
"""What ``csirtlab evidence record`` can record; each returns its recordings by name."""
