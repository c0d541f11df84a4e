"""Records dialogues of real programs, each in a network namespace of its own, for ``csirtlab.evidence.recorded``."""

from collections.abc import Callable, Mapping

from csirtlab.proofs.recorders import http, smb, smtp, ssh, tls

RECORDERS: Mapping[str, Callable[[], dict[str, dict[str, object]]]] = {
    "http": http.record,
    "smb": smb.record,
    "smtp": smtp.record,
    "ssh": ssh.record,
    "tls": tls.record,
}
"""What ``csirtlab evidence record`` can record; each returns its recordings by name."""
