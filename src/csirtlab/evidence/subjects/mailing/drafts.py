"""Who writes to a site, what a message of theirs looks like, and by which servers it came."""

import datetime as dt
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from csirtlab.evidence.applications.correspondence import correspondence
from csirtlab.evidence.applications.mail_messages import (
    Attachment,
    Message,
    encoded,
    mail_date,
    person,
    queue_id,
    received,
    signature,
)
from csirtlab.evidence.applications.mta import (
    LATEST,
    Mta,
    selector,
)
from csirtlab.evidence.applications.mua import (
    Mua,
    Occasion,
)
from csirtlab.evidence.applications.people import Mailbox, draw_name, language_of, mailboxes
from csirtlab.evidence.applications.proxy import Visit
from csirtlab.evidence.intents import ActionContext
from csirtlab.evidence.model import Host
from csirtlab.evidence.sampling import SECOND, between, bounded_pareto, chance, nanoseconds, pick, whole
from csirtlab.evidence.seeds import stream
from csirtlab.evidence.topology import make_name

_ZONES = (-3, -4, -5, -6, 0)  # hours from UTC, in the Americas and on servers that keep UTC


ZIP = "application/zip"


_TEAM = {"es": "equipo", "pt": "equipe", "en": "team"}  # whom one greets at a shared mailbox


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody who writes to the site, and for whom."""

    name: str
    address: str
    org: str

    @property
    def domain(self) -> str:
        """Return the domain of the address."""
        return self.address.split("@")[1]


@dataclass(frozen=True, slots=True)
class Draft:
    """What an action wants to be written."""

    kind: str  # of ``written/``
    author: Author
    to: tuple[Mailbox, ...]
    at_ns: int  # when it reaches the site
    mua: Mua
    link: str = ""
    attachment: Attachment | None = None
    headers: tuple[tuple[str, str], ...] = ()  # of a list


def domain_of(host: Host) -> str:
    """Return the domain whose mail a server handles: mail.example.test is the server of example.test."""
    return host.name.split(".", maxsplit=1)[1]


def author_at(context: ActionContext, domain: str) -> Author:
    """Return somebody who writes from ``domain``; the same person always writes from the same address."""
    name = draw_name(context.rng, language_of(context.topology.site_domain))
    given, family = (part.lower() for part in plain(name).split())
    return Author(name, f"{given}.{family}@{domain}", domain.split(".", maxsplit=1)[0].capitalize())


def office_author(domain: str, account: str) -> Author:
    """Return the author of messages that no person signs."""
    org = domain.split(".", maxsplit=1)[0].capitalize()
    return Author(org, f"{account}@{domain}", org)


def mua_of(who: str, muas: Sequence[Mua]) -> Mua:
    """Return what somebody writes messages with: always the same."""
    return pick(stream(who.encode(), "mail program"), muas)


def plain(text: str) -> str:
    """Return a text without accents."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def written(context: ActionContext, draft: Draft, trace: Sequence[str], *, signed_by: str = "") -> Message:
    """Return the message of a draft, as it leaves the last server before the site's; ``trace``: newest first."""
    rng, language = context.rng, language_of(context.topology.site_domain)
    words, author = correspondence(language), draft.author
    when = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=draft.at_ns // SECOND)
    first = draft.to[0]
    # A person knows that nobody is called "records"; a list of addresses does not.
    team = first.address.split("@")[0] if draft.kind == "lure" else _TEAM[language]
    given = first.name.split(maxsplit=1)[0] if first.name else team
    text = pick(rng, words.messages[draft.kind]).filled({
        "given": given, "org": author.org, "sender": author.name, "link": draft.link,
        "number": str(whole(rng, 12, 980)), "few": str(whole(rng, 6, 19)), "day": str(whole(rng, 1, 28)),
        "month": words.months[when.month % 12],
    })  # fmt: skip
    sent_ns = draft.at_ns - nanoseconds(bounded_pareto(rng, 3, 40))
    headers = [("Received", line) for line in trace]
    if signed_by:
        headers.insert(0, ("DKIM-Signature", signature(rng, signed_by, selector(signed_by), sent_ns)))
    zone = pick(stream(author.domain.encode(), "zone"), _ZONES)
    stamp = draft.mua(Occasion(rng, author.address, first.address, language, sent_ns))
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
    return Message(tuple(headers), text.body, stamp.form, html, draft.attachment)


