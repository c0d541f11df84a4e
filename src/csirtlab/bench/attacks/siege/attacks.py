"""What an attack on the hub is: a function that plays it and returns every harm that there is evidence of."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csirtlab.bench.attacks import hub

if TYPE_CHECKING:
    from csirtlab.bench.attacks.siege.ground import Siege

Play = Callable[["Siege"], Iterable[str]]


@dataclass(frozen=True)
class HubAttack:
    """An attack: its function's name, and its docstring's two parts, what it tries and what must happen."""

    name: str
    family: str
    tries: str
    must: str
    play: Play
    is_slow: bool = False  # left out when it has to be quick


def attack(play: Play) -> HubAttack:
    """Make an attack of a function; its docstring says what it tries and, after an empty line, what must happen."""
    tries, must = (" ".join(part.split()) for part in inspect.cleandoc(play.__doc__ or "").split("\n\n"))
    name = play.__name__.replace("_", "-")
    return HubAttack(name, play.__module__.rpartition(".")[2], tries, must, play)


def slow_attack(play: Play) -> HubAttack:
    """Make an attack that takes seconds: it is left out when it has to be quick."""
    made = attack(play)
    return HubAttack(made.name, made.family, made.tries, made.must, play, is_slow=True)


def find_attacks() -> list[HubAttack]:
    """Return all attacks of the package ``hub``, module by module, in the order in which they are written."""
    found: list[HubAttack] = []
    for module in sorted(pkgutil.iter_modules(hub.__path__), key=lambda each: each.name):
        within = vars(importlib.import_module(f"{hub.__name__}.{module.name}"))
        found += [value for value in within.values() if isinstance(value, HubAttack) and value.family == module.name]
    return found
