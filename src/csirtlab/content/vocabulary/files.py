"""Which files actions write beside the capture and the asset list, and which of them witnesses and guesses read."""

from collections.abc import Mapping

ACCESS, AUTH, PROXY, QUERIES = "access.log", "auth.log", "proxy.log", "queries.log"
CUSTODY, EXHIBITS, FLOWS, LETTERS, TAGS = "custody.csv", "exhibits/", "flows.csv", "mail/", "tags.csv"

WRITTEN: Mapping[str, tuple[str, ...]] = {
    "browse-by-proxy": (PROXY,),
    "colleagues": (LETTERS,),
    "correspond": (LETTERS,),
    "crawl": (ACCESS,),
    "export": (ACCESS,),
    "export-flows": (FLOWS,),
    "invoice": (LETTERS, PROXY),
    "list-post": (LETTERS,),
    "list-tags": (TAGS,),
    "log-in": (AUTH,),
    "log-queries": (QUERIES,),
    "lure": (LETTERS, PROXY),
    "newsletter": (LETTERS, PROXY),
    "path-scan": (ACCESS,),
    "read-by-proxy": (PROXY,),
    "read-reports": (ACCESS,),
    "search-site": (ACCESS,),
    "seize": (CUSTODY, EXHIBITS),
    "spray": (AUTH,),
    "visit-site": (ACCESS,),
    "web-intrusion": (ACCESS,),
}
"""By verb."""

_READ: Mapping[str, tuple[str, ...]] = {
    "asked-links": (LETTERS, PROXY),
    "auditor": (ACCESS,),
    "custody.altered": (EXHIBITS,),
    "custody.broken_entry": (CUSTODY,),
    "custody.lost": (EXHIBITS,),
    "custody.true_copy": (EXHIBITS,),
    "dmarc-failed": (LETTERS,),
    "first-asked-link": (LETTERS, PROXY),
    "first-failed": (AUTH,),
    "first-quote": (ACCESS,),
    "first-zip": (PROXY,),
    "intrusion": (ACCESS,),
    "list-post": (LETTERS,),
    "logged-export": (ACCESS,),
    "longest-name": (QUERIES,),
    "lure": (LETTERS,),
    "lure-site": (LETTERS, PROXY),
    "lure.clicked": (LETTERS, PROXY),
    "lure.downloaders": (LETTERS, PROXY),
    "lure.file_hash": (LETTERS, PROXY),
    "lure.first_click": (LETTERS, PROXY),
    "lure.url": (LETTERS, PROXY),
    "mistyped": (AUTH,),
    "most-accepted": (AUTH,),
    "most-asked": (QUERIES,),
    "most-missing": (ACCESS,),
    "most-questions": (QUERIES,),
    "most-requests": (ACCESS,),
    "newest-received": (LETTERS,),
    "oldest-received": (LETTERS,),
    "path-scan": (ACCESS,),
    "reputation": (QUERIES,),
    "rogue.extreme": (TAGS,),
    "spray": (AUTH,),
    "tunnel": (QUERIES,),
    "zip": (PROXY,),
}


def read_by(name: str) -> tuple[str, ...]:
    """Return the files that a witness or a guess reads, beside the capture and the asset list."""
    return _READ.get(name) or _READ.get(name.split(".", maxsplit=1)[0], ())