def from_desk(context: ActionContext, who: str, server: str, at_ns: int) -> str:
    """Return the trace of somebody's own machine handing a message to its mail server, from the office or elsewhere."""
    habits = stream(who.encode(), "desk", server)
    address = f"192.168.{whole(habits, 0, 60)}.{whole(habits, 10, 240)}"
    greeting, name = f"[{address}]", "unknown"
    if chance(habits, 0.5):
        # From home the server sees the line's address, from a hoster that of a machine with the hoster's name.
        own = f"{pick(habits, ('web', 'app', 'crm', 'correo'))}.{who.split('@')[1]}"
        greeting = own if chance(habits, 0.5) else greeting
        address, name = hosted(habits)
    date = mail_date(at_ns - whole(context.rng, 2, 3) * SECOND, name=True)
    return received(greeting, name, address, server, "ESMTPSA", queue_id(context.rng), date)


def hosted(habits: Random) -> tuple[str, str]:
    """Return address and name of a machine that somebody rents; the name is the owner's."""
    address = f"100.{whole(habits, 64, 127)}.{whole(habits, 0, 255)}.{whole(habits, 1, 254)}"
    return address, make_name(habits, _RENTED, ())


_RENTED = ("vps-{number}.{word}{noun}.{tld}", "host-{number}.{noun}{word}.{tld}", "dsl-{number}.{word}{noun}.{tld}")


def by_way_of(context: ActionContext, who: str, server: str, at_ns: int) -> list[str]:
    """Return the trace of a message within the sender's organisation: some have a gateway before their mail server."""
    domain = who.split("@")[1]
    habits = stream(domain.encode(), "gateway")
    if not chance(habits, 0.8):
        return [from_desk(context, who, server, at_ns)]
    gateway, address = f"gw{whole(habits, 1, 4)}.{domain}", f"10.{whole(habits, 0, 60)}.{whole(habits, 0, 9)}.7"
    passed = mail_date(at_ns - SECOND, name=True)
    return [
        received(gateway, gateway, address, server, "ESMTPS", queue_id(context.rng), passed),
        from_desk(context, who, gateway, at_ns),
    ]


def greeting_of(host: Host) -> str:
    """Return what a mail server calls itself: mostly its name in DNS, sometimes what its owner calls the machine."""
    habits = stream(host.name.encode(), "greeting")
    own = pick(habits, ("srv01.", "zimbra.", "exchange.", "mta1.", ""))
    return f"{own}{domain_of(host)}" if chance(habits, 0.35) else host.name


def mailboxes_of(context: ActionContext) -> tuple[Mailbox, ...]:
    """Return the mailboxes of the action's people."""
    return mailboxes(context.topology, context.others("people"))


def mta_of(context: ActionContext) -> Mta:
    """Return the site's mail server, as the action meets it."""
    return Mta(context.servers[0], context.topology.site_domain, context.action.id, context.rng)


def any_time(context: ActionContext) -> int:
    """Return an instant at which a message may come in."""
    topology = context.topology
    return topology.begin_ns + LATEST + int((topology.end_ns - topology.begin_ns - 2 * LATEST) * context.rng.random())


def got(context: ActionContext, url: str, body: bytes, kind: str, pause_s: float) -> Visit:
    """Return what a proxy gets for somebody."""
    rng = context.rng
    think = context.host.link.rtt_ns + nanoseconds(bounded_pareto(rng, 0.012, 0.5))
    return Visit("GET", url, 200, body, kind, think, nanoseconds(pause_s * between(rng, 0.6, 2)))
