"""What others write to a site and colleagues to each other, and how they fetch their mail."""

from collections.abc import Iterator
from functools import partial

from csirtlab.evidence.applications.correspondence import correspondence
from csirtlab.evidence.applications.mail_messages import (
    Attachment,
    mail_date,
    queue_id,
    received,
)
from csirtlab.evidence.applications.mta import (
    Sender,
    kept_from_inside,
    times_apart,
)
from csirtlab.evidence.applications.mua import (
    OF_DESKS,
    OF_PEOPLE,
    OF_PROGRAMS,
    OF_PUBLISHERS,
    subscription,
)
from csirtlab.evidence.applications.people import language_of
from csirtlab.evidence.applications.zip_files import zip_archive
from csirtlab.evidence.intents import ActionContext, Connect, Intent, Output, RecordedFact
from csirtlab.evidence.model import FileArtifact
from csirtlab.evidence.protocols.http import Fetch, body_of
from csirtlab.evidence.protocols.tls import Request, TlsSession, short_closing
from csirtlab.evidence.sampling import (
    SECOND,
    between,
    bounded_pareto,
    chance,
    nanoseconds,
    noise,
    pick,
    shuffled,
    whole,
)
from csirtlab.evidence.seeds import stream
from csirtlab.evidence.subjects.mailing.drafts import (
    ZIP,
    Author,
    Draft,
    any_time,
    author_at,
    by_way_of,
    domain_of,
    from_desk,
    got,
    greeting_of,
    hosted,
    mailboxes_of,
    mta_of,
    mua_of,
    office_author,
    written,
)
from csirtlab.evidence.subjects.proxying import check_link, proxied_visits

_SUBMISSION, _IMAP = 465, 993


def correspond(context: ActionContext) -> Iterator[Intent | Output]:
    """Yield what people elsewhere write to people of the site."""
    rng, host, mta = context.rng, context.host, mta_of(context)
    domain = domain_of(host)
    habits = stream(domain.encode(), "mail habits")
    signed_by = domain if chance(habits, 0.7) else ""
    policy = "reject" if chance(habits, context.draw("strict")) else "none"
    authors = [author_at(context, domain) for _ in range(2)]
    for _ in range(context.draw_whole("letters")):
        at_ns = any_time(context)
        author = pick(rng, authors)
        to = tuple(shuffled(rng, mailboxes_of(context))[: context.draw_whole("readers")])
        attachment = _pdf(context) if chance(rng, context.draw("attached")) else None
        mua = mua_of(author.address, OF_PEOPLE)
        draft = Draft("correspondence", author, to, at_ns, mua, attachment=attachment)
        trace = by_way_of(context, author.address, host.name, at_ns)
        message = written(context, draft, trace, signed_by=signed_by)
        sender = Sender(
            host, author.address, domain, host.address, signed_by, policy=policy, greeting=greeting_of(host)
        )
        yield from mta.take(at_ns, sender, message, tuple(mailbox.address for mailbox in to))


def _pdf(context: ActionContext) -> Attachment:
    """Return a PDF in name only."""
    rng = context.rng
    name = pick(rng, correspondence(language_of(context.topology.site_domain)).files["paper"])
    content = (
        b"%PDF-1.7\n% exercise: this file shows nothing\n"
        + noise(rng, context.draw_pareto("file_bytes"))
        + b"\n%%EOF\n"
    )
    return Attachment(f"{name}_{whole(rng, 1, 400)}.pdf", "application/pdf", content)


