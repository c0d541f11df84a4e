"""What makes a start slow and is good for nothing here."""

import sys


def leave_out_slow_modules() -> None:
    """Let jsonschema go without a module whose import alone takes half of what a program of Jupyter's needs to start.

    rfc3987-syntax builds a parser for internationalised addresses when it is imported; jsonschema imports it
    if it is there, to check the format "iri", which no schema of a Jupyter server or a notebook asks for.

    Source: jsonschema 4.26, ``_format.py``: the import stands in ``suppress(ImportError)``.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None is how Python says "not there"
