"""Who is there: the hosts of the site, the servers outside, and those of them that the scenario names."""

import datetime as dt
import ipaddress
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from random import Random

from csirtlab.content.scenario_checks import OTHER_PLACES, SERVER_PLACES
from csirtlab.content.scenarios import Group, Scenario, Service, Window
from csirtlab.content.vocabulary import SYSTEMS
from csirtlab.errors import EvidenceError
from csirtlab.evidence.model import Host, Link
from csirtlab.evidence.protocols.stacks import OUTSIDE, STACKS
from csirtlab.evidence.sampling import SECOND, between, bits, chance, nanoseconds, noise, pick, shuffled, whole

# Makers' prefixes as the IEEE registered them; tools show the maker's name.
_MAKERS = {
    "windows": ("001422", "f8bc12", "d4bed9", "b8ca3a", "1866da", "3cd92b", "9cb654", "a0d3c1", "8c1645", "54ee75"),
    "linux": ("b8ca3a", "3ca9f4", "a44e31", "54ee75"),
    "macos": ("f01898", "acbc32", "3c15c2"),
    "printer": ("008077", "001ba9"),
    "router": ("4c5e0c", "64d154"),
    "camera": ("4419b6", "c056e3", "3cef8c", "4c11bf", "00408c", "accc8e"),
    "plc": ("0080f4", "001b1b", "0030de", "00a045", "001d9c"),
}
_VIRTUAL = ("005056", "000c29")
# How long a system takes to answer on the LAN, in seconds: small devices take their time.
_ANSWER_S = (0.00014, 0.0006)
_ANSWERS_S = {"camera": (0.0006, 0.0019), "plc": (0.0008, 0.0019)}

_USUAL_TTLS = (5, 10, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 43_200, 86_400)


@dataclass(frozen=True)
class Topology:
    """Everybody in a case."""

    begin_ns: int
    end_ns: int
    site_domain: str
    inside: tuple[Host, ...]
    groups: Mapping[str, tuple[Host, ...]]  # by group and by actor
    services: Mapping[str, tuple[Host, ...]]  # servers outside, by service
    named_hosts: Mapping[str, Host]  # actors, and services that are one server
    router: Host
    resolver: Host  # asks for names on behalf of the site
    forwarder: Host  # the provider's, whom the resolver asks
    broadcast: str


def draw_topology(scenario: Scenario, rng: Random) -> Topology:
    """Draw the window, the site and everybody in it."""
    begin_ns, end_ns = _draw_window(scenario.window, rng)
    domain = pick(rng, scenario.site.domains)
    network = _draw_network(scenario.site.networks, rng)
    inside = _draw_inside(scenario, network, rng)
    groups = {group.name: tuple(host for host in inside if host.group == group.name) for group in scenario.groups}
    actors = _draw_actors(scenario, groups, rng)
    router = _first(inside, "router")
    resolver = next((host for host in inside if "DNS" in host.role), None)
    if resolver is None:
        raise EvidenceError(f'{scenario.path}: no host resolves names. Give one group a role that says "DNS".')
    services = _draw_services(scenario, router, rng)
    named_hosts = actors | {name: servers[0] for name, servers in services.items() if len(servers) == 1}
    forwarder_link = _draw_link(rng, (6, 30))
    forwarder = _outside("resolver", f"198.51.100.{whole(rng, 2, 250)}", router, forwarder_link, rng, "resolver", 3600)
    taken = {server.address for servers in services.values() for server in servers}
    while forwarder.address in taken:
        forwarder = replace(forwarder, address=f"198.51.100.{whole(rng, 2, 250)}")
    return Topology(
        begin_ns=begin_ns,
        end_ns=end_ns,
        site_domain=domain,
        inside=inside,
        groups=groups | {name: (host,) for name, host in actors.items()},
        services=services,
        named_hosts=named_hosts,
        router=router,
        resolver=resolver,
        forwarder=forwarder,
        broadcast=str(network.broadcast_address),
    )


def _draw_window(window: Window, rng: Random) -> tuple[int, int]:
    days = [
        window.first_day + dt.timedelta(days=number) for number in range((window.last_day - window.first_day).days + 1)
    ]
    day = pick(rng, [day for day in days if day.weekday() < 5] or days)
    epoch_day = (day - dt.date(1970, 1, 1)).days
    # A person starts a recording at any second; the sensor's first frame comes at any nanosecond.
    begin = epoch_day * 86_400 * SECOND + nanoseconds(between(rng, *window.start_minute) * 60)
    return begin, begin + nanoseconds(between(rng, *window.minutes) * 60)