def newsletter(context: ActionContext) -> Iterator[Intent | Output]:
    """One issue for many readers, by way of a service that sends mail for others."""
    rng, mta, (relay,) = context.rng, mta_of(context), context.others("relay")
    domain, site = domain_of(context.host), f"www.{domain_of(context.host)}"
    author = office_author(domain, "boletin" if language_of(context.topology.site_domain) != "en" else "news")
    start = context.topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    readers = shuffled(rng, mailboxes_of(context))[: context.draw_whole("readers")]
    clicks = context.draw_whole("clicks")
    habits = stream(domain.encode(), "mail habits")
    # Most publishers rent the machine that hands their messages to the relay, and some log in there.
    address, name = hosted(habits) if chance(habits, 0.75) else (context.host.address, context.host.name)
    how = pick(habits, ("ESMTP", "ESMTPSA", "ESMTPSA"))
    mua = mua_of(domain, OF_PUBLISHERS)
    for at_ns, reader in zip(times_apart(rng, start, len(readers), (0.8, 9)), readers, strict=True):
        link, token = f"http://{site}/n/{noise(rng, 5).hex()}", noise(rng, 9).hex()
        date = mail_date(at_ns - whole(rng, 1, 3) * SECOND, name=True)
        trace = received(context.host.name, name, address, relay.name, how, queue_id(rng), date)
        leave = (f"http://{site}/u/{token}", f"mailto:leave-{token}@{domain}")
        listed = subscription(author.org, author.address.replace("@", "."), leave, is_bulk=True)
        draft = Draft("newsletter", author, (reader,), at_ns, mua, link, headers=tuple(listed))
        message = written(context, draft, [trace], signed_by=domain)
        sender = Sender(relay, f"bounce-{noise(rng, 4).hex()}@{domain_of(relay)}", domain, relay.address, domain)
        yield from mta.take(at_ns, sender, message, (reader.address,))
        yield check_link(context, link, context.host.address, at_ns)
        if clicks and reader.host:
            clicks -= 1
            clicked = at_ns + nanoseconds(bounded_pareto(rng, 25, 1500))
            page = body_of(rng, Fetch("", whole(rng, 3000, 16_000), "text/html", 0, 0)).replace(
                b"Intranet", site.encode()
            )
            visits = [got(context, link, page, "text/html; charset=utf-8", 0)]
            for _ in range(whole(rng, 1, 4)):
                url = f"http://{site}/img/{noise(rng, 4).hex()}.webp"
                visits.append(got(context, url, noise(rng, int(bounded_pareto(rng, 2000, 60_000))), "image/webp", 0.03))
            yield proxied_visits(context, reader.host, context.host.address, visits, clicked)


def list_post(context: ActionContext) -> Iterator[Intent | Output]:
    """Members of a list write to it; it adds a line to each message, which breaks what the member's server signed."""
    rng, host, mta = context.rng, context.host, mta_of(context)
    member = pick(rng, context.others("members"))
    domain, list_domain = domain_of(member), domain_of(host)
    readers = shuffled(rng, mailboxes_of(context))[: context.draw_whole("readers")]
    leave = (f"mailto:archivos-leave@{list_domain}",)
    listed = (
        ("X-Mailman-Version", "3.3.8"),
        *subscription("archivos", f"archivos.{list_domain}", leave, is_bulk=False),
        ("List-Post", f"<mailto:archivos@{list_domain}>"),
        ("List-Help", f"<mailto:archivos-request@{list_domain}?subject=help>"),
    )
    for _ in range(context.draw_whole("letters")):
        author = author_at(context, domain)
        start = any_time(context) - 20 * SECOND
        for at_ns, reader in zip(times_apart(rng, start, len(readers), (0.5, 4)), readers, strict=True):
            date = mail_date(at_ns - 2 * SECOND, name=True)
            trace = [
                received(member.name, member.name, member.address, host.name, "ESMTP", queue_id(rng), date),
                from_desk(context, author.address, member.name, at_ns - SECOND),
            ]
            draft = Draft("list", author, (reader,), at_ns, mua_of(author.address, OF_PEOPLE), headers=listed)
            message = written(context, draft, trace, signed_by=domain)
            sender = Sender(host, f"archivos-bounces@{list_domain}", domain, host.address, domain, True)
            yield from mta.take(at_ns, sender, message, (reader.address,))
    yield RecordedFact(context.action.id, "domain", domain)


