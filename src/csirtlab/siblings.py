"""Modules of one package that all offer the same, found instead of listed: subjects, vocabularies, solvers."""

import pkgutil
import sys
from importlib import import_module
from typing import Any


def joined(package: str, table: str) -> dict[Any, Any]:
    """Return the entries of every mapping of that name in the modules of ``package``, module by module, sorted by name.

    A module that has no such mapping adds nothing. The package may ask while it is being imported itself.

    Raises:
        ValueError: Two modules have an entry of the same key.
    """
    entries: dict[Any, Any] = {}
    owners: dict[Any, str] = {}
    # Sorted: the order of a folder differs between machines.
    for name in sorted(module.name for module in pkgutil.iter_modules(sys.modules[package].__path__)):
        for key, value in getattr(import_module(f"{package}.{name}"), table, {}).items():
            if key in owners:
                raise ValueError(f"{package}: both {owners[key]}.py and {name}.py have {key!r} in {table}. Rename one.")
            entries[key], owners[key] = value, name
    return entries
