"""Mail for a site: what others write to it, what colleagues write to each other, and a lure that does no harm."""

import datetime as dt
import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from csirtlab.evidence.actions.closings import short_closing
from csirtlab.evidence.actions.doing import Doing
from csirtlab.evidence.actions.proxying import check_link, proxied_visits
from csirtlab.evidence.applications.correspondence import correspondence
from csirtlab.evidence.applications.mail_messages import (
    Attachment,
    Letter,
    encoded,
    mail_date,
    person,
    queue_id,
    received,
    signature,
)
from csirtlab.evidence.applications.mta import LATEST, PostOffice, Sender, kept_from_inside, selector, times_apart
from csirtlab.evidence.applications.mua import (
    OF_DESKS,
    OF_PEOPLE,
    OF_PROGRAMS,
    OF_PUBLISHERS,
    OF_STRANGERS,
    Mailer,
    Occasion,
    subscription,
)
from csirtlab.evidence.applications.people import Mailbox, draw_name, language_of, mailboxes
from csirtlab.evidence.applications.proxy import Visit
from csirtlab.evidence.applications.zip_files import parcel
from csirtlab.evidence.intents import Connect, Note, Remark, Wish
from csirtlab.evidence.model import Host, Paper
from csirtlab.evidence.names import make_name
from csirtlab.evidence.protocols.http import Fetch, body_of
from csirtlab.evidence.protocols.tls import Request, TlsSession
from csirtlab.evidence.sampling import SECOND, between, chance, heavy, nanoseconds, noise, pick, shuffled, whole
from csirtlab.evidence.seeds import stream

_SUBMISSION, _IMAP = 465, 993
_ZONES = (-3, -4, -5, -6, 0)  # hours from UTC, in the Americas and on servers that keep UTC
_ZIP = "application/zip"
_TEAM = {"es": "equipo", "pt": "equipe", "en": "team"}  # whom one greets at a shared mailbox


@dataclass(frozen=True, slots=True)
class _Author:
    name: str
    address: str
    org: str

    @property
    def domain(self) -> str:
        return self.address.split("@")[1]


@dataclass(frozen=True, slots=True)
class _Draft:
    """What an action wants to be written."""

    kind: str  # of ``written/``
    author: _Author
    to: tuple[Mailbox, ...]
    at_ns: int  # when it reaches the site
    mailer: Mailer
    link: str = ""
    attachment: Attachment | None = None
    headers: tuple[tuple[str, str], ...] = ()  # of a list


def _domain(host: Host) -> str:
    """Return the domain whose mail a server handles: mail.example.test is the server of example.test."""
    return host.name.split(".", maxsplit=1)[1]


def _author(doing: Doing, domain: str) -> _Author:
    """Return somebody who writes from ``domain``; the same person always writes from the same address."""
    name = draw_name(doing.rng, language_of(doing.cast.site_domain))
    given, family = (part.lower() for part in _plain(name).split())
    return _Author(name, f"{given}.{family}@{domain}", domain.split(".", maxsplit=1)[0].capitalize())


def _office_author(domain: str, account: str) -> _Author:
    org = domain.split(".", maxsplit=1)[0].capitalize()
    return _Author(org, f"{account}@{domain}", org)


