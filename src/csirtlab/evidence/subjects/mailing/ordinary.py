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
from csirtlab.evidence.applications.zip_files import parcel
from csirtlab.evidence.intents import Connect, Doing, Note, Remark, Wish
from csirtlab.evidence.model import Paper
from csirtlab.evidence.protocols.http import Fetch, body_of
from csirtlab.evidence.protocols.tls import Request, TlsSession, short_closing
from csirtlab.evidence.sampling import SECOND, between, chance, heavy, nanoseconds, noise, pick, shuffled, whole
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
    mailer_of,
    office_author,
    office_of,
    written,
)
from csirtlab.evidence.subjects.proxying import check_link, proxied_visits

_SUBMISSION, _IMAP = 465, 993


def correspond(doing: Doing) -> Iterator[Wish | Remark]:
    """Yield what people elsewhere write to people of the site."""
    rng, host, office = doing.rng, doing.host, office_of(doing)
    domain = domain_of(host)
    habits = stream(domain.encode(), "mail habits")
    signed_by = domain if chance(habits, 0.7) else ""
    policy = "reject" if chance(habits, doing.draw("strict")) else "none"
    authors = [author_at(doing, domain) for _ in range(2)]
    for _ in range(doing.draw_whole("letters")):
        at_ns = any_time(doing)
        author = pick(rng, authors)
        to = tuple(shuffled(rng, mailboxes_of(doing))[: doing.draw_whole("readers")])
        attachment = _paper(doing) if chance(rng, doing.draw("attached")) else None
        mailer = mailer_of(author.address, OF_PEOPLE)
        draft = Draft("correspondence", author, to, at_ns, mailer, attachment=attachment)
        trace = by_way_of(doing, author.address, host.name, at_ns)
        letter = written(doing, draft, trace, signed_by=signed_by)
        sender = Sender(
            host, author.address, domain, host.address, signed_by, policy=policy, greeting=greeting_of(host)
        )
        yield from office.take(at_ns, sender, letter, tuple(mailbox.address for mailbox in to))


def _paper(doing: Doing) -> Attachment:
    """Return a PDF in name only."""
    rng = doing.rng
    name = pick(rng, correspondence(language_of(doing.cast.site_domain)).files["paper"])
    content = (
        b"%PDF-1.7\n% exercise: this file shows nothing\n" + noise(rng, doing.draw_heavy("file_bytes")) + b"\n%%EOF\n"
    )
    return Attachment(f"{name}_{whole(rng, 1, 400)}.pdf", "application/pdf", content)


def newsletter(doing: Doing) -> Iterator[Wish | Remark]:
    """One issue for many readers, by way of a service that sends mail for others."""
    rng, office, (relay,) = doing.rng, office_of(doing), doing.others("relay")
    domain, site = domain_of(doing.host), f"www.{domain_of(doing.host)}"
    author = office_author(domain, "boletin" if language_of(doing.cast.site_domain) != "en" else "news")
    start = doing.cast.begin_ns + nanoseconds(between(rng, *doing.action.starts_min) * 60)
    readers = shuffled(rng, mailboxes_of(doing))[: doing.draw_whole("readers")]
    clicks = doing.draw_whole("clicks")
    habits = stream(domain.encode(), "mail habits")
    # Most publishers rent the machine that hands their letters to the relay, and some log in there.
    address, name = hosted(habits) if chance(habits, 0.75) else (doing.host.address, doing.host.name)
    how = pick(habits, ("ESMTP", "ESMTPSA", "ESMTPSA"))
    mailer = mailer_of(domain, OF_PUBLISHERS)
    for at_ns, reader in zip(times_apart(rng, start, len(readers), (0.8, 9)), readers, strict=True):
        link, token = f"http://{site}/n/{noise(rng, 5).hex()}", noise(rng, 9).hex()
        date = mail_date(at_ns - whole(rng, 1, 3) * SECOND, name=True)
        trace = received(doing.host.name, name, address, relay.name, how, queue_id(rng), date)
        leave = (f"http://{site}/u/{token}", f"mailto:leave-{token}@{domain}")
        listed = subscription(author.org, author.address.replace("@", "."), leave, is_bulk=True)
        draft = Draft("newsletter", author, (reader,), at_ns, mailer, link, headers=tuple(listed))
        letter = written(doing, draft, [trace], signed_by=domain)
        sender = Sender(relay, f"bounce-{noise(rng, 4).hex()}@{domain_of(relay)}", domain, relay.address, domain)
        yield from office.take(at_ns, sender, letter, (reader.address,))
        yield check_link(doing, link, doing.host.address, at_ns)
        if clicks and reader.host:
            clicks -= 1
            clicked = at_ns + nanoseconds(heavy(rng, 25, 1500))
            page = body_of(rng, Fetch("", whole(rng, 3000, 16_000), "text/html", 0, 0)).replace(
                b"Intranet", site.encode()
            )
            visits = [got(doing, link, page, "text/html; charset=utf-8", 0)]
            for _ in range(whole(rng, 1, 4)):
                url = f"http://{site}/img/{noise(rng, 4).hex()}.webp"
                visits.append(got(doing, url, noise(rng, int(heavy(rng, 2000, 60_000))), "image/webp", 0.03))
            yield proxied_visits(doing, reader.host, doing.host.address, visits, clicked)


