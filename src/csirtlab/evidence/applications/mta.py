"""The site's mail server: how a message comes in, what is looked up about its sender, and how it is kept.

What is looked up is what Postfix with policyd-spf, OpenDKIM and OpenDMARC look up: RFC 7208, RFC 6376, RFC 7489. The
headers that they add are theirs, with RFC 8601 for ``Authentication-Results``.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

from csirtlab.evidence.applications.mail_messages import Message, as_sent, mail_date, queue_id, received
from csirtlab.evidence.intents import Ask, Connect
from csirtlab.evidence.model import FileArtifact, Host, Plan, TcpFlow
from csirtlab.evidence.protocols import dns
from csirtlab.evidence.protocols.dialogues import Closing, Dialogue, Ending
from csirtlab.evidence.protocols.smtp import SMTP, Handover
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.sampling import SECOND, bounded_pareto, nanoseconds, noise, pick, whole
from csirtlab.evidence.seeds import stream

FOLDER = "mail"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who hands a message over, and what DNS says about who may."""

    host: Host  # connects
    envelope: str  # address
    from_domain: str  # of ``From``
    allowed: str  # address that the envelope's domain may send from
    signed_by: str = ""  # the domain whose signature holds; empty: there is none
    is_signature_broken: bool = False  # a list has changed what its member signed
    policy: str = "none"  # DMARC's, of ``from_domain``
    is_script: bool = False
    greeting: str = ""  # what it calls itself; empty: its name in DNS

    @property
    def helo(self) -> str:
        """Return what it calls itself."""
        return self.greeting or self.host.name

    @property
    def domain(self) -> str:
        """Return the envelope's domain."""
        return self.envelope.split("@")[1]

    @property
    def is_aligned(self) -> bool:
        """Say whether DMARC passes: what holds speaks for the domain of ``From``."""
        return self.from_domain in (self.domain, self.signed_by)


class Mta:
    """The site's mail server while one action sends to it."""

    def __init__(self, server: Host, site_domain: str, label: str, rng: Random) -> None:
        self.server = server
        self.name = f"{server.name.lower()}.{site_domain}"
        self.label = label
        self.rng = rng
        self._asked: set[str] = set()

    def take(
        self, at_ns: int, sender: Sender, message: Message, recipients: tuple[str, ...], refused: tuple[str, ...] = ()
    ) -> Iterator[Connect | Ask | FileArtifact]:
        """Yield what handing over ``message`` at ``at_ns`` takes, and the file that is kept of it."""
        rng = self.rng
        handover = Handover(
            is_script=sender.is_script,
            client=sender.helo,
            server=self.name,
            sender=sender.envelope,
            recipients=recipients,
            refused=refused,
            message=as_sent(message),
            queue_id=queue_id(rng),
            greeting_ns=nanoseconds(0.5 + bounded_pareto(rng, 0.004, 0.3)),
            judging_ns=nanoseconds(0.5 + bounded_pareto(rng, 0.004, 0.3)),
            keeping_ns=nanoseconds(0.9 + bounded_pareto(rng, 0.01, 0.4)),
            closing=Closing(Ending.SERVER_FIN, nanoseconds(bounded_pareto(rng, 0.00004, 0.001))),
        )
        yield from self._lookups(at_ns, sender)
        yield Connect(at_ns, sender.host, self.server, SMTP, handover, self.label)
        if not handover.is_refused:
            yield FileArtifact(f"{FOLDER}/{handover.queue_id}.eml", partial(_kept, sender, message, handover, self))

    def _lookups(self, at_ns: int, sender: Sender) -> Iterator[Ask]:
        """Yield what the server asks about a sender that it has not asked about before."""
        rng, rtt_ns = self.rng, sender.host.link.rtt_ns
        reverse = ".".join(reversed(sender.host.address.split("."))) + ".in-addr.arpa"
        questions: list[tuple[str, int, dns.Record, float]] = [(reverse, dns.PTR, dns.Name(sender.host.name), 0.001)]
        spf = f"v=spf1 ip4:{sender.allowed} -all"
        questions.append((sender.domain, dns.TXT, dns.text_record(spf.encode()), 0.52))
        if sender.signed_by:
            key = "v=DKIM1; k=rsa; p=" + base64.b64encode(_public_key(sender.signed_by)).decode()
            name = f"{selector(sender.signed_by)}._domainkey.{sender.signed_by}"
            questions.append((name, dns.TXT, dns.text_record(key.encode()), 1.06))
        policy = f"v=DMARC1; p={sender.policy}; rua=mailto:dmarc@{sender.from_domain}"
        questions.append((f"_dmarc.{sender.from_domain}", dns.TXT, dns.text_record(policy.encode()), 1.08))
        for name, kind, record, after_s in questions:
            if name not in self._asked:
                self._asked.add(name)
                asked = at_ns + 3 * rtt_ns * (after_s > 0.5) + nanoseconds(after_s + bounded_pareto(rng, 0.0004, 0.02))
                yield Ask(asked, self.server, name, kind, (record,), whole(rng, 300, 3600), self.label)