def _mailer(who: str, mailers: Sequence[Mailer]) -> Mailer:
    """Return what somebody writes letters with: always the same."""
    return pick(stream(who.encode(), "mail program"), mailers)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _written(doing: Doing, draft: _Draft, trace: Sequence[str], *, signed_by: str = "") -> Letter:
    """Return the letter of a draft, as it leaves the last server before the site's; ``trace``: newest first."""
    rng, language = doing.rng, language_of(doing.cast.site_domain)
    words, author = correspondence(language), draft.author
    when = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=draft.at_ns // SECOND)
    first = draft.to[0]
    # A person knows that nobody is called "records"; a list of addresses does not.
    team = first.address.split("@")[0] if draft.kind == "lure" else _TEAM[language]
    given = first.name.split(maxsplit=1)[0] if first.name else team
    text = pick(rng, words.letters[draft.kind]).filled({
        "given": given, "org": author.org, "sender": author.name, "link": draft.link,
        "number": str(whole(rng, 12, 980)), "few": str(whole(rng, 6, 19)), "day": str(whole(rng, 1, 28)),
        "month": words.months[when.month % 12],
    })  # fmt: skip
    sent_ns = draft.at_ns - nanoseconds(heavy(rng, 3, 40))
    headers = [("Received", line) for line in trace]
    if signed_by:
        headers.insert(0, ("DKIM-Signature", signature(rng, signed_by, selector(signed_by), sent_ns)))
    zone = pick(stream(author.domain.encode(), "zone"), _ZONES)
    stamp = draft.mailer(Occasion(rng, author.address, first.address, language, sent_ns))
    headers += [
        ("Message-ID", f"<{stamp.message_id}>"),
        ("Date", mail_date(sent_ns, zone)),
        ("MIME-Version", stamp.mime_version),
        *stamp.headers,
        *draft.headers,
        ("From", person(author.name, author.address)),
        ("To", ",\n\t".join(person(mailbox.name, mailbox.address) for mailbox in draft.to)),
        ("Subject", encoded(text.subject)),
    ]
    html = ""
    if draft.link:
        anchor = f'<a href="{draft.link}">{draft.link}</a>'
        paragraphs = "</p>\n<p>".join(text.body.replace(draft.link, anchor).split("\n\n"))
        html = f"<html><body>\n<p>{paragraphs}</p>\n</body></html>"
    return Letter(tuple(headers), text.body, stamp.form, html, draft.attachment)


def _from_desk(doing: Doing, who: str, server: str, at_ns: int) -> str:
    """Return the trace of somebody's own machine handing a letter to its mail server: from the office, or elsewhere."""
    habits = stream(who.encode(), "desk", server)
    address = f"192.168.{whole(habits, 0, 60)}.{whole(habits, 10, 240)}"
    greeting, name = f"[{address}]", "unknown"
    if chance(habits, 0.5):
        # From home the server sees the line's address, from a hoster that of a machine with the hoster's name.
        own = f"{pick(habits, ('web', 'app', 'crm', 'correo'))}.{who.split('@')[1]}"
        greeting = own if chance(habits, 0.5) else greeting
        address, name = _hosted(habits)
    date = mail_date(at_ns - whole(doing.rng, 2, 3) * SECOND, name=True)
    return received(greeting, name, address, server, "ESMTPSA", queue_id(doing.rng), date)


def _hosted(habits: Random) -> tuple[str, str]:
    """Return address and name of a machine that somebody rents; the name is the owner's."""
    address = f"100.{whole(habits, 64, 127)}.{whole(habits, 0, 255)}.{whole(habits, 1, 254)}"
    return address, make_name(habits, _RENTED, ())


_RENTED = ("vps-{number}.{word}{noun}.{tld}", "host-{number}.{noun}{word}.{tld}", "dsl-{number}.{word}{noun}.{tld}")


def _by_way_of(doing: Doing, who: str, server: str, at_ns: int) -> list[str]:
    """Return the trace of a letter within the sender's organisation: some have a gateway before their mail server."""
    domain = who.split("@")[1]
    habits = stream(domain.encode(), "gateway")
    if not chance(habits, 0.8):
        return [_from_desk(doing, who, server, at_ns)]
    gateway, address = f"gw{whole(habits, 1, 4)}.{domain}", f"10.{whole(habits, 0, 60)}.{whole(habits, 0, 9)}.7"
    passed = mail_date(at_ns - SECOND, name=True)
    return [
        received(gateway, gateway, address, server, "ESMTPS", queue_id(doing.rng), passed),
        _from_desk(doing, who, gateway, at_ns),
    ]


def _greeting(host: Host) -> str:
    """Return what a mail server calls itself: mostly its name in DNS, sometimes what its owner calls the machine."""
    habits = stream(host.name.encode(), "greeting")
    own = pick(habits, ("srv01.", "zimbra.", "exchange.", "mta1.", ""))
    return f"{own}{_domain(host)}" if chance(habits, 0.35) else host.name


def _mailboxes(doing: Doing) -> tuple[Mailbox, ...]:
    return mailboxes(doing.cast, doing.others("people"))


