"""What labs are mapped to: ATT&CK techniques, NICE work roles, CSIRT services, from the table beside this module."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("frameworks.toml")


@dataclass(frozen=True)
class Frameworks:
    """The ids and names that a lab may use."""

    techniques: Mapping[str, str]  # ATT&CK id -> name
    revoked: Mapping[str, str]  # ATT&CK id -> its successor, "" if the source names none
    roles: Mapping[str, str]  # NICE id -> name
    services: tuple[str, ...]  # of FIRST's CSIRT Services Framework


def read_frameworks() -> Frameworks:
    """Read the table."""
    parsed = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return Frameworks(
        techniques=parsed["attack"]["techniques"],
        revoked=parsed["attack"]["revoked"],
        roles=parsed["nice"]["roles"],
        services=tuple(parsed["services"]["names"]),
    )