def _draw_network(networks: tuple[str, ...], rng: Random) -> ipaddress.IPv4Network:
    whole_network = ipaddress.IPv4Network(pick(rng, networks))
    count = 1 << (24 - whole_network.prefixlen)
    start = int(whole_network.network_address) + 256 * whole(rng, 0, count - 1)
    return ipaddress.IPv4Network((start, 24))


def _draw_inside(scenario: Scenario, network: ipaddress.IPv4Network, rng: Random) -> tuple[Host, ...]:
    servers = shuffled(rng, range(2, 2 + SERVER_PLACES))
    others = shuffled(rng, range(40, 40 + OTHER_PLACES))
    hosts: list[Host] = []
    for group in scenario.groups:
        systems = _draw_systems(group, rng)
        for system in systems:
            if SYSTEMS[system] == "router":
                number = pick(rng, (1, 254))
            else:
                number = servers.pop() if "server" in group.role or "controller" in group.role else others.pop()
            is_virtual = group.name.endswith(("server", "controller"))
            makers = _VIRTUAL if is_virtual else _MAKERS[SYSTEMS[system]]
            hosts.append(
                Host(
                    name=make_name(rng, group.names, {host.name for host in hosts}),
                    role=group.role,
                    group=group.name,
                    address=str(network.network_address + number),
                    mac=bytes.fromhex(pick(rng, makers)) + noise(rng, 3),
                    stack=STACKS[system],
                    link=Link(
                        nanoseconds(between(rng, *_ANSWERS_S.get(SYSTEMS[system], _ANSWER_S))),
                        0,
                        0.00003,
                        whole(rng, 12_000, 14_000),
                        1460,
                    ),
                    inside=True,
                    clock_ns=_draw_clock(group, rng),
                    ticks=bits(rng, 31),
                )
            )
    return tuple(hosts)


def _draw_clock(group: Group, rng: Random) -> int:
    """Return how far a clock is off: some milliseconds, or whole seconds where the scenario says so."""
    if group.clock_off_s is None:
        return nanoseconds(between(rng, -0.02, 0.02))
    return whole(rng, *group.clock_off_s) * (1 if chance(rng, 0.5) else -1) * SECOND


def _draw_systems(group: Group, rng: Random) -> list[str]:
    """Return a system for each host: every listed one at least once where the count allows."""
    count = whole(rng, *group.count)
    systems = list(group.systems[:count])
    systems += [pick(rng, group.systems) for _ in range(count - len(systems))]
    return shuffled(rng, systems)


def _draw_actors(scenario: Scenario, groups: Mapping[str, tuple[Host, ...]], rng: Random) -> dict[str, Host]:
    actors: dict[str, Host] = {}
    for actor in scenario.actors:
        free = [
            host
            for host in groups[actor.group]
            if host not in actors.values() and actor.family in (None, host.stack.family)
        ]
        if not free:
            raise EvidenceError(
                f'{scenario.path}: no host is left for actor "{actor.name}". '
                f'Raise the count of group "{actor.group}", or list the system more often.'
            )
        actors[actor.name] = pick(rng, free)
    return actors


def _draw_services(scenario: Scenario, router: Host, rng: Random) -> dict[str, tuple[Host, ...]]:
    services: dict[str, tuple[Host, ...]] = {}
    names: set[str] = set()
    addresses: set[str] = set()
    for service in scenario.services:
        servers = []
        for _ in range(whole(rng, *service.count)):
            names.add(name := make_name(rng, service.patterns, names))
            addresses.add(address := _draw_address(service, addresses, rng))
            ttl = _usual_ttl(service.ttl_s, rng)
            servers.append(_outside(name, address, router, _draw_link(rng, service.rtt_ms), rng, service.name, ttl))
        services[service.name] = tuple(servers)
    return services


def _usual_ttl(ttl_s: tuple[float, float], rng: Random) -> int:
    """Return a TTL of the range such as people write into zones, if it holds one."""
    low, high = int(ttl_s[0]), int(ttl_s[1])
    drawn = whole(rng, low, high)
    return min(
        (usual for usual in _USUAL_TTLS if low <= usual <= high), key=lambda usual: abs(usual - drawn), default=drawn
    )


def _draw_address(service: Service, taken: set[str], rng: Random) -> str:
    for _ in range(1000):
        network = ipaddress.IPv4Network(pick(rng, service.networks))
        number = whole(rng, 1, network.num_addresses - 2)
        address = str(network.network_address + number)
        if address not in taken and number % 256 not in (0, 255):
            return address
    raise EvidenceError(f'service "{service.name}" has more servers than addresses. List more networks.')


