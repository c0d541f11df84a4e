"""What a word of the vocabulary is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from csirtlab.content.labs import Form


@dataclass(frozen=True)
class Parameter:
    """A parameter of an action: a range ``[low, high]`` that must lie within these bounds."""

    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Verb:
    """An action that hosts can do."""

    meaning: str
    parameters: Mapping[str, Parameter]
    target: tuple[str, ...] = ("service",)  # what ``to`` may name: service, group, host (an actor); empty: nothing
    source: tuple[str, ...] = ("group", "host")  # what ``from`` may name
    needs_client: bool = False  # it says which software speaks: ``client = "..."``
    lists: Mapping[str, str] = field(default_factory=dict)  # lists of texts that it takes besides, with their meaning
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # who else takes part, and what each may name
    facts: Mapping[str, Form] = field(default_factory=dict)  # what only this verb knows: measures of its action