def _office(doing: Doing) -> PostOffice:
    return PostOffice(doing.servers[0], doing.cast.site_domain, doing.action.id, doing.rng)


def _any_time(doing: Doing) -> int:
    cast = doing.cast
    return cast.begin_ns + LATEST + int((cast.end_ns - cast.begin_ns - 2 * LATEST) * doing.rng.random())


def _correspond(doing: Doing) -> Iterator[Wish | Remark]:
    rng, host, office = doing.rng, doing.host, _office(doing)
    domain = _domain(host)
    habits = stream(domain.encode(), "mail habits")
    signed_by = domain if chance(habits, 0.7) else ""
    policy = "reject" if chance(habits, doing.draw("strict")) else "none"
    authors = [_author(doing, domain) for _ in range(2)]
    for _ in range(doing.draw_whole("letters")):
        at_ns = _any_time(doing)
        author = pick(rng, authors)
        to = tuple(shuffled(rng, _mailboxes(doing))[: doing.draw_whole("readers")])
        attachment = _paper(doing) if chance(rng, doing.draw("attached")) else None
        mailer = _mailer(author.address, OF_PEOPLE)
        draft = _Draft("correspondence", author, to, at_ns, mailer, attachment=attachment)
        trace = _by_way_of(doing, author.address, host.name, at_ns)
        letter = _written(doing, draft, trace, signed_by=signed_by)
        sender = Sender(host, author.address, domain, host.address, signed_by, policy=policy, greeting=_greeting(host))
        yield from office.take(at_ns, sender, letter, tuple(mailbox.address for mailbox in to))


def _paper(doing: Doing) -> Attachment:
    """Return a PDF in name only."""
    rng = doing.rng
    name = pick(rng, correspondence(language_of(doing.cast.site_domain)).files["paper"])
    content = (
        b"%PDF-1.7\n% exercise: this file shows nothing\n" + noise(rng, doing.draw_heavy("file_bytes")) + b"\n%%EOF\n"
    )
    return Attachment(f"{name}_{whole(rng, 1, 400)}.pdf", "application/pdf", content)


def _newsletter(doing: Doing) -> Iterator[Wish | Remark]:
    """One issue for many readers, by way of a service that sends mail for others."""
    rng, office, (relay,) = doing.rng, _office(doing), doing.others("relay")
    domain, site = _domain(doing.host), f"www.{_domain(doing.host)}"
    author = _office_author(domain, "boletin" if language_of(doing.cast.site_domain) != "en" else "news")
    start = doing.cast.begin_ns + nanoseconds(between(rng, *doing.action.starts_min) * 60)
    readers = shuffled(rng, _mailboxes(doing))[: doing.draw_whole("readers")]
    clicks = doing.draw_whole("clicks")
    habits = stream(domain.encode(), "mail habits")
    # Most publishers rent the machine that hands their letters to the relay, and some log in there.
    address, name = _hosted(habits) if chance(habits, 0.75) else (doing.host.address, doing.host.name)
    how = pick(habits, ("ESMTP", "ESMTPSA", "ESMTPSA"))
    mailer = _mailer(domain, OF_PUBLISHERS)
    for at_ns, reader in zip(times_apart(rng, start, len(readers), (0.8, 9)), readers, strict=True):
        link, token = f"http://{site}/n/{noise(rng, 5).hex()}", noise(rng, 9).hex()
        date = mail_date(at_ns - whole(rng, 1, 3) * SECOND, name=True)
        trace = received(doing.host.name, name, address, relay.name, how, queue_id(rng), date)
        leave = (f"http://{site}/u/{token}", f"mailto:leave-{token}@{domain}")
        listed = subscription(author.org, author.address.replace("@", "."), leave, is_bulk=True)
        draft = _Draft("newsletter", author, (reader,), at_ns, mailer, link, headers=tuple(listed))
        letter = _written(doing, draft, [trace], signed_by=domain)
        sender = Sender(relay, f"bounce-{noise(rng, 4).hex()}@{_domain(relay)}", domain, relay.address, domain)
        yield from office.take(at_ns, sender, letter, (reader.address,))
        yield check_link(doing, link, doing.host.address, at_ns)
        if clicks and reader.host:
            clicks -= 1
            clicked = at_ns + nanoseconds(heavy(rng, 25, 1500))
            page = body_of(rng, Fetch("", whole(rng, 3000, 16_000), "text/html", 0, 0)).replace(
                b"Intranet", site.encode()
            )
            visits = [_got(doing, link, page, "text/html; charset=utf-8", 0)]
            for _ in range(whole(rng, 1, 4)):
                url = f"http://{site}/img/{noise(rng, 4).hex()}.webp"
                visits.append(_got(doing, url, noise(rng, int(heavy(rng, 2000, 60_000))), "image/webp", 0.03))
            yield proxied_visits(doing, reader.host, doing.host.address, visits, clicked)


