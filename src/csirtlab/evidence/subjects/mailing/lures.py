"""A lure that does no harm: who gets it and follows it, what it measures, and where it would be ambiguous."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.applications.correspondence import correspondence
from csirtlab.evidence.applications.mail_messages import (
    mail_date,
    queue_id,
    received,
)
from csirtlab.evidence.applications.mta import (
    LATEST,
    Sender,
    arrived_ns,
    times_apart,
)
from csirtlab.evidence.applications.mua import (
    OF_STRANGERS,
)
from csirtlab.evidence.applications.people import Mailbox, draw_name, language_of
from csirtlab.evidence.applications.proxy import ProxiedVisits, Visit
from csirtlab.evidence.applications.zip_files import zip_archive
from csirtlab.evidence.intents import ActionContext, Intent, Output, RecordedFact
from csirtlab.evidence.measures import instant
from csirtlab.evidence.model import Host, Plan, TcpFlow
from csirtlab.evidence.protocols.smtp import Handover
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.sampling import SECOND, between, bounded_pareto, nanoseconds, noise, pick, shuffled, whole
from csirtlab.evidence.subjects.mailing.drafts import (
    ZIP,
    Draft,
    author_at,
    domain_of,
    mailboxes_of,
    mta_of,
    mua_of,
    plain,
    written,
)
from csirtlab.evidence.subjects.proxying import check_link, proxied_visits

_FOLDERS = ("d", "docs", "s", "share", "f", "v", "doc", "files")


_TO_THE_END = 5 * SECOND


def lure(context: ActionContext) -> Iterator[Intent | Output]:
    """Yield the messages of a lure, what checks its links, and who follows them."""
    rng, topology, mta = context.rng, context.topology, mta_of(context)
    (relay,), (posed,), (site,) = context.others("relay"), context.others("posing_as"), context.others("site")
    everybody = shuffled(rng, mailboxes_of(context))
    targets = everybody[: context.draw_whole("targets")]
    people = [mailbox for mailbox in everybody if mailbox.host]
    clicks, downloads = context.draw_whole("clicks"), context.draw_whole("downloads")
    # Who clicks gets the message.
    targets = shuffled(rng, list({mailbox.address: mailbox for mailbox in [*targets, *people[:clicks]]}.values()))
    gone = f"{_gone(context)}@{topology.site_domain}"
    author = author_at(context, domain_of(posed))
    name = pick(rng, correspondence(language_of(topology.site_domain)).files["lure"])
    url = f"http://{site.name}/{pick(rng, _FOLDERS)}/{name}_{whole(rng, 100, 9999)}.zip"
    content = zip_archive(f"{name}.html", _inert(context))
    start = topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    times = times_apart(rng, start, len(targets) + 1, context.action.ranges["gap_s"])
    refused_at = whole(rng, 1, len(targets))
    envelope = f"bounce-{noise(rng, 4).hex()}@{domain_of(relay)}"
    links: dict[str, str] = {}
    for number, at_ns in enumerate(times):
        is_refused = number == refused_at
        target = Mailbox("", gone, None) if is_refused else targets[number - (number > refused_at)]
        link = f"http://{site.name}/{pick(rng, _FOLDERS)}/{noise(rng, 6).hex()}"
        draft = Draft("lure", author, (target,), at_ns, mua_of(context.host.name, OF_STRANGERS), link)
        message = written(context, draft, _forged(context, relay, posed, at_ns))
        sender = Sender(relay, envelope, domain_of(posed), relay.address)
        yield from mta.take(at_ns, sender, message, (target.address,), (gone,) if is_refused else ())
        if not is_refused:
            links[target.address] = link
            yield check_link(context, link, site.address, at_ns)
    arrived = dict(zip(links, (at_ns for number, at_ns in enumerate(times) if number != refused_at), strict=True))
    yield from _clicks(context, people[:clicks], downloads, links, arrived, url, content)
    for fact, value in (
        ("recipients", frozenset(links)), ("refused", gone), ("url", url),
        ("file_hash", hashlib.sha256(content).hexdigest()),
        ("clicked", frozenset(mailbox.address for mailbox in people[:clicks])),
    ):  # fmt: skip
        yield RecordedFact(context.action.id, fact, value)


def _gone(context: ActionContext) -> str:
    """Return the account of somebody who has left, and whom old lists of addresses still have."""
    known = {mailbox.address.split("@")[0] for mailbox in mailboxes_of(context)}
    while (names := plain(draw_name(context.rng, language_of(context.topology.site_domain))).lower().split()) and (
        names[0][0] + names[1] in known
    ):
        pass
    return names[0][0] + names[1]


def _forged(context: ActionContext, relay: Host, posed: Host, at_ns: int) -> list[str]:
    """Return the trace of a lure: the relay's line is true but for the greeting; the one below is the sender's own."""
    rng, phisher = context.rng, context.host
    took = mail_date(at_ns - whole(rng, 1, 2) * SECOND, name=True)
    claimed = mail_date(at_ns - whole(rng, 3, 9) * SECOND, name=True)
    true = received(posed.name, phisher.name, phisher.address, relay.name, "ESMTPSA", queue_id(rng), took)
    gateway = f"gw{whole(rng, 1, 4)}.{domain_of(posed)}"
    false = received(posed.name, posed.name, posed.address, gateway, "ESMTPS", queue_id(rng), claimed)
    return [true, false]


def _inert(context: ActionContext) -> bytes:
    rng = context.rng
    lines = "\n".join(noise(rng, 32).hex() for _ in range(context.draw_pareto("file_bytes") // 65))
    return f"<!-- exercise: this file does nothing -->\n<pre>\n{lines}\n</pre>\n".encode()


def _clicks(
    context: ActionContext,
    people: Sequence[Mailbox],
    downloads: int,
    links: Mapping[str, str],
    arrived: Mapping[str, int],
    url: str,
    content: bytes,
) -> Iterator[Intent | Output]:
    """Some follow their link: the first ones get the file, then the proxy has been told to refuse the site."""
    rng, (site,) = context.rng, context.others("site")
    last = context.topology.end_ns - LATEST
    clicks = [(arrived[mailbox.address] + nanoseconds(bounded_pareto(rng, 60, 1500)), mailbox) for mailbox in people]
    clicks.sort(key=lambda click: click[0])
    fetched: set[str] = set()
    for number, (wanted, mailbox) in enumerate(clicks):
        assert mailbox.host is not None
        is_denied = number >= downloads
        at_ns = min(wanted + is_denied * 90 * SECOND, last - (len(clicks) - number) * 2 * SECOND)
        think = [site.link.rtt_ns + nanoseconds(bounded_pareto(rng, 0.02, 0.5)) for _ in range(2)]
        link = links[mailbox.address]
        if is_denied:
            visits = [
                Visit(
                    "GET",
                    link,
                    403,
                    b"",
                    "text/html",
                    nanoseconds(bounded_pareto(rng, 0.0004, 0.01)),
                    0,
                    is_denied=True,
                )
            ]
        else:
            fetched.add(mailbox.host.address)
            visits = [
                Visit("GET", link, 302, b"", "", think[0], 0, location=url),
                Visit("GET", url, 200, content, ZIP, think[1], nanoseconds(bounded_pareto(rng, 0.003, 0.05))),
            ]
        yield proxied_visits(context, mailbox.host, site.address, visits, at_ns)
    yield RecordedFact(context.action.id, "downloaders", frozenset(fetched))


def first_delivery(plan: Plan, action: Action) -> dt.datetime:
    """Return the second in which the server says it took the first message."""
    arrived = [
        arrived_ns(plan, flow.dialogue) + flow.server.clock_ns
        for flow in plan.flows
        if isinstance(flow, TcpFlow)
        and flow.label == action.id
        and isinstance(flow.dialogue, Handover)
        and not flow.dialogue.is_refused
    ]
    return instant(min(arrived) // SECOND * SECOND)


def first_click(plan: Plan, action: Action) -> dt.datetime:
    """Return when the proxy was first asked for a link by a person, to the millisecond that its log tells."""
    checker = plan.named_hosts[action.others["checker"]]
    asked = []
    for flow in plan.flows:
        if not isinstance(flow, TcpFlow) or flow.label != action.id or flow.client is checker:
            continue
        if isinstance(flow.dialogue, ProxiedVisits):
            ended, took = simulated(plan, flow).records[0].text.split()[:2]
            asked.append(int(ended.replace(".", "")) - int(took))
    return instant(min(asked) * 1_000_000)


def lure_ambiguities(scenario: Scenario, plan: Plan, action: Action) -> Iterator[str]:
    """Yield what would make a lure easy to guess or impossible to follow."""
    flows = [flow for flow in plan.flows if isinstance(flow, TcpFlow)]
    mine = [flow for flow in flows if flow.label == action.id]
    if not mine or max(max(simulated(plan, flow).turn_times) for flow in mine) > plan.end_ns - _TO_THE_END:
        yield f'"{action.id}" is still going on when the recording ends'
    recipients, clicked = plan.recorded_facts[action.id, "recipients"], plan.recorded_facts[action.id, "clicked"]
    if recipients == clicked:
        yield f'everybody who gets "{action.id}" follows it'
    posts = {other.id for other in scenario.actions if other.verb == "list-post"}
    others = {
        to
        for flow in flows
        if flow.label in posts and isinstance(flow.dialogue, Handover)
        for to in flow.dialogue.recipients
    }
    if posts and isinstance(recipients, frozenset) and others <= recipients:
        yield f'a list writes only to those who get "{action.id}"'
    files = [
        (flow.start_ns, flow.label, flow.client)
        for flow in flows
        if isinstance(flow.dialogue, ProxiedVisits)
        and any(visit.method == "GET" and "zip" in visit.kind for visit in flow.dialogue.visits)
    ]
    if min(files, default=(0, "", None))[1] == action.id:
        yield f'the first archive that anybody fetches is that of "{action.id}"'
    if {client for _, _, client in files} == {client for _, label, client in files if label == action.id}:
        yield f'nobody fetches an archive but that of "{action.id}"'
