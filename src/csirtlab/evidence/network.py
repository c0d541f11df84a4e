"""From intents to flows: what an intent takes on this network, with its caches, ports and ARP tables."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random

from csirtlab.evidence.intents import Announce, Announcement, ArpProbe, Ask, AskName, AskTime, Connect, Intent, Log
from csirtlab.evidence.model import Datagram, Exchange, Flow, Host, RawFrame, SynProbe, TcpFlow
from csirtlab.evidence.protocols import dns, ipv6, messages
from csirtlab.evidence.protocols.dns import Cookies
from csirtlab.evidence.sampling import SECOND, between, bits, bounded_pareto, chance, nanoseconds, whole
from csirtlab.evidence.topology import Topology

_MULTICAST = {"mdns": ("224.0.0.251", 5353), "ssdp": ("239.255.255.250", 1900), "llmnr": ("224.0.0.252", 5355)}


def simulate(topology: Topology, intents: Iterable[Intent], rng: Random) -> list[Flow]:
    """Return the flows that the intents cause, in the order of their starts."""
    network = _Network(topology, rng)
    for intent in sorted(
        intents, key=lambda intent: (intent.at_ns, "" if isinstance(intent, Log) else intent.host.address)
    ):
        network.simulate(intent)
    return sorted(network.flows, key=lambda flow: flow.start_ns)


class _Network:
    def __init__(self, topology: Topology, rng: Random) -> None:
        self.topology = topology
        self.rng = rng
        self.flows: list[Flow] = []
        resolver, provider = topology.resolver, topology.forwarder
        self.manner = dns.WINDOWS_SERVER if resolver.stack.family == "windows" else dns.BIND
        self.cookies = Cookies(resolver.mac + provider.address.encode(), topology.begin_ns)
        self.names: dict[tuple[str, str], tuple[int, int]] = {}  # (host, name) -> known from, until
        self.resolved: dict[str, int] = {}  # what the site's resolver knows, and until when
        self.neighbours: dict[tuple[str, str], int] = {}
        self.ports: dict[str, int] = {}

    def simulate(self, intent: Intent) -> None:
        match intent:
            case Connect():
                self.connect(intent)
            case SynProbe():
                self.probe(intent)
            case Log():
                pass  # written as it is
            case AskTime():
                self.ask_time(intent)
            case Ask():
                self.ask(intent)
            case ArpProbe():
                self.arp_probe(intent)
            case AskName():
                self.ask_in_vain(intent)
            case Announce():
                self.announce(intent)

    def connect(self, intent: Connect) -> None:
        if not intent.host.inside:
            self.meet(self.topology.router, intent.server, intent.at_ns)
        asks = intent.by_name and intent.host.inside
        ready = self.resolve(intent.host, intent.server, intent.at_ns, intent.label) if asks else intent.at_ns
        start = ready + nanoseconds(bounded_pareto(self.rng, 0.00025, 0.02))
        self.meet(intent.host, intent.server, start)
        port = self.port(intent.host)
        index = len(self.flows)
        self.flows.append(
            TcpFlow(start, intent.host, intent.server, port, intent.port, intent.dialogue, intent.label, index)
        )

    def probe(self, intent: SynProbe) -> None:
        self.meet(intent.host if intent.host.inside else self.topology.router, intent.server, intent.at_ns)
        port = intent.client_port or self.port(intent.host)
        self.flows.append(replace(intent, client_port=port, index=len(self.flows)))

    def resolve(self, host: Host, server: Host, at_ns: int, label: str) -> int:
        """Look the server's name up unless the host knows it; return when it knows."""
        known_from, known_until = self.names.get((host.address, server.name), (0, 0))
        if known_until > at_ns:
            return max(at_ns, known_from)  # a second program waits for the answer to the first one's question
        if host is self.topology.resolver:
            return self.forward(server, at_ns, label)[0]
        self.meet(host, self.topology.resolver, at_ns)
        arrival = at_ns + nanoseconds(bounded_pareto(self.rng, 0.00012, 0.003))
        name = self.full_name(server)
        if server.inside:
            done, ttl = arrival, 1200
        else:
            done, ttl = self.forward(server, arrival, label)
            done += nanoseconds(bounded_pareto(self.rng, 0.0001, 0.002))
        parts = self.lookup(host, self.topology.resolver, at_ns, done, name, server.address, ttl)
        self.flows.append(Exchange(at_ns, tuple(parts), label, asks_for=name))
        ready = max(part.at_ns for part in parts)
        self.names[host.address, server.name] = (ready, ready + ttl * SECOND)
        return ready

    def forward(self, server: Host, at_ns: int, label: str) -> tuple[int, int]:
        """Let the resolver ask the provider unless it knows; return when it knows, and the TTL left."""
        resolver, provider = self.topology.resolver, self.topology.forwarder
        until = self.resolved.get(server.name, 0)
        if until > at_ns + SECOND:
            return at_ns, (until - at_ns) // SECOND
        self.meet(resolver, provider, at_ns)
        # Often the provider knows; else it has to ask around the world.
        has_to_ask, ttl = chance(self.rng, 0.6), server.lookup_ttl_s
        wait = bounded_pareto(self.rng, 0.0005, 0.35) if has_to_ask else 0.0002
        done = at_ns + int(provider.link.rtt_ns * between(self.rng, 1, 1.2)) + nanoseconds(wait)
        if not has_to_ask:
            ttl = whole(self.rng, max(1, ttl // 20), ttl)  # what is left of it in the provider's cache
        parts = self.lookup(resolver, provider, at_ns, done, server.name, server.address, ttl)
        self.flows.append(Exchange(at_ns, tuple(parts), label, asks_for=server.name))
        done = max(part.at_ns for part in parts)
        self.resolved[server.name] = done + ttl * SECOND
        return done, ttl

    def lookup(
        self, host: Host, server: Host, at_ns: int, done: int, name: str, address: str, ttl: int
    ) -> list[Datagram]:
        """Return the questions for A and mostly AAAA of ``name``, and their answers."""
        record = dns.address_record(address)
        parts = self.question(host, server, at_ns, done, name, dns.A, (record,), ttl)
        if chance(self.rng, 0.7):
            asked = at_ns + whole(self.rng, 15_000, 400_000)
            answered = max(asked + 60_000, done) + nanoseconds(bounded_pareto(self.rng, 0.00003, 0.02))
            parts += self.question(host, server, asked, answered, name, dns.AAAA)
        return parts

    def question(
        self,
        host: Host,
        server: Host,
        asked: int,
        answered: int,
        name: str,
        kind: int,
        records: tuple[dns.Record, ...] = (),
        ttl_s: int = 0,
        code: int = dns.NO_ERROR,
    ) -> list[Datagram]:
        """Return a question and its answer; without ``records`` there is none of this kind or, by ``code``, no name."""
        ident, port = bits(self.rng, 16), self.free_port(host)
        own = server.inside and name.endswith(self.topology.site_domain)
        manner, cookies = dns.STUB, (b"", b"")
        if host is self.topology.resolver:
            manner = self.manner
            cookies = (self.cookies.asked(asked), self.cookies.answered(answered)) if manner.has_cookies else cookies
        if records:
            answer = dns.answer(ident, name, kind, records, ttl_s, manner, cookies[1], own=own)
        else:
            answer = dns.empty_answer(ident, name, kind, code, self.zone(name), manner, cookies[1], own=own)
        return [
            self.datagram(asked, host, server, port, 53, dns.query(ident, name, kind, manner, cookies[0])),
            self.datagram(answered, server, host, 53, port, answer),
        ]

    def zone(self, name: str) -> dns.Zone:
        """Return the zone that a negative answer about ``name`` speaks of: the site's own as its server keeps it."""
        domain = self.topology.site_domain
        if not name.endswith(domain):
            return dns.zone_of(name)
        resolver = self.topology.resolver
        return dns.Zone(domain, f"{resolver.name.lower()}.{domain}", 20 + resolver.mac[5], (900, 600, 86_400), 3600)

    def ask(self, intent: Ask) -> None:
        """Let the resolver pass the question on to the provider, and the answer back."""
        resolver, provider, host, rng = self.topology.resolver, self.topology.forwarder, intent.host, self.rng
        self.meet(host, resolver, intent.at_ns)
        self.meet(resolver, provider, intent.at_ns)
        passed_on = intent.at_ns + nanoseconds(bounded_pareto(rng, 0.00012, 0.003))
        # The provider asks the name's own server, wherever that is.
        known = (
            passed_on + int(provider.link.rtt_ns * between(rng, 1, 1.2)) + nanoseconds(bounded_pareto(rng, 0.018, 0.4))
        )
        done = known + nanoseconds(bounded_pareto(rng, 0.0001, 0.002))
        asked = (intent.name, intent.kind, intent.records, intent.ttl_s)
        parts = self.question(host, resolver, intent.at_ns, done, *asked)
        parts += self.question(resolver, provider, passed_on, known, *asked)
        self.flows.append(Exchange(intent.at_ns, tuple(parts), intent.label, asks_for=intent.name))

    def ask_in_vain(self, intent: AskName) -> None:
        resolver, host = self.topology.resolver, intent.host
        self.meet(host, resolver, intent.at_ns)
        wait = 0 if intent.name.endswith(self.topology.site_domain) else bounded_pareto(self.rng, 0.008, 0.3)
        done = intent.at_ns + nanoseconds(bounded_pareto(self.rng, 0.0002, 0.003) + wait)
        parts: list[Datagram | RawFrame] = [
            *self.question(host, resolver, intent.at_ns, done, intent.name, dns.A, code=dns.NO_SUCH_NAME)
        ]
        if wait:
            parts += self.ask_provider(intent.name, intent.at_ns + whole(self.rng, 70_000, 300_000), done)
        if host.stack.family == "windows" and "." not in intent.name.removesuffix(f".{self.topology.site_domain}"):
            parts += self.ask_link(host, intent.name.split(".")[0], done + whole(self.rng, 300_000, 4_000_000))
        self.flows.append(Exchange(intent.at_ns, tuple(parts), intent.label, asks_for=intent.name))

    def ask_provider(self, name: str, at_ns: int, before: int) -> list[Datagram]:
        resolver, provider = self.topology.resolver, self.topology.forwarder
        self.meet(resolver, provider, at_ns)
        answered = before - whole(self.rng, 40_000, 200_000)
        return self.question(resolver, provider, at_ns, answered, name, dns.A, code=dns.NO_SUCH_NAME)

    def ask_link(self, host: Host, label: str, at_ns: int) -> list[Datagram | RawFrame]:
        """Return what Windows does next with a short name: LLMNR over both protocols, then again (RFC 4795, 2.7)."""
        question = dns.link_local_query(bits(self.rng, 16), label)
        port = self.free_port(host)
        again = at_ns + nanoseconds(between(self.rng, 0.405, 0.425))
        parts: list[Datagram | RawFrame] = []
        for time in (at_ns, again):
            later = time + whole(self.rng, 60_000, 500_000)
            parts.append(RawFrame(time, ipv6.to_group(host, ipv6.LLMNR, port, 5355, question, hops=1)))
            parts.append(self.to_group(later, host, "llmnr", port, question, ttl=1))
        return parts

    def ask_time(self, intent: AskTime) -> None:
        host, server = intent.host, intent.server
        at_ns = self.resolve(host, server, intent.at_ns, intent.label) + whole(self.rng, 90_000, 900_000)
        self.meet(host, server, at_ns)
        is_windows = host.stack.family == "windows"
        port = 123 if is_windows else self.free_port(host)
        # Where the client's clock is nobody's business, the field is random (RFC 9109's neighbour).
        clock = (
            messages.ntp_time(at_ns + host.clock_ns) if is_windows else bits(self.rng, 32) << 32 | bits(self.rng, 32)
        )
        trip = int(server.link.rtt_ns * (1 + bounded_pareto(self.rng, 0.003, 0.3)))
        answer = messages.time_answer(
            self.rng, server.name, clock, at_ns + trip // 2 + server.clock_ns // 50, intent.poll
        )
        parts = (
            self.datagram(
                at_ns, host, server, port, 123, messages.time_question(clock, intent.poll, is_windows=is_windows)
            ),
            self.datagram(at_ns + trip, server, host, 123, port, answer),
        )
        self.flows.append(Exchange(at_ns, parts, intent.label))

    def announce(self, intent: Announce) -> None:
        host, rng, at_ns = intent.host, self.rng, intent.at_ns
        parts: list[Datagram | RawFrame] = []
        match intent.kind:
            case Announcement.MDNS:
                service = "_spotify-connect._tcp.local" if chance(rng, 0.4) else "_googlecast._tcp.local"
                question = dns.multicast_query(service, dns.PTR)
                parts.append(self.to_group(at_ns, host, "mdns", 5353, question, ttl=255))
                later = at_ns + whole(rng, 90_000, 900_000)
                parts.append(RawFrame(later, ipv6.to_group(host, ipv6.MDNS, 5353, 5353, question, hops=255)))
            case Announcement.SSDP:
                port = self.free_port(host)
                for number in range(4):
                    later = at_ns + number * nanoseconds(between(rng, 1.0, 1.012))
                    parts.append(
                        self.to_group(later, host, "ssdp", port, messages.search_request(host.stack.family), ttl=1)
                    )
            case Announcement.NETBIOS:
                # Names that Windows looks for everywhere and that nobody has; 00: of a workstation.
                name = "WPAD" if chance(rng, 0.6) else "ISATAP"
                question = dns.netbios_query(bits(rng, 16), name, 0x00)
                for number in range(3):
                    later = at_ns + number * nanoseconds(between(rng, 0.748, 0.766))
                    target = self.topology.broadcast
                    parts.append(Datagram(later, host, target, messages.BROADCAST_MAC, 137, 137, question))
            case Announcement.DHCP:
                parts += self.renew_lease(intent)
            case Announcement.GROUPS:
                parts.append(RawFrame(at_ns, ipv6.group_report(host)))
            case Announcement.ROUTER:
                parts.append(RawFrame(at_ns, ipv6.router_question(host)))
            case Announcement.DHCPV6:
                transaction = bits(rng, 24)
                for waited in (0, 1, 3, 7):  # twice as long each time (RFC 8415, 15)
                    content = ipv6.dhcp_question(host, transaction, waited, self.topology.site_domain)
                    later = at_ns + nanoseconds(waited * between(rng, 0.99, 1.03))
                    parts.append(RawFrame(later, content))
        self.flows.append(Exchange(at_ns, tuple(parts), intent.label))

    def renew_lease(self, intent: Announce) -> list[Datagram]:
        host, server = intent.host, self.topology.resolver
        self.meet(host, server, intent.at_ns)
        number = bits(self.rng, 32)
        request = messages.dhcp_renewal(number, host.mac, host.address, host.name, host.stack.family)
        answer = messages.dhcp_acknowledgment(
            number,
            host.mac,
            host.address,
            server=server.address,
            router=self.topology.router.address,
            domain=self.topology.site_domain,
            lease_s=28_800,
        )
        return [
            self.datagram(intent.at_ns, host, server, 68, 67, request),
            self.datagram(
                intent.at_ns + nanoseconds(bounded_pareto(self.rng, 0.0004, 0.02)), server, host, 67, 68, answer
            ),
        ]

    def meet(self, host: Host, other: Host, before: int) -> None:
        """Let ``host`` ask for the Ethernet address of ``other`` (or of the router), unless it knows."""
        peer = other if other.inside else self.topology.router
        if host is peer or not host.inside:
            return
        pair = (min(host.address, peer.address), max(host.address, peer.address))
        until = self.neighbours.get(pair, -1)
        if until > before:
            return
        asked = before - whole(self.rng, 350_000, 1_400_000)
        question = messages.arp_frame(
            is_reply=False,
            sender_mac=host.mac,
            sender=host.address,
            target_mac=peer.mac,
            target=peer.address,
            to_everybody=until < 0,  # a known neighbour is asked directly (RFC 1122, 2.3.2.1)
        )
        answer = messages.arp_frame(
            is_reply=True,
            sender_mac=peer.mac,
            sender=peer.address,
            target_mac=host.mac,
            target=host.address,
            to_everybody=False,
        )
        answered = asked + whole(self.rng, 60_000, 300_000)
        self.flows.append(Exchange(asked, (RawFrame(asked, question), RawFrame(answered, answer)), "arp"))
        self.neighbours[pair] = before + nanoseconds(between(self.rng, 90, 900))

    def arp_probe(self, intent: ArpProbe) -> None:
        """Let a host ask three times, a second apart, as Linux does before it gives up."""
        question = messages.arp_frame(
            is_reply=False, sender_mac=intent.host.mac, sender=intent.host.address, target_mac=messages.BROADCAST_MAC,
            target=intent.address, to_everybody=True,
        )  # fmt: skip
        times = [intent.at_ns]
        for _ in range(2):
            times.append(times[-1] + nanoseconds(between(self.rng, 1.0, 1.03)))
        self.flows.append(Exchange(intent.at_ns, tuple(RawFrame(time, question) for time in times), intent.label))

    def full_name(self, server: Host) -> str:
        return f"{server.name.lower()}.{self.topology.site_domain}" if server.inside else server.name

    def port(self, host: Host) -> int:
        """Return the port from which ``host`` opens its next connection."""
        low, high = host.stack.ports
        if not host.stack.ports_count_up:
            return whole(self.rng, low, high)
        port = self.ports.get(host.address) or whole(self.rng, low, high)
        # Programs that open sockets without sending take ports too.
        following = port + (1 if chance(self.rng, 0.7) else whole(self.rng, 2, 6))
        self.ports[host.address] = following if following <= high else low
        return port

    def free_port(self, host: Host) -> int:
        """Return a random port, as resolvers choose it (RFC 5452)."""
        return whole(self.rng, *host.stack.ports)

    def datagram(
        self, at_ns: int, sender: Host, receiver: Host, sender_port: int, port: int, payload: bytes
    ) -> Datagram:
        return Datagram(at_ns, sender, receiver.address, receiver.mac, sender_port, port, payload)

    def to_group(self, at_ns: int, host: Host, group: str, port: int, payload: bytes, *, ttl: int) -> Datagram:
        address, target_port = _MULTICAST[group]
        return Datagram(at_ns, host, address, messages.multicast_mac(address), port, target_port, payload, ttl)