def _got(doing: Doing, url: str, body: bytes, kind: str, pause_s: float) -> Visit:
    rng = doing.rng
    think = doing.host.way.rtt_ns + nanoseconds(heavy(rng, 0.012, 0.5))
    return Visit("GET", url, 200, body, kind, think, nanoseconds(pause_s * between(rng, 0.6, 2)))


def _list_post(doing: Doing) -> Iterator[Wish | Remark]:
    """Members of a list write to it; it adds a line to each letter, which breaks what the member's server signed."""
    rng, host, office = doing.rng, doing.host, _office(doing)
    member = pick(rng, doing.others("members"))
    domain, list_domain = _domain(member), _domain(host)
    readers = shuffled(rng, _mailboxes(doing))[: doing.draw_whole("readers")]
    leave = (f"mailto:archivos-leave@{list_domain}",)
    listed = (
        ("X-Mailman-Version", "3.3.8"),
        *subscription("archivos", f"archivos.{list_domain}", leave, is_bulk=False),
        ("List-Post", f"<mailto:archivos@{list_domain}>"),
        ("List-Help", f"<mailto:archivos-request@{list_domain}?subject=help>"),
    )
    for _ in range(doing.draw_whole("letters")):
        author = _author(doing, domain)
        start = _any_time(doing) - 20 * SECOND
        for at_ns, reader in zip(times_apart(rng, start, len(readers), (0.5, 4)), readers, strict=True):
            date = mail_date(at_ns - 2 * SECOND, name=True)
            trace = [
                received(member.name, member.name, member.address, host.name, "ESMTP", queue_id(rng), date),
                _from_desk(doing, author.address, member.name, at_ns - SECOND),
            ]
            draft = _Draft("list", author, (reader,), at_ns, _mailer(author.address, OF_PEOPLE), headers=listed)
            letter = _written(doing, draft, trace, signed_by=domain)
            sender = Sender(host, f"archivos-bounces@{list_domain}", domain, host.address, domain, True)
            yield from office.take(at_ns, sender, letter, (reader.address,))
    yield Note(doing.action.id, "domain", domain)


def _invoice(doing: Doing) -> Iterator[Wish | Remark]:
    """A supplier's program sends an invoice that is due, with a link to its portal; some fetch it."""
    rng, host, office = doing.rng, doing.host, _office(doing)
    domain = _domain(host)
    author = _office_author(domain, "facturacion" if language_of(doing.cast.site_domain) == "es" else "billing")
    name = pick(rng, correspondence(language_of(doing.cast.site_domain)).files["invoice"])
    url = f"http://portal.{domain}/d/{noise(rng, 5).hex()}/{name}_{whole(rng, 100, 9999)}.zip"
    content = parcel(
        f"{name}.pdf", b"%PDF-1.7\n% exercise: this file shows nothing\n" + noise(rng, doing.draw_heavy("file_bytes"))
    )
    start = doing.cast.begin_ns + nanoseconds(between(rng, *doing.action.starts_min) * 60)
    people = [mailbox for mailbox in _mailboxes(doing) if mailbox.host]
    to = shuffled(rng, people)[: doing.draw_whole("readers")]
    clicks = doing.draw_whole("clicks")
    for number, (at_ns, reader) in enumerate(zip(times_apart(rng, start, len(to), (1, 9)), to, strict=True)):
        trace = [_from_desk(doing, author.address, host.name, at_ns)]
        draft = _Draft("invoice", author, (reader,), at_ns, _mailer(author.address, OF_PROGRAMS), url)
        letter = _written(doing, draft, trace, signed_by=domain)
        sender = Sender(host, author.address, domain, host.address, domain, policy="reject", is_script=True)
        yield from office.take(at_ns, sender, letter, (reader.address,))
        yield check_link(doing, url, host.address, at_ns)
        if number < clicks and reader.host:
            clicked = at_ns + nanoseconds(heavy(rng, 25, 300))
            yield proxied_visits(doing, reader.host, host.address, [_got(doing, url, content, _ZIP, 0)], clicked)