def invoice(context: ActionContext) -> Iterator[Intent | Output]:
    """A supplier's program sends an invoice that is due, with a link to its portal; some fetch it."""
    rng, host, mta = context.rng, context.host, mta_of(context)
    domain = domain_of(host)
    author = office_author(domain, "facturacion" if language_of(context.topology.site_domain) == "es" else "billing")
    name = pick(rng, correspondence(language_of(context.topology.site_domain)).files["invoice"])
    url = f"http://portal.{domain}/d/{noise(rng, 5).hex()}/{name}_{whole(rng, 100, 9999)}.zip"
    content = zip_archive(
        f"{name}.pdf",
        b"%PDF-1.7\n% exercise: this file shows nothing\n" + noise(rng, context.draw_pareto("file_bytes")),
    )
    start = context.topology.begin_ns + nanoseconds(between(rng, *context.action.starts_min) * 60)
    people = [mailbox for mailbox in mailboxes_of(context) if mailbox.host]
    to = shuffled(rng, people)[: context.draw_whole("readers")]
    clicks = context.draw_whole("clicks")
    for number, (at_ns, reader) in enumerate(zip(times_apart(rng, start, len(to), (1, 9)), to, strict=True)):
        trace = [from_desk(context, author.address, host.name, at_ns)]
        draft = Draft("invoice", author, (reader,), at_ns, mua_of(author.address, OF_PROGRAMS), url)
        message = written(context, draft, trace, signed_by=domain)
        sender = Sender(host, author.address, domain, host.address, domain, policy="reject", is_script=True)
        yield from mta.take(at_ns, sender, message, (reader.address,))
        yield check_link(context, url, host.address, at_ns)
        if number < clicks and reader.host:
            clicked = at_ns + nanoseconds(bounded_pareto(rng, 25, 300))
            yield proxied_visits(context, reader.host, host.address, [got(context, url, content, ZIP, 0)], clicked)


def colleagues(context: ActionContext) -> Iterator[Intent | Output]:
    """Yield what people of the site write to each other."""
    rng, host, server, mta = context.rng, context.host, context.servers[0], mta_of(context)
    everybody = mailboxes_of(context)
    me = next(mailbox for mailbox in everybody if mailbox.host is host)
    author = Author(me.name, me.address, "")
    mua = mua_of(me.address, OF_DESKS[host.stack.family])
    for _ in range(context.draw_whole("letters")):
        at_ns = any_time(context)
        other = pick(rng, [mailbox for mailbox in everybody if mailbox.name and mailbox is not me])
        message = written(context, Draft("colleagues", author, (other,), at_ns, mua), [])
        size = len(message.as_bytes())
        request = Request(size + 300, whole(rng, 200, 420), nanoseconds(bounded_pareto(rng, 0.02, 0.4)), 0)
        session = TlsSession(mta.name, "library", chance(rng, 0.5), (request,), short_closing(rng, server_closes=False))
        yield Connect(at_ns, host, server, _SUBMISSION, session, context.action.id)
        number = queue_id(rng)
        yield FileArtifact(
            f"mail/{number}.eml", partial(kept_from_inside, message, session, mta, number, other.address)
        )


def read_mail(context: ActionContext) -> Iterator[Intent | Output]:
    """Yield how a mail program looks for new messages."""
    rng, server = context.rng, context.servers[0]
    interval = context.draw("interval_s")
    at_ns = context.topology.begin_ns + nanoseconds(interval * rng.random())
    known = False
    name = f"{server.name.lower()}.{context.topology.site_domain}"
    while at_ns < context.topology.end_ns:
        fetched = context.draw_pareto("response_bytes") if chance(rng, 0.3) else whole(rng, 120, 700)
        think = [nanoseconds(bounded_pareto(rng, 0.002, 0.15)) for _ in range(2)]
        asked = (
            Request(whole(rng, 60, 300), whole(rng, 300, 900), think[0], 0),
            Request(whole(rng, 40, 160), fetched, think[1], nanoseconds(bounded_pareto(rng, 0.01, 0.3))),
        )
        closing = short_closing(rng, server_closes=False)
        session = TlsSession(name, "library", known and chance(rng, 0.8), asked, closing)
        known = True
        yield Connect(at_ns, context.host, server, _IMAP, session, context.action.id)
        at_ns += nanoseconds(interval * between(rng, 0.97, 1.04) + bounded_pareto(rng, 0.05, 20))
