"""``datasets/<scenario>/scenario.toml``: an incident as a recipe, parsed into frozen values."""

import datetime as dt
import ipaddress
import math
import re
from collections.abc import Sequence
from pathlib import Path

from csirtlab.content.patterns import refuse_wrong_labels, refuse_wrong_pattern
from csirtlab.content.scenario_checks import LONGEST_PREFIX, refuse_before, refuse_long_questions, refuse_wrong_cast
from csirtlab.content.scenario_values import (
    Action,
    Actor,
    Baseline,
    Fact,
    Filter,
    Group,
    LookAlike,
    Phase,
    Range,
    Scenario,
    Service,
    Site,
    Tell,
    Window,
)
from csirtlab.content.tables import Table, TomlFile, read_toml, shown
from csirtlab.content.vocabulary import (
    CLIENTS,
    FIELDS,
    GUESSES,
    MEASURES,
    PEOPLES,
    SYSTEMS,
    TAKES,
    VERBS,
    WITNESSES,
    WRITTEN,
    read_by,
)
from csirtlab.content.vocabulary.words import Texts
from csirtlab.errors import ContentError

__all__ = [
    "Action",
    "Actor",
    "Baseline",
    "Fact",
    "Filter",
    "Group",
    "LookAlike",
    "Phase",
    "Range",
    "Scenario",
    "Service",
    "Site",
    "Tell",
    "Window",
    "read_scenario",
    "scenario_names",
]