def _lure(doing: Doing) -> Iterator[Wish | Remark]:
    rng, cast, office = doing.rng, doing.cast, _office(doing)
    (relay,), (posed,), (site,) = doing.others("relay"), doing.others("posing_as"), doing.others("site")
    everybody = shuffled(rng, _mailboxes(doing))
    targets = everybody[: doing.draw_whole("targets")]
    people = [mailbox for mailbox in everybody if mailbox.host]
    clicks, downloads = doing.draw_whole("clicks"), doing.draw_whole("downloads")
    # Who clicks gets the letter.
    targets = shuffled(rng, list({mailbox.address: mailbox for mailbox in [*targets, *people[:clicks]]}.values()))
    gone = f"{_gone(doing)}@{cast.site_domain}"
    author = _author(doing, _domain(posed))
    name = pick(rng, correspondence(language_of(cast.site_domain)).files["lure"])
    url = f"http://{site.name}/{pick(rng, _FOLDERS)}/{name}_{whole(rng, 100, 9999)}.zip"
    content = parcel(f"{name}.html", _inert(doing))
    start = cast.begin_ns + nanoseconds(between(rng, *doing.action.starts_min) * 60)
    times = times_apart(rng, start, len(targets) + 1, doing.action.ranges["gap_s"])
    refused_at = whole(rng, 1, len(targets))
    envelope = f"bounce-{noise(rng, 4).hex()}@{_domain(relay)}"
    links: dict[str, str] = {}
    for number, at_ns in enumerate(times):
        is_refused = number == refused_at
        target = Mailbox("", gone, None) if is_refused else targets[number - (number > refused_at)]
        link = f"http://{site.name}/{pick(rng, _FOLDERS)}/{noise(rng, 6).hex()}"
        draft = _Draft("lure", author, (target,), at_ns, _mailer(doing.host.name, OF_STRANGERS), link)
        letter = _written(doing, draft, _forged(doing, relay, posed, at_ns))
        sender = Sender(relay, envelope, _domain(posed), relay.address)
        yield from office.take(at_ns, sender, letter, (target.address,), (gone,) if is_refused else ())
        if not is_refused:
            links[target.address] = link
            yield check_link(doing, link, site.address, at_ns)
    arrived = dict(zip(links, (at_ns for number, at_ns in enumerate(times) if number != refused_at), strict=True))
    yield from _clicks(doing, people[:clicks], downloads, links, arrived, url, content)
    for fact, value in (
        ("recipients", frozenset(links)), ("refused", gone), ("url", url),
        ("file_hash", hashlib.sha256(content).hexdigest()),
        ("clicked", frozenset(mailbox.address for mailbox in people[:clicks])),
    ):  # fmt: skip
        yield Note(doing.action.id, fact, value)


_FOLDERS = ("d", "docs", "s", "share", "f", "v", "doc", "files")


def _gone(doing: Doing) -> str:
    """Return the account of somebody who has left, and whom old lists of addresses still have."""
    known = {mailbox.address.split("@")[0] for mailbox in _mailboxes(doing)}
    while (found := _plain(draw_name(doing.rng, language_of(doing.cast.site_domain))).lower().split()) and (
        found[0][0] + found[1] in known
    ):
        pass
    return found[0][0] + found[1]


