"""Words for the mail of a site, and for a lure in it."""

from collections.abc import Mapping

from csirtlab.content.labs import Form
from csirtlab.content.vocabulary.words import LETTERS, PROXY, Parameter, Verb

_PEOPLE = {"people": ("group",)}
_LINKS = {**_PEOPLE, "checker": ("host",), "proxy": ("host",)}
_LETTERS = Parameter(0, 60, "letters of one sender in the window")
_READERS = Parameter(
    1, 60, "mailboxes that get it; each person at a workstation has one, some have no workstation here"
)
_CLICKS = Parameter(0, 40, "readers who follow the link, by way of the proxy")
_FILE = Parameter(300, 400_000, "bytes of the file")

VERBS: Mapping[str, Verb] = {
    "correspond": Verb(
        "people outside write to people of the site, from their own mail server: mail/",
        {
            "letters": _LETTERS,
            "readers": _READERS,
            "attached": Parameter(0, 1, "share of the letters that come with a file"),
            "file_bytes": _FILE,
            "strict": Parameter(0, 1, "share of the senders whose domains want forgeries to be rejected"),
        },
        target=("host",),
        source=("service",),
        others=_PEOPLE,
        writes=(LETTERS,),
    ),
    "newsletter": Verb(
        "a newsletter comes to many by way of a service that sends for others; each reader has a link of their own",
        {"readers": _READERS, "clicks": _CLICKS},
        target=("host",),
        source=("service",),
        others={**_LINKS, "relay": ("service",)},
        single=("relay",),
        people=("people",),
        writes=(LETTERS, PROXY),
    ),
    "list-post": Verb(
        "members write to a mailing list; it changes their letters, so that their signatures no longer hold",
        {"letters": _LETTERS, "readers": _READERS},
        target=("host",),
        source=("service",),
        others={**_PEOPLE, "members": ("service",)},
        facts={"domain": Form.DOMAIN},
        writes=(LETTERS,),
    ),
    "invoice": Verb(
        "a supplier's program sends an invoice that is due, with a link to a file; some fetch it",
        {"readers": _READERS, "clicks": _CLICKS, "file_bytes": _FILE},
        target=("host",),
        source=("service",),
        others=_LINKS,
        people=("people",),
        writes=(LETTERS, PROXY),
    ),
    "lure": Verb(
        "letters in a known name with a link to a file; some fetch it, then the proxy refuses (T1566.002, T1204.001)",
        {
            "targets": Parameter(3, 60, "mailboxes that get it"),
            "clicks": Parameter(2, 40, "people who follow the link"),
            "downloads": Parameter(1, 30, "the first of them, who get the file before the proxy refuses the site"),
            "gap_s": Parameter(0.5, 600, "seconds from one letter to the next"),
            "file_bytes": _FILE,
        },
        target=("host",),
        source=("service",),
        others={**_LINKS, "relay": ("service",), "posing_as": ("service",), "site": ("service",)},
        single=("relay", "posing_as", "site"),
        people=("people",),
        facts={
            "recipients": Form.SET, "refused": Form.TEXT, "url": Form.TEXT, "file_hash": Form.HASH,
            "clicked": Form.SET, "downloaders": Form.SET, "first_delivery": Form.TIME, "first_click": Form.TIME,
        },
        writes=(LETTERS, PROXY),
    ),
    "colleagues": Verb(
        "people of the site write to each other, in sessions that nobody reads",
        {"letters": _LETTERS},
        target=("host",),
        others=_PEOPLE,
        source_of="people",
        writes=(LETTERS,),
    ),
    "read-mail": Verb(
        "mail programs look for new mail over TLS",
        {
            "interval_s": Parameter(20, 3600, "seconds from one look to the next"),
            "response_bytes": Parameter(100, 400_000, "bytes of what is new, before encryption"),
        },
        target=("host",),
    ),
}  # fmt: skip

WITNESSES: Mapping[str, str] = {
    "lure.recipients": "who got the letters whose Received lines do not follow from each other",
    "lure.sender": "the address in the last Received line that does, read from the newest down",
    "lure.first_delivery": "when the site's server took the first of them",
    "lure.first_click": "when a host other than the link checker first asked the proxy for one of their links",
    "lure.clicked": "who got the links that such hosts asked for",
    "lure.url": "what such hosts got a file from after one of the links",
    "lure.downloaders": "those hosts",
    "lure.file_hash": "the SHA-256 of that file as the capture holds it",
    "lure.refused": "the address that the server did not know when the lure's relay named it",
    "list-post.domain": "the domain in From of letters that fail DMARC though their Received lines follow",
}

GUESSES: Mapping[str, str] = {
    "oldest-received.address": "the address in the oldest Received line of letters that fail DMARC",
    "newest-received.address": "the address that handed such letters over",
    "dmarc-failed.recipients": "who got letters that fail DMARC",
    "asked-links.recipients": "whose links stand in the proxy's log",
    "first-asked-link.time": "when one of the lure's links first stands in the proxy's log",
    "first-zip.url": "the first ZIP archive in the proxy's log",
    "zip.hosts": "who got a ZIP archive by way of the proxy",
    "lure-site.hosts": "who asked the lure's site for anything",
}

READS: Mapping[str, tuple[str, ...]] = {
    "asked-links": (LETTERS, PROXY),
    "dmarc-failed": (LETTERS,),
    "first-asked-link": (LETTERS, PROXY),
    "first-zip": (PROXY,),
    "list-post": (LETTERS,),
    "lure": (LETTERS,),
    "lure-site": (LETTERS, PROXY),
    "lure.clicked": (LETTERS, PROXY),
    "lure.downloaders": (LETTERS, PROXY),
    "lure.file_hash": (LETTERS, PROXY),
    "lure.first_click": (LETTERS, PROXY),
    "lure.url": (LETTERS, PROXY),
    "newest-received": (LETTERS,),
    "oldest-received": (LETTERS,),
    "zip": (PROXY,),
}
