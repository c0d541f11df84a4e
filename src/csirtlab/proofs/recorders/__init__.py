"""Records dialogues of real programs, each in a network namespace of its own, for ``csirtlab.evidence.recorded``."""

from collections.abc import Callable, Mapping

from csirtlab.proofs.recorders import dns, http, modbus, smb, smtp, ssh, telnet, tls

RECORDERS: Mapping[str, Callable[[], dict[str, dict[str, object]]]] = {
    "dns": dns.record,
    "http": http.record,
    "modbus": modbus.record,
    "smb": smb.record,
    "smtp": smtp.record,
    "ssh": ssh.record,
    "telnet": telnet.record,
    "tls": tls.record,
}
"""What ``csirtlab evidence record`` can record; each returns its recordings by name."""