def list_post(doing: Doing) -> Iterator[Wish | Remark]:
    """Members of a list write to it; it adds a line to each letter, which breaks what the member's server signed."""
    rng, host, office = doing.rng, doing.host, office_of(doing)
    member = pick(rng, doing.others("members"))
    domain, list_domain = domain_of(member), domain_of(host)
    readers = shuffled(rng, mailboxes_of(doing))[: doing.draw_whole("readers")]
    leave = (f"mailto:archivos-leave@{list_domain}",)
    listed = (
        ("X-Mailman-Version", "3.3.8"),
        *subscription("archivos", f"archivos.{list_domain}", leave, is_bulk=False),
        ("List-Post", f"<mailto:archivos@{list_domain}>"),
        ("List-Help", f"<mailto:archivos-request@{list_domain}?subject=help>"),
    )
    for _ in range(doing.draw_whole("letters")):
        author = author_at(doing, domain)
        start = any_time(doing) - 20 * SECOND
        for at_ns, reader in zip(times_apart(rng, start, len(readers), (0.5, 4)), readers, strict=True):
            date = mail_date(at_ns - 2 * SECOND, name=True)
            trace = [
                received(member.name, member.name, member.address, host.name, "ESMTP", queue_id(rng), date),
                from_desk(doing, author.address, member.name, at_ns - SECOND),
            ]
            draft = Draft("list", author, (reader,), at_ns, mailer_of(author.address, OF_PEOPLE), headers=listed)
            letter = written(doing, draft, trace, signed_by=domain)
            sender = Sender(host, f"archivos-bounces@{list_domain}", domain, host.address, domain, True)
            yield from office.take(at_ns, sender, letter, (reader.address,))
    yield Note(doing.action.id, "domain", domain)


def invoice(doing: Doing) -> Iterator[Wish | Remark]:
    """A supplier's program sends an invoice that is due, with a link to its portal; some fetch it."""
    rng, host, office = doing.rng, doing.host, office_of(doing)
    domain = domain_of(host)
    author = office_author(domain, "facturacion" if language_of(doing.cast.site_domain) == "es" else "billing")
    name = pick(rng, correspondence(language_of(doing.cast.site_domain)).files["invoice"])
    url = f"http://portal.{domain}/d/{noise(rng, 5).hex()}/{name}_{whole(rng, 100, 9999)}.zip"
    content = parcel(
        f"{name}.pdf", b"%PDF-1.7\n% exercise: this file shows nothing\n" + noise(rng, doing.draw_heavy("file_bytes"))
    )
    start = doing.cast.begin_ns + nanoseconds(between(rng, *doing.action.starts_min) * 60)
    people = [mailbox for mailbox in mailboxes_of(doing) if mailbox.host]
    to = shuffled(rng, people)[: doing.draw_whole("readers")]
    clicks = doing.draw_whole("clicks")
    for number, (at_ns, reader) in enumerate(zip(times_apart(rng, start, len(to), (1, 9)), to, strict=True)):
        trace = [from_desk(doing, author.address, host.name, at_ns)]
        draft = Draft("invoice", author, (reader,), at_ns, mailer_of(author.address, OF_PROGRAMS), url)
        letter = written(doing, draft, trace, signed_by=domain)
        sender = Sender(host, author.address, domain, host.address, domain, policy="reject", is_script=True)
        yield from office.take(at_ns, sender, letter, (reader.address,))
        yield check_link(doing, url, host.address, at_ns)
        if number < clicks and reader.host:
            clicked = at_ns + nanoseconds(heavy(rng, 25, 300))
            yield proxied_visits(doing, reader.host, host.address, [got(doing, url, content, ZIP, 0)], clicked)


def colleagues(doing: Doing) -> Iterator[Wish | Remark]:
    """Yield what people of the site write to each other."""
    rng, host, server, office = doing.rng, doing.host, doing.servers[0], office_of(doing)
    everybody = mailboxes_of(doing)
    me = next(mailbox for mailbox in everybody if mailbox.host is host)
    author = Author(me.name, me.address, "")
    mailer = mailer_of(me.address, OF_DESKS[host.stack.family])
    for _ in range(doing.draw_whole("letters")):
        at_ns = any_time(doing)
        other = pick(rng, [mailbox for mailbox in everybody if mailbox.name and mailbox is not me])
        letter = written(doing, Draft("colleagues", author, (other,), at_ns, mailer), [])
        size = len(letter.as_bytes())
        request = Request(size + 300, whole(rng, 200, 420), nanoseconds(heavy(rng, 0.02, 0.4)), 0)
        session = TlsSession(
            office.name, "library", chance(rng, 0.5), (request,), short_closing(rng, server_closes=False)
        )
        yield Connect(at_ns, host, server, _SUBMISSION, session, doing.action.id)
        number = queue_id(rng)
        yield Paper(f"mail/{number}.eml", partial(kept_from_inside, letter, session, office, number, other.address))


def read_mail(doing: Doing) -> Iterator[Wish | Remark]:
    """Yield how a mail program looks for new letters."""
    rng, server = doing.rng, doing.servers[0]
    interval = doing.draw("interval_s")
    at_ns = doing.cast.begin_ns + nanoseconds(interval * rng.random())
    known = False
    name = f"{server.name.lower()}.{doing.cast.site_domain}"
    while at_ns < doing.cast.end_ns:
        fetched = doing.draw_heavy("response_bytes") if chance(rng, 0.3) else whole(rng, 120, 700)
        think = [nanoseconds(heavy(rng, 0.002, 0.15)) for _ in range(2)]
        asked = (
            Request(whole(rng, 60, 300), whole(rng, 300, 900), think[0], 0),
            Request(whole(rng, 40, 160), fetched, think[1], nanoseconds(heavy(rng, 0.01, 0.3))),
        )
        closing = short_closing(rng, server_closes=False)
        session = TlsSession(name, "library", known and chance(rng, 0.8), asked, closing)
        known = True
        yield Connect(at_ns, doing.host, server, _IMAP, session, doing.action.id)
        at_ns += nanoseconds(interval * between(rng, 0.97, 1.04) + heavy(rng, 0.05, 20))
