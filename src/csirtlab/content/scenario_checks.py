"""What is wrong with a scenario only as a whole: a cast that has no place, or that nobody can play."""

import ipaddress
from collections.abc import Iterable, Sequence

from csirtlab.content.patterns import TRIES_ARE_ENOUGH, capacity, longest_name
from csirtlab.content.scenario_values import Action, Actor, Group, Phase, Service
from csirtlab.content.tables import Table, TomlFile
from csirtlab.content.vocabulary import SYSTEMS

SERVER_PLACES, OTHER_PLACES = 28, 210
"""How many addresses of the site's network are for servers, and for everybody else (``csirtlab.evidence.topology``)."""
_TUNNELS_HEAD, _LONGEST_QUESTION = 13, 253
LONGEST_PREFIX = 29
"""Of a service's network: a smaller one has hardly an address between its own and its broadcast address."""


def refuse_wrong_cast(
    file: TomlFile, groups: Sequence[Group], actors: Sequence[Actor], services: Sequence[Service]
) -> None:
    """Refuse a cast that some seed could not draw."""
    tables = list(zip(file.many("host"), groups, strict=True))
    _refuse_wrong_router(file, tables)
    if not any("DNS" in group.role for group in groups):
        _first_host(file).refuse(None, 'no host resolves names. Give one group a role that says "DNS".')
    _refuse_crowd(tables)
    for table, group in tables:
        _refuse_few_names(table, group, groups)
    for table, actor in zip(file.many("actor"), actors, strict=True):
        _refuse_part_without_host(table, actor, actors, next(group for group in groups if group.name == actor.group))
    for table, service in zip(file.many("service"), services, strict=True):
        _refuse_few_names(table, service, services)
        _refuse_few_addresses(table, service, services)


def refuse_before(table: Table, action: Action, earlier: Iterable[Phase], *, is_afterwards: bool) -> None:
    """Refuse an action that always begins before a phase told above it."""
    for phase in earlier:
        first = min(each.starts_min[0] for each in phase.actions)
        if is_afterwards or action.starts_min[1] >= first:
            continue
        told = "Tell the phases in the order in which they happen, or let this one begin later."
        if "starts_min" not in table.values:
            told = f"Say when it begins: starts_min = [{first:g}, ...]. {told}"
        table.refuse(
            "starts_min",
            f'this begins before minute {action.starts_min[1]:g}, but the phase "{phase.name}" above it not before '
            f"minute {first:g}. {told}",
        )


def refuse_long_questions(table: Table, action: Action, services: Sequence[Service]) -> None:
    """Refuse a tunnel whose names may be longer than DNS allows (RFC 1035, 2.3.4)."""
    if action.verb != "tunnel":
        return
    patterns = next(service.patterns for service in services if service.name == action.target)
    labels = int(action.ranges["labels"][1])
    data = int(action.ranges["label_bytes"][1]) * labels + labels
    length = _TUNNELS_HEAD + data + max(len(longest_name(pattern)) for pattern in patterns)
    if length > _LONGEST_QUESTION:
        table.refuse(
            "label_bytes",
            f"names of {length} characters may come of this, longer than the {_LONGEST_QUESTION} that DNS allows. "
            f'Lower "label_bytes" or "labels".',
        )


def _first_host(file: TomlFile) -> Table:
    return next(iter(file.many("host")), file.top)


def _refuse_wrong_router(file: TomlFile, tables: Sequence[tuple[Table, Group]]) -> None:
    routing = [(table, group) for table, group in tables if "router" in {SYSTEMS[name] for name in group.systems}]
    if not routing:
        _first_host(file).refuse(None, 'the site has no router. Add a [[host]] with systems = ["router"].')
    for number, (table, group) in enumerate(routing):
        if number or group.count != (1, 1) or {SYSTEMS[name] for name in group.systems} != {"router"}:
            table.refuse(
                "count" if not number and group.count != (1, 1) else "systems",
                f'the site has one router, but "{group.name}" makes another or may make none. '
                f'Keep one group with systems = ["router"] and no count.',
            )


def _refuse_crowd(tables: Sequence[tuple[Table, Group]]) -> None:
    """Refuse more hosts than the site's network has addresses."""
    left = {True: SERVER_PLACES, False: OTHER_PLACES}
    for table, group in tables:
        if "router" in group.systems:
            continue
        is_server = "server" in group.role or "controller" in group.role
        left[is_server] -= group.count[1]
        if left[is_server] < 0:
            kind, places = ("servers and controllers", SERVER_PLACES) if is_server else ("others", OTHER_PLACES)
            table.refuse(
                "count",
                f"with these there may be {places - left[is_server]} hosts, but a site has {places} addresses for "
                f'{kind} (by their role). Lower the "count" of this group or of one above.',
            )


def _refuse_few_names(table: Table, own: Group | Service, others: Sequence[Group] | Sequence[Service]) -> None:
    """Refuse patterns that may run out of names, those counted that others take whose patterns are among them."""
    patterns = set(_patterns(own))
    wanted = sum(other.count[1] for other in others if set(_patterns(other)) <= patterns)
    if not _is_enough(wanted, there := capacity(_patterns(own))):
        table.refuse(
            "names",
            f"the patterns give {there} names, too few for {wanted}. Add patterns, or placeholders to them.",
        )


def _patterns(own: Group | Service) -> tuple[str, ...]:
    return own.patterns if isinstance(own, Service) else own.names


def _refuse_few_addresses(table: Table, service: Service, services: Sequence[Service]) -> None:
    networks = _apart(service.networks)
    wanted = sum(
        other.count[1]
        for other in services
        if all(any(mine.subnet_of(network) for network in networks) for mine in _apart(other.networks))
    )
    # The first and last address of each /24 are left out.
    there = sum(network.num_addresses - 2 * max(1, network.num_addresses // 256) for network in networks)
    if not _is_enough(wanted, there):
        table.refuse(
            "networks",
            f"these networks have {there} addresses, too few for {wanted} servers. List more, or larger ones.",
        )


def _apart(networks: Iterable[str]) -> list[ipaddress.IPv4Network]:
    """Return networks without those that lie in another of them."""
    return list(ipaddress.collapse_addresses(ipaddress.IPv4Network(network) for network in networks))


def _is_enough(wanted: int, there: int) -> bool:
    return wanted - 1 <= there * TRIES_ARE_ENOUGH and wanted <= there


def _refuse_part_without_host(table: Table, actor: Actor, actors: Sequence[Actor], group: Group) -> None:
    """Refuse an actor for whom a case may have no host left: others may take the same one first."""
    fewest = group.count[0]
    families = [SYSTEMS[system] for system in group.systems]
    fits = sum(actor.family in (None, family) for family in families[:fewest])
    if fewest > len(families) and all(actor.family in (None, family) for family in families):
        fits = fewest
    before = actors[: actors.index(actor)]
    taken = sum(
        other.group == actor.group and (actor.family is None or other.family in (None, actor.family))
        for other in before
    )
    if fits <= taken:
        table.refuse(
            "group",
            f'a case may have no host left for "{actor.name}": the group "{group.name}" is sure to have {fits} '
            f"{actor.family + ' ' if actor.family else ''}hosts, and {taken} may be taken by the actors above. "
            f'Raise the lower end of its "count", or move the system to the front of its "systems".',
        )