def _forged(doing: Doing, relay: Host, posed: Host, at_ns: int) -> list[str]:
    """Return the trace of a lure: the relay's line is true but for the greeting; the one below is the sender's own."""
    rng, phisher = doing.rng, doing.host
    took = mail_date(at_ns - whole(rng, 1, 2) * SECOND, name=True)
    claimed = mail_date(at_ns - whole(rng, 3, 9) * SECOND, name=True)
    true = received(posed.name, phisher.name, phisher.address, relay.name, "ESMTPSA", queue_id(rng), took)
    gateway = f"gw{whole(rng, 1, 4)}.{_domain(posed)}"
    false = received(posed.name, posed.name, posed.address, gateway, "ESMTPS", queue_id(rng), claimed)
    return [true, false]


def _inert(doing: Doing) -> bytes:
    rng = doing.rng
    lines = "\n".join(noise(rng, 32).hex() for _ in range(doing.draw_heavy("file_bytes") // 65))
    return f"<!-- exercise: this file does nothing -->\n<pre>\n{lines}\n</pre>\n".encode()


def _clicks(
    doing: Doing,
    people: Sequence[Mailbox],
    downloads: int,
    links: Mapping[str, str],
    arrived: Mapping[str, int],
    url: str,
    content: bytes,
) -> Iterator[Wish | Remark]:
    """Some follow their link: the first ones get the file, then the proxy has been told to refuse the site."""
    rng, (site,) = doing.rng, doing.others("site")
    last = doing.cast.end_ns - LATEST
    found = [(arrived[mailbox.address] + nanoseconds(heavy(rng, 60, 1500)), mailbox) for mailbox in people]
    found.sort(key=lambda click: click[0])
    fetched: set[str] = set()
    for number, (wanted, mailbox) in enumerate(found):
        assert mailbox.host is not None
        is_denied = number >= downloads
        at_ns = min(wanted + is_denied * 90 * SECOND, last - (len(found) - number) * 2 * SECOND)
        think = [site.way.rtt_ns + nanoseconds(heavy(rng, 0.02, 0.5)) for _ in range(2)]
        link = links[mailbox.address]
        if is_denied:
            visits = [
                Visit("GET", link, 403, b"", "text/html", nanoseconds(heavy(rng, 0.0004, 0.01)), 0, is_denied=True)
            ]
        else:
            fetched.add(mailbox.host.address)
            visits = [
                Visit("GET", link, 302, b"", "", think[0], 0, location=url),
                Visit("GET", url, 200, content, _ZIP, think[1], nanoseconds(heavy(rng, 0.003, 0.05))),
            ]
        yield proxied_visits(doing, mailbox.host, site.address, visits, at_ns)
    yield Note(doing.action.id, "downloaders", frozenset(fetched))


def _colleagues(doing: Doing) -> Iterator[Wish | Remark]:
    rng, host, server, office = doing.rng, doing.host, doing.servers[0], _office(doing)
    everybody = _mailboxes(doing)
    me = next(mailbox for mailbox in everybody if mailbox.host is host)
    author = _Author(me.name, me.address, "")
    mailer = _mailer(me.address, OF_DESKS[host.stack.family])
    for _ in range(doing.draw_whole("letters")):
        at_ns = _any_time(doing)
        other = pick(rng, [mailbox for mailbox in everybody if mailbox.name and mailbox is not me])
        letter = _written(doing, _Draft("colleagues", author, (other,), at_ns, mailer), [])
        size = len(letter.as_bytes())
        request = Request(size + 300, whole(rng, 200, 420), nanoseconds(heavy(rng, 0.02, 0.4)), 0)
        session = TlsSession(
            office.name, "library", chance(rng, 0.5), (request,), short_closing(rng, server_closes=False)
        )
        yield Connect(at_ns, host, server, _SUBMISSION, session, doing.action.id)
        number = queue_id(rng)
        yield Paper(f"mail/{number}.eml", partial(kept_from_inside, letter, session, office, number, other.address))


def _read_mail(doing: Doing) -> Iterator[Wish | Remark]:
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


DOERS: Mapping[str, Callable[[Doing], Iterator[Wish | Remark]]] = {
    "colleagues": _colleagues,
    "correspond": _correspond,
    "invoice": _invoice,
    "list-post": _list_post,
    "lure": _lure,
    "newsletter": _newsletter,
    "read-mail": _read_mail,
}