SCENARIO_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")
RESERVED_NAME = re.compile(r"(?:[a-z0-9-]+\.)+(?:example|test)")
RESERVED_PATTERN = re.compile(r"(?:[a-z0-9{}-]+\.)+(?:example|test|\{tld\})")
OUTSIDE = tuple(
    ipaddress.IPv4Network(network)
    # RFC 5737 documentation, RFC 2544 benchmarking, RFC 6598 shared: nobody's addresses.
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "100.64.0.0/10")
)
INSIDE = tuple(  # RFC 1918
    ipaddress.IPv4Network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
_FIRST_DAY, _LAST_DAY = dt.date(1971, 1, 1), dt.date(2105, 12, 31)  # captures count seconds since 1970 in 32 bits
_COUNTED = ("first_start", "last_start", "median_gap", "count", "bytes_out", "bytes_in")  # of TCP connections
_WHOLE = {"capture": "capture"}  # facts of the whole: it needs no table to be named
_TABLES = (
    "window", "site", "host", "actor", "service", "background", "phase", "phase.action", "look_alike", "fact",
    "lazy", "tell",
)  # fmt: skip


def scenario_names(content: Path) -> list[str]:
    """Return the names of all scenarios under ``content``, sorted; folders with other names hold none."""
    names = (found.parent.name for found in (content / "datasets").glob("*/scenario.toml"))
    return sorted(name for name in names if SCENARIO_NAME.fullmatch(name))


def read_scenario(content: Path, name: str) -> Scenario:
    """Read ``content/datasets/NAME/scenario.toml``.

    Raises:
        ContentError: It is missing or wrong; the message names file and line.
    """
    folder = content / "datasets" / name
    if not SCENARIO_NAME.fullmatch(name) or not folder.is_dir():
        known = ", ".join(scenario_names(content)) or "none yet"
        if (folder / "scenario.toml").is_file() and folder.parent == content / "datasets":
            known += ". A scenario's folder is named in lower-case letters, digits and hyphens, two to forty"
        raise ContentError(f'{folder}:1: there is no scenario "{name}". Scenarios here: {known}.')
    file = read_toml(folder / "scenario.toml")
    for table, found in file.tables.items():
        if table not in _TABLES:
            found[0].refuse(None, f"unknown table [{table}]. Known here: {', '.join(sorted(_TABLES))}.")
    file.top.only("title", "summary", "version")
    return _Reader(file, folder).scenario(name)


class _Reader:
    """Reads one file; knows the names given so far, so that every reference can be checked."""

    def __init__(self, file: TomlFile, folder: Path) -> None:
        self.file = file
        self.folder = folder
        self.kinds: dict[str, str] = {}  # name -> group, host (an actor), service, action
        self.services: tuple[Service, ...] = ()
        self.groups: dict[str, str] = {}  # group or host -> its group
        self.families: dict[str, set[str]] = {}  # group or host -> families of systems that it may have
        self.verbs: dict[str, str] = {}  # action -> its verb
        self.targets: dict[str, str] = {}  # action -> whom it is done to
        self.crowds: dict[str, tuple[int, int]] = {}  # service -> how many servers it has
        self.shortest_min = 0.0  # how long the shortest capture is

    def scenario(self, name: str) -> Scenario:
        top, many = self.file.top, self.file.many
        window = _window(self.file.one("window"))
        self.shortest_min = window.minutes[0]
        groups = tuple(self.group(table) for table in many("host"))
        actors = tuple(self.actor(table, groups) for table in many("actor"))
        self.services = services = tuple(self.service(table) for table in many("service"))
        refuse_wrong_cast(self.file, groups, actors, services)
        return Scenario(
            name=name,
            path=self.folder / "scenario.toml",
            title=top.one_line("title"),
            summary=top.one_line("summary"),
            version=top.integer("version"),
            window=window,
            site=_site(self.file.one("site")),
            groups=groups,
            actors=actors,
            services=services,
            background=tuple(self.action(table) for table in many("background")),
            phases=(phases := self.phases()),
            look_alikes=self.look_alikes(phases),
            facts=tuple(self.fact(table) for table in many("fact")),
            baselines=tuple(self.baseline(table) for table in many("lazy")),
            tells=tuple(_tell(table) for table in many("tell")),
        )

    def new(self, table: Table, key: str, kind: str) -> str:
        """Take a name that the file gives to something; each name once."""
        name = table.one_line(key)
        if taken := (self.kinds | _WHOLE).get(name):
            table.refuse(key, f'"{name}" is already the name of a {taken}. Give each its own name.')
        self.kinds[name] = kind
        return name

    def known(self, table: Table, key: str, *kinds: str) -> str:
        """Take a name that must have been given above."""
        name = table.text(key)
        if self.kinds.get(name) not in kinds:
            there = ", ".join(other for other, kind in self.kinds.items() if kind in kinds) or "none yet"
            table.refuse(key, f'there is no {" or ".join(kinds)} "{name}". Known above this line: {there}.')
        return name

    def group(self, table: Table) -> Group:
        table.only("name", "role", "count", "systems", "names", "listed", "clock_off_s")
        systems = table.some("systems")
        for system in systems:
            if system not in SYSTEMS:
                table.refuse("systems", f'system "{system}" is unknown. Known: {", ".join(SYSTEMS)}.')
        self.groups[table.text("name")] = table.text("name")
        self.families[table.text("name")] = {SYSTEMS[system] for system in systems}
        names = table.some("names")
        for name in names:
            refuse_wrong_pattern(table, name)
            if "." in name or "{tld}" in name:
                table.refuse(
                    "names", f"{shown(name)} is no host's name: the site's domain is added to it. Take no dots."
                )
            refuse_wrong_labels(table, "names", name)
        return Group(
            name=self.new(table, "name", "group"),
            role=table.one_line("role"),
            count=table.count("count", 1, 200),
            systems=systems,
            names=names,
            is_listed=table.flag("listed", default=True),
            clock_off_s=table.count("clock_off_s", 1, 86_400) if "clock_off_s" in table.values else None,
        )

    def actor(self, table: Table, groups: Sequence[Group]) -> Actor:
        table.only("name", "group", "family")
        group = self.known(table, "group", "group")
        family = table.text("family", "") or None
        systems = next(found.systems for found in groups if found.name == group)
        if family and family not in {SYSTEMS[system] for system in systems}:
            table.refuse("family", f'group "{group}" has no {family} host. Its systems: {", ".join(systems)}.')
        self.groups[table.text("name")] = group
        self.families[table.text("name")] = {family} if family else self.families[group]
        return Actor(self.new(table, "name", "host"), group, family)

    def service(self, table: Table) -> Service:
        table.only("name", "count", "names", "networks", "rtt_ms", "ttl_s")
        names = table.some("names")
        for name in names:
            refuse_wrong_pattern(table, name)
            if not RESERVED_PATTERN.fullmatch(name):
                table.refuse(
                    "names", f"{shown(name)} must end in .example, .test or .{{tld}}: only those belong to nobody."
                )
            refuse_wrong_labels(table, "names", name)
        networks = table.some("networks")
        for network in networks:
            given = _network(table, network)
            if not any(given.subnet_of(outside) for outside in OUTSIDE):
                allowed = ", ".join(str(outside) for outside in OUTSIDE)
                table.refuse("networks", f'"{network}" may belong to somebody. Use a part of {allowed}.')
            if given.prefixlen > LONGEST_PREFIX:
                table.refuse("networks", f'"{network}" is too small for servers. Use /{LONGEST_PREFIX} or larger.')
        count = table.count("count", 1, 400)
        self.crowds[table.text("name")] = count
        return Service(
            name=self.new(table, "name", "service"),
            count=count,
            patterns=names,
            networks=networks,
            rtt_ms=table.bounded("rtt_ms", 0.1, 800),
            ttl_s=table.bounded("ttl_s", 5, 86_400),
        )

    def action(self, table: Table, *more: str) -> Action:
        verb_name = table.text("do")
        if verb_name not in VERBS:
            table.refuse("do", f'action "{verb_name}" is unknown. Known: {", ".join(sorted(VERBS))}.')
        verb = VERBS[verb_name]
        table.only("id", "do", "from", "to", "client", "starts_min", *verb.parameters, *verb.lists, *verb.others, *more)
        client = table.text("client", "") or None
        if verb.needs_client and client not in CLIENTS:
            table.refuse("client", f'"{verb_name}" needs client = one of {", ".join(CLIENTS)}, got {client!r}.')
        if verb.source_of and self.groups.get(table.text("from")) != table.text(verb.source_of):
            table.refuse("from", f'"from" must be the group that "{verb.source_of}" names, or a host of it.')
        for part in verb.people:
            self.refuse_unmanned(table, part)
        for part in verb.single:
            self.refuse_crowd(table, part, table.text(part))
        action = Action(
            verb=verb_name,
            source=self.known(table, "from", *verb.source),
            target=self.known(table, "to", *verb.target) if verb.target else None,
            client=client,
            starts_min=self.start(table),
            ranges={
                name: table.bounded(name, parameter.low, parameter.high) for name, parameter in verb.parameters.items()
            },
            lists={name: _texts(table, name, texts) for name, texts in verb.lists.items()},
            others={name: self.known(table, name, *kinds) for name, kinds in verb.others.items()},
            id=self._action_id(table, verb_name),
        )
        refuse_long_questions(table, action, self.services)
        return action

    def refuse_unmanned(self, table: Table, part: str) -> None:
        """Refuse a group or host in which nobody may sit at the machine, for what people do."""
        name = table.text(part)
        odd = sorted(self.families.get(name, set()) - set(PEOPLES))
        if odd:
            table.refuse(
                part,
                f'"{name}" may be a {odd[0]}, and people sit at none. Name a group or host whose systems are of '
                f"{', '.join(PEOPLES)}.",
            )

    def start(self, table: Table) -> Range:
        """Return when an action begins, minutes from the start of the capture, inside the shortest one."""
        if "starts_min" not in table.values:
            return 0, 0
        starts = table.bounded("starts_min", 0, 1440)
        if starts[1] >= self.shortest_min:
            table.refuse(
                "starts_min",
                f"the action may begin after {starts[1]:g} minutes, when a capture of {self.shortest_min:g} is over. "
                f"Let it begin earlier, or raise the minutes of the [window].",
            )
        return starts

    def _action_id(self, table: Table, verb: str) -> str:
        name = self.new(table, "id", "action")
        self.verbs[name] = verb
        self.targets[name] = table.text("to", "")
        return name

    def phases(self) -> tuple[Phase, ...]:
        """Return the phases; ``[[phase.action]]`` tables belong to the ``[[phase]]`` above them."""
        tables = self.file.many("phase")
        if not tables:
            self.file.top.refuse(None, "nothing happens here. Add a [[phase]] with a [[phase.action]] below it.")
        ends = [*(table.line for table in tables[1:]), math.inf]
        phases: list[Phase] = []
        for table, end in zip(tables, ends, strict=True):
            table.only("name", "technique", "action")
            mine = [each for each in self.file.many("phase.action") if table.line < each.line < end]
            given = table.values.get("action", [])
            if not isinstance(given, list) or len(given) != len(mine):
                table.refuse("action", "an action is a table of its own. Write each below its own [[phase.action]].")
            if not mine:
                table.refuse(None, "the phase does nothing. Add a [[phase.action]] below it.")
            actions = tuple(self.action(each) for each in mine)
            for each, action in zip(mine, actions, strict=True):
                refuse_before(each, action, phases, is_afterwards=VERBS[action.verb].is_afterwards)
            phases.append(Phase(table.one_line("name"), table.one_line("technique"), actions))
        return tuple(phases)

    def look_alikes(self, phases: Sequence[Phase]) -> tuple[LookAlike, ...]:
        """Return the look-alikes; each phase of the incident needs one, or finding the odd thing finds the incident."""
        found = tuple(self.look_alike(table) for table in self.file.many("look_alike"))
        resembled = {look.resembles for look in found}
        for table, phase in zip(self.file.many("phase"), phases, strict=True):
            if not resembled & {action.id for action in phase.actions}:
                table.refuse(
                    "name",
                    f'nothing harmless resembles the phase "{phase.name}": whatever stands out is the incident. '
                    f'Add a [[look_alike]] with of = "{phase.actions[0].id}".',
                )
        return found

    def look_alike(self, table: Table) -> LookAlike:
        resembles = self.known(table, "of", "action")
        return LookAlike(resembles, self.action(table, "of"))

    def fact(self, table: Table) -> Fact:
        table.only("name", "form", "of", "witness", "filter", "field", "take", "short_list")
        subject, _, measure = table.text("of").partition(".")
        kinds = self.kinds | _WHOLE
        measures = dict(MEASURES.get(kinds.get(subject, ""), {}))
        if subject in self.verbs:
            measures |= VERBS[self.verbs[subject]].facts
        if not measures:
            there = ", ".join(name for name, kind in kinds.items() if kind in MEASURES)
            table.refuse("of", f'"{subject}" is no actor, service or action. Known: {there}.')
        if measure not in measures:
            table.refuse("of", f'"{subject}" has no measure "{measure}". It has: {", ".join(measures)}.')
        self.refuse_immeasurable(table, subject, measure)
        if table.text("form") != measures[measure]:
            table.refuse("form", f'"{subject}.{measure}" is of form {measures[measure]}, not "{table.text("form")}".')
        solver, keep = self.witness(table)
        return Fact(
            self.new(table, "name", "fact"),
            measures[measure],
            subject,
            measure,
            solver,
            keep,
            table.flag("short_list", default=False),
            table.line_of("of"),
        )

    def refuse_crowd(self, table: Table, key: str, name: str) -> None:
        """Refuse a service of several servers where one must be meant."""
        low, high = self.crowds.get(name, (1, 1))
        if (low, high) != (1, 1):
            table.refuse(
                key,
                f'"{name}" has {low} to {high} servers: which is meant? Give it a [[service]] without "count".',
            )

    def refuse_immeasurable(self, table: Table, subject: str, measure: str) -> None:
        """Refuse a measure that cannot be taken in any case, or not in every one."""
        self.refuse_crowd(table, "of", subject)
        if subject not in self.verbs:
            return
        verb, target = self.verbs[subject], self.targets[subject]
        if measure in _COUNTED and not VERBS[verb].connects:
            there = ", ".join(VERBS[verb].facts) or "nothing"
            table.refuse("of", f'"{verb}" opens no TCP connection that could be counted or timed. It has: {there}.')
        if measure == "first_lookup" and (self.kinds.get(target) != "service" or self.crowds[target] != (1, 1)):
            table.refuse(
                "of", f'"{subject}" looks up no name of one server outside. Let its "to" name a [[service]] of one.'
            )

    def refuse_unread(self, table: Table, key: str, name: str) -> None:
        """Refuse a witness or guess that reads a file which the scenario's actions do not write."""
        written = {file for verb in self.verbs.values() for file in WRITTEN.get(verb, ())}
        for file in read_by(name):
            if file not in written:
                verbs = ", ".join(verb for verb, made in WRITTEN.items() if file in made)
                table.refuse(key, f'"{name}" reads {file}, which no action here writes. These do: {verbs}.')

    def witness(self, table: Table) -> tuple[str | None, Filter | None]:
        """Return who proves a fact: a solver, or a tshark filter."""
        if ("witness" in table.values) == ("filter" in table.values):
            table.refuse(
                "witness", 'a fact needs one witness: witness = "a solver", or filter, field and take for tshark.'
            )
        if "filter" in table.values:
            take = table.text("take")
            if take not in TAKES:
                table.refuse("take", f'take = "{take}" is unknown. Known: {", ".join(TAKES)}.')
            keep = table.text("filter")
            for name in re.findall(r"\{(\w+)\}", keep):
                if self.kinds.get(name) != "fact":
                    table.refuse("filter", f'there is no fact "{name}" above this line for the filter to use.')
            return None, Filter(keep, table.text("field"), take, table.line_of("filter"))
        solver = table.text("witness")
        if solver not in WITNESSES:
            table.refuse("witness", f'witness "{solver}" is unknown. Known: {", ".join(sorted(WITNESSES))}.')
        self.refuse_unread(table, "witness", solver)
        return solver, None

    def baseline(self, table: Table) -> Baseline:
        table.only("guess", "fact")
        guess = table.text("guess")
        if guess not in GUESSES:
            table.refuse("guess", f'guess "{guess}" is unknown. Known: {", ".join(sorted(GUESSES))}.')
        self.refuse_unread(table, "guess", guess)
        return Baseline(guess, self.known(table, "fact", "fact"), table.line_of("guess"))


def _texts(table: Table, name: str, texts: Texts) -> tuple[str, ...]:
    """Return a list that an action draws from, each text such as the action can use."""
    found = table.some(name)
    for text in found:
        if not re.fullmatch(texts.content.pattern, text):
            table.refuse(name, f'"{name}" lists {shown(text)}, which must be {texts.content.says}.')
        if found.count(text) > 1:
            table.refuse(name, f'"{name}" lists {shown(text)} twice. Take one of them out.')
    if len(found) < texts.fewest:
        table.refuse(name, f'"{name}" needs at least {texts.fewest} ({texts.meaning}), got {len(found)}.')
    return found


def _tell(table: Table) -> Tell:
    table.only("field", "copies")
    field = table.text("field")
    if field not in FIELDS:
        table.refuse("field", f'field "{field}" is unknown. Known: {", ".join(FIELDS)}.')
    return Tell(field, table.text("copies"))


def _window(table: Table) -> Window:
    table.only("days", "starts", "minutes")
    days = table.values.get("days")
    if not (isinstance(days, list) and len(days) == 2 and all(type(day) is dt.date for day in days)):
        table.refuse("days", f'"days" must be two dates [2026-02-02, 2026-11-27], got {days!r}.')
    times = table.values.get("starts")
    if not (isinstance(times, list) and len(times) == 2 and all(type(time) is dt.time for time in times)):
        table.refuse("starts", f'"starts" must be two times of day in UTC [13:00:00, 18:00:00], got {times!r}.')
    if days[0] > days[1] or times[0] > times[1]:
        table.refuse(
            "days" if days[0] > days[1] else "starts", "the range is upside down. Write the earlier one first."
        )
    if days[0] < _FIRST_DAY or days[1] > _LAST_DAY:
        table.refuse("days", f'"days" must lie within {_FIRST_DAY} and {_LAST_DAY}: other times no capture can tell.')
    low, high = (float(time.hour * 60 + time.minute) for time in times)
    return Window(days[0], days[1], (low, high), table.bounded("minutes", 1, 1440))


def _site(table: Table) -> Site:
    table.only("domains", "networks")
    domains, networks = table.some("domains"), table.some("networks")
    for domain in domains:
        if not RESERVED_NAME.fullmatch(domain):
            table.refuse("domains", f'"{domain}" must end in .example or .test: only those belong to nobody.')
        refuse_wrong_labels(table, "domains", domain)
    for network in networks:
        given = _network(table, network)
        if given.prefixlen > 24 or not any(given.subnet_of(inside) for inside in INSIDE):
            allowed = ", ".join(str(inside) for inside in INSIDE)
            table.refuse("networks", f'"{network}" must be a private network of /24 or larger, a part of {allowed}.')
    return Site(domains, networks)


def _network(table: Table, text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        table.refuse("networks", f'"{text}" is no IPv4 network: {error}. Write it like 198.51.100.0/24.')