def _kept(sender: Sender, message: Message, handover: Handover, mta: Mta, plan: Plan) -> bytes:
    """Return the message as the server keeps it."""
    lone = handover.recipients[0] if len(handover.recipients) == 1 else ""
    date = mail_date(arrived_ns(plan, handover) + mta.server.clock_ns, name=True)
    host = sender.host
    trace = received(sender.helo, host.name, host.address, mta.name, "ESMTP", handover.queue_id, date, lone)
    spf = "Pass" if sender.allowed == host.address else "Fail"
    head = (
        f"Return-Path: <{sender.envelope}>\n"
        f"Received-SPF: {spf} (mailfrom) identity=mailfrom; client-ip={host.address};\n\thelo={sender.helo}; "
        f"envelope-from={sender.envelope};\n\treceiver={mta.name}\n"
        f"Received: {trace}\n{_judgement(sender, message, mta.name, spf.lower())}"
    )
    return head.encode() + message.as_bytes()


def _judgement(sender: Sender, message: Message, server: str, spf: str) -> str:
    if sender.signed_by:
        verdict = 'fail reason="body hash did not verify"' if sender.is_signature_broken else "pass"
        dkim = (
            f"dkim={verdict} (2048-bit key; unprotected) header.d={sender.signed_by}\n"
            f"\theader.i=@{sender.signed_by} header.a=rsa-sha256 header.s={selector(sender.signed_by)}"
            f" header.b={message.signature_start}"
        )
    else:
        dkim = "dkim=none (no signature)"
    passes = sender.is_aligned and not (sender.is_signature_broken and sender.from_domain != sender.domain)
    disposition = "none" if passes or sender.policy == "none" else sender.policy
    dmarc = (
        f"dmarc={'pass' if passes else 'fail'} (p={sender.policy} dis={disposition}) header.from={sender.from_domain}"
    )
    return f"Authentication-Results: {server};\n\t{dkim};\n\tspf={spf} smtp.mailfrom={sender.envelope};\n\t{dmarc}\n"


def kept_from_inside(message: Message, dialogue: Dialogue, mta: Mta, number: str, to: str, plan: Plan) -> bytes:
    """Return a colleague's message, handed over in a session that nobody reads."""
    flow = _flow(plan, dialogue)
    date = mail_date(simulated(plan, flow).turn_times[-1] + mta.server.clock_ns, name=True)
    name = f"{flow.client.name.lower()}.{plan.site_domain}"
    how = "ESMTPSA"
    trace = received(f"[{flow.client.address}]", name, flow.client.address, mta.name, how, number, date, to)
    sender = dict(message.headers)["From"].rsplit("<", 1)[-1].rstrip(">")
    return f"Return-Path: <{sender}>\nReceived: {trace}\n".encode() + message.as_bytes()


def arrived_ns(plan: Plan, handover: Handover) -> int:
    """Return when the server took the message, in true time."""
    return simulated(plan, _flow(plan, handover)).turn_times[handover.arrival]


def _flow(plan: Plan, dialogue: Dialogue) -> TcpFlow:
    for flow in plan.flows:
        if isinstance(flow, TcpFlow) and flow.dialogue is dialogue:
            return flow
    raise LookupError("a message is kept that nobody hands over")


def selector(domain: str) -> str:
    """Return under which name a domain keeps its key."""
    return pick(stream(domain.encode(), "selector"), ("mail", "s1", "default", "2026", "k1", "dkim"))


def _public_key(domain: str) -> bytes:
    return noise(stream(domain.encode(), "public key"), 294)


def times_apart(rng: Random, start_ns: int, count: int, gap_s: tuple[float, float]) -> list[int]:
    """Return ``count`` instants from ``start_ns`` on, one after the other."""
    times = [start_ns]
    for _ in range(count - 1):
        times.append(times[-1] + nanoseconds(bounded_pareto(rng, *gap_s)))
    return times


LATEST = 45 * SECOND
"""No message comes in nearer than this to the end of the recording."""