def _draw_link(rng: Random, rtt_ms: tuple[float, float]) -> Link:
    return Link(
        rtt_ns=nanoseconds(between(rng, rtt_ms[0] / 1000, rtt_ms[1] / 1000)),
        hops=whole(rng, 7, 19),
        loss=between(rng, 0.0005, 0.008) if chance(rng, 0.4) else 0.0002,
        pace_ns=whole(rng, 60_000, 700_000),  # 16 to 190 Mbit/s
        mss=pick(rng, (1460, 1460, 1460, 1440, 1412, 1400)),
    )


def _outside(name: str, address: str, router: Host, link: Link, rng: Random, group: str, ttl_s: int) -> Host:
    return Host(
        name=name,
        role="",
        group=group,
        address=address,
        mac=router.mac,
        stack=pick(rng, OUTSIDE),
        link=link,
        inside=False,
        clock_ns=nanoseconds(between(rng, -0.15, 0.15)),
        ticks=bits(rng, 31),
        lookup_ttl_s=ttl_s,
    )


def _first(hosts: tuple[Host, ...], family: str) -> Host:
    for host in hosts:
        if family in (host.stack.family, host.stack.name):
            return host
    raise EvidenceError(f"the site has no {family}. Add a [[host]] whose systems say so.")


_WORDS = tuple(
    """
    able alto amber andes aqua arco ardent atlas aurora austral azul bahia balsa blue boreal brisa calma campo
    canto caribe central cierto claro clear condor costa crystal cumbre delta dorado early east eco elm estrella
    fair faro firme fresco glade global gran green grey gulf habil haven high horizon inca indigo isla jade jaguar
    joven junto justo kite lago large late libre light lima lince lively llano luna lynx maple mar marea meridian
    mesa miro mist monte nativo north novo nube oak ocelot olmo open orion oro pacific palma pampa paso perla pine
    plata polar prado prime puente puma quick quinto rapid real red rio roble rumbo sabana sage selva sereno
    sierra silver sol south stone sur swift tango terra tidal torre tropic true tucan urban valle vega verde
    viento vista vivo west white wide wild winter yunque zafiro zenith zorro
    """.split()  # noqa: SIM905 - so many quoted words would hide the list
)
_NOUNS = tuple(
    """
    academy agora almanac analytics anchor archive arena art assets atelier atlas audio bazaar beacon board books
    bridge broker cargo cast catalog center chart circle clinic cloud club code commons content corner credit data
    deck depot desk diario digest direct dock drive edge exchange express factory feed field files finder flow
    forum frame gallery garden gate grid group guide harbor health hosting hub images index journal kit lab ledger
    library line link list loft logic mail map market media mercado mesh metrics mirror module monitor mundo net
    news noticias office orbit outlet pages panel paper park path pay photo pilot planet play plaza point portal
    post press pulse quest radio ranch record relay report river room route salon school search sensor serve shelf
    shop signal site space spark spot stack stage station storage store stream street studio suite supply sync
    system table tag team terminal tienda tools track trade travel trend tribune valley vault video view voice
    wave web wiki works world yard zone
    """.split()  # noqa: SIM905 - so many quoted words would hide the list
)
_DEPARTMENTS = (
    "FIN", "RRHH", "LEG", "COMPRAS", "DIR", "ARCH", "PRENSA", "TES", "CONT", "PLAN", "AUD", "SEC", "REG", "TI",
)  # fmt: skip
_TLDS = ("example", "example", "test")


def make_name(rng: Random, patterns: tuple[str, ...], taken: Container[str]) -> str:
    """Return a name after one of ``patterns`` that is not ``taken``.

    Placeholders: ``{word}``, ``{noun}``, ``{tld}``, ``{department}``, ``{number}``.
    """
    for _ in range(1000):
        pattern = pick(rng, patterns)
        while "{" in pattern:
            # One placeholder at a time: a pattern may hold the same one twice, with other words.
            start, end = pattern.index("{"), pattern.index("}")
            pattern = pattern[:start] + _fill(rng, pattern[start + 1 : end]) + pattern[end + 1 :]
        if pattern not in taken:
            return pattern
    raise EvidenceError(f"the patterns {', '.join(patterns)} give too few names. Add patterns or placeholders to them.")


def _fill(rng: Random, placeholder: str) -> str:
    if placeholder == "number":
        return f"{whole(rng, 1, 48):02}"
    words = {"word": _WORDS, "noun": _NOUNS, "tld": _TLDS, "department": _DEPARTMENTS}.get(placeholder)
    if words is None:
        raise EvidenceError(f"placeholder {{{placeholder}}} is unknown. Use word, noun, tld, department or number.")
    return pick(rng, words)
