"""What a scenario is made of, as frozen values."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from csirtlab.content.labs import Form

Range = tuple[float, float]


@dataclass(frozen=True)
class Window:
    """When the sensor recorded: working days, start in the day (minutes, UTC), length."""

    first_day: dt.date
    last_day: dt.date
    start_minute: Range
    minutes: Range


@dataclass(frozen=True)
class Site:
    """The organisation's network."""

    domains: tuple[str, ...]
    networks: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Hosts with the same role."""

    name: str
    role: str  # as the asset list says it
    count: tuple[int, int]
    systems: tuple[str, ...]
    names: tuple[str, ...]  # patterns with {number}, {department}
    is_listed: bool = True  # the asset list knows them
    clock_off_s: tuple[int, int] | None = None  # how far its clock is off, fast or slow, in whole seconds


@dataclass(frozen=True)
class Actor:
    """A part in the incident, given to one host of a group; each actor is another host."""

    name: str
    group: str
    family: str | None  # of the operating system; None: any


@dataclass(frozen=True)
class Service:
    """Servers outside; each has one or more names and an address."""

    name: str
    count: tuple[int, int]
    patterns: tuple[str, ...]  # of names, with {word}, {noun}, {tld}
    networks: tuple[str, ...]
    rtt_ms: Range
    ttl_s: Range  # of its DNS records


@dataclass(frozen=True)
class Action:
    """Something that hosts do: a verb with a range for each parameter."""

    id: str
    verb: str
    source: str  # group or actor; of some verbs, a service
    target: str | None  # service, group or actor
    client: str | None
    starts_min: Range  # minutes from the start of the capture; (0, 0): it was there before
    ranges: Mapping[str, Range]
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # texts to draw from
    others: Mapping[str, str] = field(default_factory=dict)  # who else takes part: services, groups or actors


@dataclass(frozen=True)
class Phase:
    """A step of the incident."""

    name: str
    technique: str  # ATT&CK id
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class LookAlike:
    """A harmless action that resembles one of the incident."""

    resembles: str  # id of the action
    action: Action


@dataclass(frozen=True)
class Filter:
    """A witness that tshark is: a display filter, the field to read, and what to make of its values.

    ``{fact}`` in the filter stands for what the witness of a fact above has found.
    """

    keep: str
    field: str
    take: str
    line: int = dataclasses.field(default=1, compare=False)  # of the scenario's file


@dataclass(frozen=True)
class Fact:
    """Something a question can ask: a measure of an actor, a service or an action; and who proves it."""

    name: str
    form: Form
    subject: str
    measure: str
    solver: str | None = None
    filter: Filter | None = None
    is_from_short_list: bool = False  # its values are few by nature, so that cases share them
    line: int = dataclasses.field(default=1, compare=False)  # of the scenario's file


@dataclass(frozen=True)
class Baseline:
    """A guess without looking, and the fact that it must not give."""

    guess: str
    fact: str
    line: int = dataclasses.field(default=1, compare=False)  # of the scenario's file


@dataclass(frozen=True)
class Tell:
    """A field without meaning that gives the incident away as the real tool does."""

    field: str
    copies: str  # the real behaviour


@dataclass(frozen=True)
class Scenario:
    """An incident as a recipe; with a seed it becomes a case."""

    name: str
    path: Path
    title: str
    summary: str
    version: int
    window: Window
    site: Site
    groups: tuple[Group, ...]
    actors: tuple[Actor, ...]
    services: tuple[Service, ...]
    background: tuple[Action, ...]
    phases: tuple[Phase, ...]
    look_alikes: tuple[LookAlike, ...]
    facts: tuple[Fact, ...]
    baselines: tuple[Baseline, ...] = ()
    tells: tuple[Tell, ...] = ()

    @property
    def incident(self) -> tuple[Action, ...]:
        """All actions of all phases, in order."""
        return tuple(action for phase in self.phases for action in phase.actions)

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions: background, incident, look-alikes."""
        return (*self.background, *self.incident, *(look.action for look in self.look_alikes))
