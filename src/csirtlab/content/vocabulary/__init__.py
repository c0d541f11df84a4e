"""The words with which a scenario is written: systems, actions and their parameters, measures.

This says what may stand in a file; ``csirtlab.evidence`` gives each word its behaviour. A module here holds the
words of one subject: ``VERBS``, and where it has them ``WITNESSES`` and ``GUESSES`` with the files that they read in
``READS``. A new module is found by itself; modules of the same name in ``csirtlab.evidence.subjects`` and
``csirtlab.proofs.solvers`` hold what the words mean.
"""

from collections.abc import Mapping

from csirtlab.content.labs import Form
from csirtlab.content.vocabulary.words import Parameter, Verb
from csirtlab.siblings import joined

__all__ = [
    "CLIENTS",
    "FIELDS",
    "GUESSES",
    "MEASURES",
    "PEOPLES",
    "READ",
    "SYSTEMS",
    "TAKES",
    "VERBS",
    "WITNESSES",
    "WRITTEN",
    "Parameter",
    "Verb",
    "read_by",
]

SYSTEMS: Mapping[str, str] = {
    "windows-11": "windows",
    "windows-10": "windows",
    "windows-server": "windows",
    "macos": "macos",
    "linux": "linux",
    "printer": "printer",
    "router": "router",
    "ip-camera": "camera",
    "plc": "plc",
}
"""Operating systems of hosts, each with its family."""


PEOPLES = ("windows", "macos", "linux")
"""Families of the machines that people sit at."""

CLIENTS = ("browser", "system", "library")
"""Whose TLS speaks: a browser's, the operating system's own, or a programming library's."""

VERBS: Mapping[str, Verb] = joined(__name__, "VERBS")
"""Actions and their parameters."""

MEASURES: Mapping[str, Mapping[str, Form]] = {
    "host": {
        "address": Form.ADDRESS,
        "name": Form.TEXT,
        "mac": Form.TEXT,
        "server_names": Form.SET,
        "clock_offset": Form.DURATION,
        "clock_error": Form.DURATION,
    },
    "capture": {
        "frames": Form.COUNT,
        "length": Form.DURATION,
        "top_host": Form.TEXT,
        "top_pair": Form.SET,
        "windows_hosts": Form.SET,
    },
    "service": {"address": Form.ADDRESS, "name": Form.DOMAIN},
    "action": {
        "first_start": Form.TIME,
        "last_start": Form.TIME,
        "median_gap": Form.DURATION,
        "count": Form.COUNT,
        "bytes_out": Form.BYTES,
        "bytes_in": Form.BYTES,
        "first_lookup": Form.TIME,
    },
}
"""What a fact can be: measures of the whole capture, of a named host, of a named service, of what an action did."""

WITNESSES: Mapping[str, str] = joined(__name__, "WITNESSES")
"""Solvers that find a fact in the evidence alone; ``csirtlab.proofs`` gives each its behaviour."""

GUESSES: Mapping[str, str] = joined(__name__, "GUESSES")
"""What somebody guesses who does not look; a guess must hardly ever be right."""

TAKES = ("count", "sum", "set", "only", "first", "last")
"""What a filter witness makes of the values that its filter lets pass."""

FIELDS = ("ttl", "length", "client port", "mac", "minute", "identification", "window", "options")
"""Fields of a packet that carry no meaning; none may separate the incident from the rest."""

WRITTEN: Mapping[str, tuple[str, ...]] = {name: verb.writes for name, verb in sorted(VERBS.items()) if verb.writes}
"""Which files actions write beside the capture and the asset list, by verb."""

READ: Mapping[str, tuple[str, ...]] = joined(__name__, "READS")
"""Which of these files witnesses and guesses read, by the name or by what stands before its dot."""


def read_by(name: str) -> tuple[str, ...]:
    """Return the files that a witness or a guess reads, beside the capture and the asset list."""
    return READ.get(name) or READ.get(name.split(".", maxsplit=1)[0], ())
